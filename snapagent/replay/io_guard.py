"""Refuses real input and output while a call is replayed: connections, name look-ups, databases, changes of files.

Python's audit events announce each of them before it happens. Reading files is allowed, and so is everything inside the
temporary folder, save the databases and existing files of a program that lies there itself. Code that a call imports is
not refused anything, since the same import may have run before the call. Libraries in C that open sockets by themselves
(libpq, for instance) and child processes raise no such events.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import IoRefusedError, NotReplayableError
from .effects.audit import SERVED_EVENTS, database_file, is_address, watcher

_SHOWN = 3  # of the things that a call asked for
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_HARMLESS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx", "/dev/stdout", "/dev/stderr")
_HARMLESS_FOLDERS = ("/dev/pts/", "/dev/fd/", "/proc/self/")
_IMPORT_SYSTEM = "<frozen importlib"
_ALLOW = "--allow-io allows it"
_FOLDER_OF = "/proc/self/fd/%d"


class IoGuard:
    """What the calls asked for while this guard was on. `asked` has each thing once, in words."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._temporary = os.path.realpath(tempfile.gettempdir())
        self._programs = frozenset(filter(None, map(self._top, (os.getcwd(), *sys.path))))

    def refuse(self, what: str) -> None:
        if what not in self.asked:
            self.asked.append(what)
        raise IoRefusedError(what)

    def is_temporary(self, path: str) -> bool:
        """Whether `path` is inside the temporary folder."""
        return self._top(path) is not None

    def is_programs(self, path: str) -> bool:
        """Whether `path` is where a program lies that is itself below the temporary folder."""
        return self._top(path) in self._programs

    def _top(self, path: str) -> str | None:
        """The first name of a path below the temporary folder; None for every other path."""
        inside = os.path.join(self._temporary, "")
        found = os.path.join(os.path.realpath(path), "")
        return found.removeprefix(inside).partition(os.sep)[0] if found.startswith(inside) else None

    @property
    def reason(self) -> str:
        """`asked for ...`, or empty."""
        if not self.asked:
            return ""
        more = f" and {len(self.asked) - _SHOWN} more" if len(self.asked) > _SHOWN else ""
        return f"asked for {', '.join(self.asked[:_SHOWN])}{more}"


_guard: IoGuard | None = None
_depth = 0  # of `guarded`
_hooked = False


@contextmanager
def refused_io() -> Iterator[IoGuard]:
    """Until the end, code inside `guarded` that asks for real input or output gets an IoRefusedError.

    That holds for all threads of the process.
    """
    global _guard, _hooked
    before, _guard = _guard, IoGuard()
    if not _hooked:  # a hook stays for as long as the process lives
        sys.addaudithook(_on_event)
        _hooked = True
    try:
        yield _guard
    finally:
        _guard = before


@contextmanager
def guarded() -> Iterator[None]:
    """Around what a replay runs of the program: the call, and the loading and comparing of its values.

    It may be nested. Set-up is outside.
    """
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1


@contextmanager
def io_refused(target: str, *, unless: bool = False) -> Iterator[None]:
    """Around a replay of `target` outside of pytest. Raises NotReplayableError for one that has asked for real I/O.

    However the call went on, and whatever it raised; a person's Ctrl-C is passed on.
    """
    if unless:
        with guarded():
            yield
        return
    with refused_io() as guard:
        try:
            with guarded():
                yield
        except BaseException as error:
            if not guard.asked or isinstance(error, KeyboardInterrupt):
                raise
            raise NotReplayableError(target, guard.reason, _ALLOW) from error
    if guard.asked:
        raise NotReplayableError(target, guard.reason, _ALLOW)


def _on_event(event: str, args: tuple[Any, ...]) -> None:
    if not _depth or _guard is None or (event in SERVED_EVENTS and watcher.get() is not None):
        return  # while effects are served, their guard names what to declare
    describe = _EVENTS.get(event)
    what = describe(_guard, *args) if describe is not None else None
    if what is not None and not _is_importing():
        _guard.refuse(what)


def _is_importing() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


# -- what each event asks for, in words; None for what is allowed ------------------------------------------------


def _connection(guard: IoGuard, sock: object, address: object) -> str | None:
    if address is None:
        return None  # a socket that is connected
    if isinstance(address, tuple) and len(address) > 1:
        return f"a connection to {address[0]}:{address[1]}"
    return f"a connection to {address!r}"


def _look_up(guard: IoGuard, host: object, port: object = None, *rest: object) -> str | None:
    if is_address(host) or not isinstance(host, str | bytes):
        return None  # nobody is asked
    name = os.fsdecode(host)
    return f"a connection to {name}:{_text(port)}" if port else f"the address of {name}"


def _text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)


def _database(guard: IoGuard, database: object) -> str | None:
    given = _path(database)
    path = database_file(given) if given is not None else None
    if path is None or (guard.is_temporary(path) and not guard.is_programs(path)):
        return None
    return f"the database {path!r}"


def _open(guard: IoGuard, path: object, mode: object, flags: object) -> str | None:
    if not isinstance(flags, int) or not flags & _WRITES:
        return None
    return _change(guard, "writing", path)


def _removal(guard: IoGuard, path: object, folder: object = -1) -> str | None:
    return _change(guard, "removing", path, folder, if_there=True)


def _new_folder(guard: IoGuard, path: object, mode: object = 0, folder: object = -1) -> str | None:
    found = _path(path, folder)
    if found is not None and os.path.lexists(found):
        return None  # it fails without an effect
    return _change(guard, "making the folder", path, folder)


def _renaming(
    guard: IoGuard, source: object, target: object, folder: object = -1, target_folder: object = -1
) -> str | None:
    found = _path(source, folder)
    if found is not None and not os.path.lexists(found):
        return None
    moved = _change(guard, "renaming", source, folder)
    return moved or _change(guard, "writing", target, target_folder)


def _linking(guard: IoGuard, source: object, target: object, folder: object = -1, other: object = -1) -> str | None:
    return _change(guard, "making the link", target, other if isinstance(other, int) and other >= 0 else folder)


def _attributes(guard: IoGuard, path: object, *rest: object) -> str | None:
    folder = rest[-1] if len(rest) > 1 else -1
    return _change(guard, "changing", path, folder, if_there=True)


def _extended(guard: IoGuard, path: object, *rest: object) -> str | None:
    return _change(guard, "changing", path, if_there=True)


def _truncation(guard: IoGuard, path: object, *rest: object) -> str | None:
    return _change(guard, "writing", path)


def _change(guard: IoGuard, doing: str, path: object, folder: object = -1, *, if_there: bool = False) -> str | None:
    found = _path(path, folder)
    if found is None or found in _HARMLESS or found.startswith(_HARMLESS_FOLDERS):
        return None
    there = os.path.lexists(found)
    if (if_there and not there) or (guard.is_temporary(found) and not (there and guard.is_programs(found))):
        return None
    return f"{doing} {found!r}"


def _path(path: object, folder: object = -1) -> str | None:
    """A path as text, below the folder of a descriptor if there is one. None for a descriptor, which is open."""
    if isinstance(path, int):
        return None
    try:
        text = os.fsdecode(path)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(text):
        try:
            return os.path.join(os.readlink(_FOLDER_OF % folder), text)
        except OSError:
            return text
    return text


_EVENTS: dict[str, Callable[..., str | None]] = {
    "socket.connect": _connection,
    "socket.sendto": _connection,
    "socket.sendmsg": _connection,
    "socket.getaddrinfo": _look_up,
    "socket.gethostbyname": _look_up,
    "socket.gethostbyaddr": _look_up,
    "sqlite3.connect": _database,
    "open": _open,
    "os.remove": _removal,
    "os.rmdir": _removal,
    "os.mkdir": _new_folder,
    "os.rename": _renaming,
    "os.link": _linking,
    "os.symlink": _linking,
    "os.chmod": _attributes,
    "os.chown": _attributes,
    "os.utime": _attributes,
    "os.setxattr": _extended,
    "os.removexattr": _extended,
    "os.truncate": _truncation,
}
