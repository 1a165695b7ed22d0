"""Gives each test an overlay: calls of dependencies that its bundles did not record become side effects of the test.

They are made for real and recorded where SIDE_EFFECT_CAPTURE allows it, and served from these recordings afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ..effects.overlay import overlay
from ..side_effects.session import SideEffects
from .side_effect_fixture import close_session, note_end, session_of


@contextmanager
def overlaid(item: pytest.Item) -> Iterator[None]:
    """Around the call of a test. What it recorded is written when it has passed."""
    found = _Overlay(item)
    token = overlay.set(found)
    try:
        yield
    except BaseException as error:
        found.close(error)
        raise
    finally:
        overlay.reset(token)
    found.close(None)


class _Overlay:
    """Opens a session at the first call beyond a tape, unless the test has one by the fixture `side_effects`."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._values: dict[str, Any] = getattr(item, "funcargs", {})
        self._own: SideEffects | None = None

    def __call__(self, dependency: str) -> Callable[..., Any] | None:
        session = self._values.get("side_effects") or self._own
        if session is None:
            session = self._own = session_of(self._item, self._values.get("bundle"))
        return session.overlay(dependency)

    def close(self, error: BaseException | None) -> None:
        if self._own is not None:
            note_end(self._item, error)
            close_session(self._item, self._own)
