"""Refuses the network and databases while a tape is served: what no declared dependency does must not become real."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from types import CodeType, FrameType

from ...errors import UndeclaredEffect
from .audit import database_file, is_address
from .program_files import is_of_program

SOCKET = "socket"  # the word in `live=` that lets every connection through
_LOOK_UP = "socket.getaddrinfo"
_EVENTS = {
    "socket.connect": "connected to {0}",
    _LOOK_UP: "looked up the host {0}",
    "socket.gethostbyname": "looked up the host {0}",
    "sqlite3.connect": "opened the database {0}",
}
_PRESETS = {  # top-level package of a library -> the preset that records it
    "requests": "requests",
    "httpx": "httpx",
    "aiohttp": "aiohttp",
    "botocore": "boto3",
    "redis": "redis",
    "django": "django-orm",
    "sqlalchemy": "sqlalchemy",
    "psycopg": "psycopg",
}
_SQLITE = "sqlite3"


class Guard:
    """A watcher for `audit`. `live` are the names that may be real, `passes` the code of functions that may be.

    `served` are the presets in force: a call of their libraries that still gets here is one that they do not record.
    """

    def __init__(
        self,
        target: str,
        served: Collection[str],
        live: Collection[str],
        passes: Collection[CodeType],
        missed: Callable[[UndeclaredEffect], None],
    ) -> None:
        self._target = target
        self._served = frozenset(served)
        self._live = frozenset(live)
        self._passes = passes
        self._missed = missed

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        action = _EVENTS.get(event)
        if action is None or _is_harmless(event, arguments):
            return
        frame = sys._getframe(2)  # below the audit hook
        declare = self._to_declare(event, frame)
        is_allowed = declare in self._live or (event != "sqlite3.connect" and SOCKET in self._live)
        if is_allowed or self._passed(frame):
            return
        error = UndeclaredEffect(self._target, action.format(_subject(event, arguments)), declare)
        self._missed(error)
        raise error

    def _to_declare(self, event: str, frame: FrameType | None) -> str:
        """The preset of the library on the stack, else the program's function that reached for the outside."""
        function = recorded = ""
        while frame is not None and not function:
            module = str(frame.f_globals.get("__name__", ""))
            preset = _PRESETS.get(module.partition(".")[0], "")
            if preset and preset not in self._served:
                return preset
            recorded = recorded or preset  # its own preset would not help
            if not preset and is_of_program(frame.f_code.co_filename):
                function = f"{module}:{frame.f_code.co_qualname}"
            frame = frame.f_back
        if recorded and function == self._target:  # a target is no dependency of its own
            return recorded
        return _SQLITE if event.startswith(_SQLITE) else function or recorded or SOCKET

    def _passed(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code in self._passes:
                return True
            frame = frame.f_back
        return False


def _is_harmless(event: str, arguments: tuple[object, ...]) -> bool:
    """Nothing is looked up for an address, whose connection will be refused; a database in memory is nobody's."""
    if event == _LOOK_UP:
        return is_address(arguments[0])
    if event != "sqlite3.connect":
        return False
    path = arguments[0]
    return isinstance(path, str | bytes) and database_file(os.fsdecode(path)) is None


def _subject(event: str, arguments: tuple[object, ...]) -> str:
    value = arguments[1 if event == "socket.connect" else 0] if len(arguments) > 1 or arguments else "?"
    if isinstance(value, tuple) and len(value) >= 2:
        return f"{value[0]}:{value[1]}"
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
