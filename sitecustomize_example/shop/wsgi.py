"""What a WSGI server serves: `gunicorn --workers 2 shop.wsgi:app`."""

from __future__ import annotations

from .app import create_app
from .settings import Settings

app = create_app(Settings.from_environ())
