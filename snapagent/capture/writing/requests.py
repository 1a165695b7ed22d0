"""Requests of other threads to the writer's thread, and how long the end of a process waits for the last one."""

from __future__ import annotations

from _queue import Empty, SimpleQueue
from contextlib import suppress

from ...core.clock import monotonic, process_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .store_calls import CallStorer

_STALLED = 2.0  # seconds without progress after which the end of a process gives up what is queued
_WORKING = 0.02  # seconds of processor time in which this process is at work, on a large call or a busy machine
_AFTER_STALL = 1.0  # seconds that it then waits for the indexes
_LOOK = 0.1  # seconds between two looks at the progress


class Request:
    """A thread waits on `reply` until all is written; after the `last` request the writer's thread ends.

    After one that `leaves` it ends too, and the next call starts another.
    """

    def __init__(self, last: bool, leaves: bool = False) -> None:
        self.last = last
        self.leaves = leaves
        self.reply: SimpleQueue[bool] = SimpleQueue()

    def wait(self, timeout: float) -> bool:
        """The reply; False when there was none within `timeout` seconds."""
        try:
            return self.reply.get(True, timeout)
        except Empty:
            return False

    def wait_while_there_is_progress(self, storer: CallStorer) -> bool:
        """The reply to the last request; False when there was none until the deadline, or too long no progress."""
        deadline = storer.end.deadline
        done, worked, since = storer.progress, process_time(), monotonic()
        while monotonic() < deadline:
            with suppress(Empty):
                return self.reply.get(True, min(_LOOK, max(deadline - monotonic(), 0.0)))
            if storer.progress != done or process_time() - worked > _WORKING:
                done, worked, since = storer.progress, process_time(), monotonic()
            elif monotonic() - since > _STALLED and storer.end.drain_until > since:
                storer.end.drain_until = since  # what is not written by now is given up
                deadline = min(deadline, monotonic() + _AFTER_STALL)
        return False
