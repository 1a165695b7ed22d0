"""The application factory."""

from __future__ import annotations

from flask import Flask

from . import storage
from .orders import OrderService
from .settings import Settings
from .views import bp


def create_app(settings: Settings) -> Flask:
    """A shop on the database and the payment service that `settings` name."""
    app = Flask(__name__)
    storage.prepare(settings.database)
    app.extensions["shop.orders"] = OrderService.from_settings(settings)
    app.register_blueprint(bp)
    return app
