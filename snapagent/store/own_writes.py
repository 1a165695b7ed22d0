"""Reading in a process what it has itself captured: a reader first waits for the writers there.

A test that calls a decorated function and loads the bundle in its next line must find it, though another thread writes
it. The halves do not know each other, so they meet here: writers follow, readers wait.
"""

from __future__ import annotations

import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Writing(Protocol):
        def settle(self) -> None: ...


_writers: weakref.WeakSet[Writing] = weakref.WeakSet()


def follow(writer: Writing) -> None:
    """From now on readers of this process wait for `writer`, as long as it lives."""
    _writers.add(writer)


def wait() -> None:
    """Return when what this process has captured so far can be read; at once when nothing is on its way."""
    for writer in list(_writers):
        writer.settle()
