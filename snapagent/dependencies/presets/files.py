"""`files`: files that are opened for reading, facts of files and listings of folders, outside the interpreter's own.

The content of a regular file is stored, up to MOST_BYTES; anything else (pipes, devices, larger files) and every file
that is opened for writing is left alone. `os.path` and `pathlib` ask `os.stat`, `lstat`, `listdir` and `scandir`.
"""

from __future__ import annotations

import os
import stat
import sys

from ...core.descriptors import open_high
from ..tape import READ
from . import Deferred, Described, Operation
from .folder_entries import Listing, ServedListing
from .portable_paths import portable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import Wrap

MOST_BYTES = 1_000_000
_CODE = (".py", ".pyc", ".so", ".pyd", ".zip")
_NOT_DATA = tuple({f"{folder.rstrip('/')}/" for folder in (sys.prefix, sys.base_prefix, "/proc", "/dev", "/sys")})
_DATA = "/dev/shm/"  # files in memory, which are as regular as those on disk
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_PACKAGE = __file__.rpartition("dependencies")[0]
_SUPPORT = ("supports_fd", "supports_dir_fd", "supports_follow_symlinks", "supports_effective_ids")
_real_stat = os.stat


# -- what is recorded --------------------------------------------------------------------------------------------


def concerns(file: object, mode: object) -> bool:
    """Whether the opening of this file is recorded."""
    if mode not in ("r", "rb", "rt", "br", "tr") or not is_data(file):
        return False
    try:
        found = _real_stat(file)  # type: ignore[arg-type]
    except OSError:
        return True  # that it is missing is an answer too
    return stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES


def is_data(path: object) -> bool:
    """Whether a path is neither code nor the interpreter's own, and asked for by the program."""
    if not isinstance(path, (str, os.PathLike)):
        return False
    text = os.path.abspath(os.fspath(path))
    if text.endswith(_CODE) or (text.startswith(_NOT_DATA) and not text.startswith(_DATA)):
        return False
    return not _is_asked_by_this_package()


def _is_asked_by_this_package() -> bool:
    """Whether the nearest caller outside the standard library is this package itself, above the presets."""
    frame = sys._getframe(3)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_LIBRARY, "<frozen ", __file__)) or "-packages" in name:
            return name.startswith(_PACKAGE)
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _described(operation: str, path: Any, **more: Any) -> Described:
    text = os.fspath(path)
    return Described(READ, f"{operation} {text!r}", {"path": portable(text), **more}, text)


def _describe_open(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("file", "mode"), args, strict=False)) | kwargs
    return _described("open", named["file"], mode=named.get("mode", "r"))


def _describing(operation: str) -> Callable[[tuple[Any, ...], dict[str, Any]], Described]:
    def describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
        more = {} if kwargs.get("follow_symlinks", True) else {"follow_symlinks": False}
        return _described(operation, args[0], **more)

    return describe


def _pack_open(opened: Any, call: Described) -> bytes:
    """The content, read through a descriptor of its own: the program's file stays where it is."""
    descriptor = open_high(str(call.subject), os.O_RDONLY | os.O_NONBLOCK)
    try:
        data = b""
        while piece := os.read(descriptor, MOST_BYTES):
            data += piece
        return data
    finally:
        os.close(descriptor)


def _pack_listing(listing: Listing, call: Described) -> Deferred:
    listing.is_kept = True
    return Deferred(lambda: listing.facts)


# -- what replay gives -------------------------------------------------------------------------------------------


def _rebuild_open(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from io import BytesIO, TextIOWrapper

    named = dict(zip(("file", "mode", "buffering", "encoding", "errors", "newline"), args, strict=False)) | kwargs
    content = BytesIO(stored)
    content.name = named["file"]
    if "b" in named.get("mode", "r"):
        return content
    return TextIOWrapper(content, named.get("encoding"), named.get("errors"), named.get("newline"))


def _rebuild_listing(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return ServedListing(os.fspath(args[0]), stored)


# -- in place of the functions -----------------------------------------------------------------------------------


def _install(namespace: dict[str, Any], wrap: Wrap) -> Callable[[], None] | None:
    import builtins

    made = {
        "stat": _facts(os.stat, wrap(operations[1], os.stat)),
        "lstat": _facts(os.lstat, wrap(operations[2], os.lstat)),
        "listdir": _names(os.listdir, wrap(operations[3], os.listdir)),
        "scandir": _entries(os.scandir, wrap(operations[4], _listing(os.scandir))),
    }
    early = _holders_of(os.scandir)
    undo = [_put(os, name, function) for name, function in made.items()]
    undo += [_put_static(holder, made["scandir"]) for holder in early]
    opening = _opening(builtins.open, wrap(operations[0], builtins.open))
    undo += [_put(place, "open", opening) for place in (builtins, sys.modules["io"])]

    def restore() -> None:
        for step in undo:
            step()

    return restore


def _opening(real: Any, recorded: Any) -> Any:
    def open(file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
        return (recorded if concerns(file, mode) else real)(file, mode, *args, **kwargs)

    return open


def _facts(real: Any, recorded: Any) -> Any:
    def facts(path: Any, *args: Any, dir_fd: int | None = None, **kwargs: Any) -> Any:
        if dir_fd is not None:
            return real(path, *args, dir_fd=dir_fd, **kwargs)
        return (recorded if is_data(path) else real)(path, *args, **kwargs)

    return facts


def _names(real: Any, recorded: Any) -> Any:
    def listdir(path: Any = None) -> Any:
        return recorded(path) if is_data(path) else real(path)

    return listdir


def _entries(real: Any, recorded: Any) -> Any:
    def scandir(path: Any = None) -> Any:
        if not is_data(path):
            return real(path)
        listing = recorded(path)
        return listing.entries if type(listing) is Listing and not listing.is_kept else listing

    return scandir


def _listing(real: Any) -> Any:
    return lambda path: Listing(real(path))


def _put(place: Any, name: str, function: Any) -> Callable[[], None]:
    """Put a function in the place of a built-in one; returns the way back."""
    real = vars(place)[name]
    function.__doc__, function.__module__, function.__wrapped__ = real.__doc__, real.__module__, real
    function.__name__ = function.__qualname__ = name
    setattr(place, name, function)
    sets = [vars(os)[each] for each in _SUPPORT if place is os and real in vars(os).get(each, ())]
    for each in sets:
        each.add(function)

    def restore() -> None:
        if vars(place).get(name) is function:
            setattr(place, name, real)
        for each in sets:
            each.discard(function)

    return restore


def _holders_of(real: Any) -> list[type]:
    """The classes of `glob` that took `os.scandir` when they were defined, from Python 3.13 on; `pathlib` uses them."""
    import glob

    classes = [each for each in vars(glob).values() if isinstance(each, type)]
    return [each for each in classes if getattr(vars(each).get("scandir"), "__func__", None) is real]


def _put_static(holder: Any, function: Any) -> Callable[[], None]:
    before, now = vars(holder)["scandir"], staticmethod(function)
    holder.scandir = now

    def restore() -> None:
        if vars(holder).get("scandir") is now:
            holder.scandir = before

    return restore


operations = (
    Operation("builtins", "open", _describe_open, _pack_open, _rebuild_open, install=_install),
    *(
        Operation("os", name, _describing(name), install=lambda namespace, wrap: None)
        for name in ("stat", "lstat", "listdir")
    ),
    Operation(
        "os",
        "scandir",
        _describing("scandir"),
        _pack_listing,
        _rebuild_listing,
        install=lambda namespace, wrap: None,
    ),
)
