"""Restarts writers in forked children and flushes them when a process ends.

A forked child gets an empty queue and starts a thread of its own when it needs one; the parent writes the calls that it
had queued. The hook in the child only assigns, because another thread of the parent may have held any lock at the fork:
no logging, no I/O, no lock. Children of `multiprocessing` and billiard end by `os._exit`, without `atexit`, so they
flush through the finalisers of these libraries.
"""

from __future__ import annotations

import atexit
import os
import sys
import weakref

from . import thread as native_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Restartable(Protocol):
        def restart(self) -> None: ...
        def end(self) -> None: ...

    class Leaving(Protocol):
        def leave_for_fork(self) -> None: ...


_LIBRARIES = ("multiprocessing", "billiard")
_LAST = -100  # exit priority: after the program's own finalisers

_writers: list[weakref.ref[Any]] = []
_leaving: weakref.WeakSet[Leaving] = weakref.WeakSet()


def register(writer: Restartable) -> None:
    """From now on `writer.restart()` runs in forked children, and `writer.end()` when a process ends.

    Writers are held weakly by the fork hook: `os.register_at_fork` has no way to unregister.
    """
    _writers[:] = [reference for reference in _writers if reference() is not None] + [weakref.ref(writer)]
    atexit.register(writer.end)
    register_with_multiprocessing(writer)


def leave_at_forks(writer: Leaving) -> None:
    """From now on the writer's thread ends when a process forks that has no other thread but the one that forks.

    Python warns of a fork in a program that has threads, and the program has none.
    """
    _leaving.add(writer)


def unregister(writer: Restartable) -> None:
    """Undo `register`, save for the finalisers of `multiprocessing`: ending a closed writer does nothing."""
    _writers[:] = [reference for reference in _writers if reference() not in (None, writer)]
    atexit.unregister(writer.end)


def register_with_multiprocessing(writer: Restartable) -> None:
    """Register with those libraries that are loaded now; may be repeated when others may have been loaded."""
    for library in _LIBRARIES:
        util = sys.modules.get(f"{library}.util")
        if util is None or not hasattr(util, "register_after_fork"):
            continue
        util.register_after_fork(writer, _finalise[library])
        if _is_child(library):
            _finalise[library](writer)


def _is_child(library: str) -> bool:
    process = sys.modules.get(f"{library}.process")
    current = getattr(process, "current_process", None)
    return current is not None and getattr(current(), "_parent_pid", None) is not None


def _finaliser_of(library: str) -> Callable[[Restartable], None]:
    def finalise(writer: Restartable) -> None:
        sys.modules[f"{library}.util"].Finalize(None, writer.end, exitpriority=_LAST)

    return finalise


_finalise = {library: _finaliser_of(library) for library in _LIBRARIES}


def _restart_all() -> None:
    for reference in _writers:
        writer = reference()
        if writer is not None:
            writer.restart()
            register_with_multiprocessing(writer)


def _leave_all() -> None:
    if native_thread.running and native_thread.are_all_others():
        for writer in list(_leaving):
            writer.leave_for_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
    if sys.version_info >= (3, 12):  # from here on `os.fork` warns
        os.register_at_fork(before=_leave_all)
