"""Steps out of a replay for a call that a test makes real: nothing is served and nothing is refused there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from . import audit
from .server import serving


@contextmanager
def outside_of_replay() -> Iterator[None]:
    """Have the block call the live dependencies, also below a replayed call."""
    token = serving.set(None)
    try:
        with audit.watched(None):
            yield
    finally:
        serving.reset(token)
