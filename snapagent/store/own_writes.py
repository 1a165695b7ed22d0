"""Reads in a process that captures: a reader first waits until the writers of its own process are done.

A test that calls a decorated function and loads the bundle in its next line must find it, though another thread writes
it. The capture half and the test half do not import each other, so writers register here, and readers wait here.
"""

from __future__ import annotations

import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class PendingWrites(Protocol):
        def flush_pending(self) -> None:
            """Return when all that was captured so far can be read."""


_writers: weakref.WeakSet[PendingWrites] = weakref.WeakSet()


def register(writer: PendingWrites) -> None:
    """Let readers of this process wait for `writer`, as long as it lives."""
    _writers.add(writer)


def wait_for_writers() -> None:
    """Return when all that this process has captured so far can be read; at once when no write is pending."""
    for writer in list(_writers):
        writer.flush_pending()
