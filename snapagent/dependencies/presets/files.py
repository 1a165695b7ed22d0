"""`files`: text and data files that are opened for reading, outside the interpreter and installed packages.

The content of a regular file is stored, up to MOST_BYTES; anything else (pipes, devices, larger files) and every file
that is opened for writing is left alone.
"""

from __future__ import annotations

import os
import stat
import sys

from ..tape import READ
from . import Described, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import Wrap

MOST_BYTES = 1_000_000
_CODE = (".py", ".pyc", ".so", ".pyd", ".zip")


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("file", "mode"), args, strict=False)) | kwargs
    path = os.fspath(named["file"])
    arguments = {"path": path, "mode": named.get("mode", "r")}
    return Described(READ, f"open {path!r}", arguments, path)


def _pack(opened: Any, call: Described) -> bytes:
    """The content, read through a descriptor of its own: the program's file stays where it is."""
    descriptor = os.open(str(call.subject), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        data = b""
        while piece := os.read(descriptor, MOST_BYTES):
            data += piece
        return data
    finally:
        os.close(descriptor)


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from io import BytesIO, TextIOWrapper

    named = dict(zip(("file", "mode", "buffering", "encoding", "errors", "newline"), args, strict=False)) | kwargs
    content = BytesIO(stored)
    content.name = named["file"]
    if "b" in named.get("mode", "r"):
        return content
    return TextIOWrapper(content, named.get("encoding"), named.get("errors"), named.get("newline"))


def concerns(file: object, mode: object) -> bool:
    """Whether the opening of this file is recorded."""
    if mode not in ("r", "rb", "rt", "br", "tr") or not isinstance(file, (str, os.PathLike)):
        return False
    path = os.path.abspath(os.fspath(file))
    if not isinstance(path, str) or path.endswith(_CODE) or path.startswith((sys.prefix, sys.base_prefix, "/proc/")):
        return False
    try:
        found = os.stat(path)
    except OSError:
        return True  # that it is missing is an answer too
    return stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES


def _install(namespace: dict[str, Any], wrap: Wrap) -> Callable[[], None] | None:
    import builtins

    real = builtins.open
    recorded = wrap(operations[0], real)

    def open(file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
        return (recorded if concerns(file, mode) else real)(file, mode, *args, **kwargs)

    open.__doc__, open.__module__, open.__wrapped__ = real.__doc__, real.__module__, real  # type: ignore[attr-defined]
    places = (builtins, sys.modules["io"])
    for place in places:
        place.open = open  # type: ignore[attr-defined]

    def restore() -> None:
        for place in places:
            if vars(place).get("open") is open:
                place.open = real  # type: ignore[attr-defined]

    return restore


operations = (Operation("builtins", "open", _describe, _pack, _rebuild, install=_install),)
