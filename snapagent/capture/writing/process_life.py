"""What happens to a writer when its process forks or ends.

Forked children get an empty queue and start a thread of their own when they need it; what the parent had queued is the
parent's to write. The hook in the child only assigns: no logging, no I/O, no lock. Children of `multiprocessing` end
without `atexit`, so they flush through its own finalisers; so do those of billiard.
"""

from __future__ import annotations

import atexit
import os
import sys
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Living(Protocol):
        def restart(self) -> None: ...
        def end(self) -> None: ...


_LIBRARIES = ("multiprocessing", "billiard")
_LAST = -100  # exit priority: after the program's own finalisers

_living: list[weakref.ref[Any]] = []


def follow(writer: Living) -> None:
    """From now on `writer.restart()` runs in forked children, and `writer.end()` when a process ends."""
    _living[:] = [reference for reference in _living if reference() is not None] + [weakref.ref(writer)]
    atexit.register(writer.end)
    follow_multiprocessing(writer)


def forget(writer: Living) -> None:
    """The way back."""
    _living[:] = [reference for reference in _living if reference() not in (None, writer)]
    atexit.unregister(writer.end)


def follow_multiprocessing(writer: Living) -> None:
    """Register with the libraries that are loaded by now; asking again does no harm."""
    for library in _LIBRARIES:
        util = sys.modules.get(f"{library}.util")
        if util is None or not hasattr(util, "register_after_fork"):
            continue
        util.register_after_fork(writer, _end_with[library])
        if _is_child(library):
            _end_with[library](writer)


def _is_child(library: str) -> bool:
    process = sys.modules.get(f"{library}.process")
    current = getattr(process, "current_process", None)
    return current is not None and getattr(current(), "_parent_pid", None) is not None


def _end_with_multiprocessing(writer: Living) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, writer.end, exitpriority=_LAST)


def _end_with_billiard(writer: Living) -> None:
    sys.modules["billiard.util"].Finalize(None, writer.end, exitpriority=_LAST)


_end_with = {"multiprocessing": _end_with_multiprocessing, "billiard": _end_with_billiard}


def _restart_all() -> None:
    for reference in _living:
        writer = reference()
        if writer is not None:
            writer.restart()
            follow_multiprocessing(writer)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
