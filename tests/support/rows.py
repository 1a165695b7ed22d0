"""Rows of the differential suite: each does one thing to a module and returns plain data about what it saw."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

Row = Callable[[ModuleType], Any]
ROWS: dict[str, Row] = {}


def row(observe: Row) -> Row:
    ROWS[observe.__name__] = observe
    return observe


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the type and text of what it raises."""
    try:
        return call()
    except BaseException as error:
        return type(error).__name__, str(error)


def frames(error: BaseException) -> list[str]:
    """The functions that its traceback goes through."""
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]
