"""Pauses of the writer's thread between two steps of its work, to let the program's threads run.

A system call that releases the interpreter lock for a microsecond does not help them: a thread takes longer to wake up
than this one to take the lock again. Without pauses, a web request would wait until the queue is empty. With a pause
after each step, work that could have delayed one request would delay a dozen: more than the slowest hundredth.
"""

from __future__ import annotations

from _queue import Empty, SimpleQueue
from contextlib import suppress

from ...core.clock import monotonic, thread_time

_WORK = 0.002  # seconds of processor time between two pauses, at least
_SECONDS = 0.0005  # of one pause
_FOR = 0.1  # seconds per round with pauses; after that the thread works on, so that it keeps up with many calls


class Pauses:
    """Those of one writer."""

    def __init__(self) -> None:
        self._until = 0.0  # monotonic clock
        self._next = 0.0  # processor time of the thread
        self._never: SimpleQueue[None] = SimpleQueue()

    def begin(self, *, allowed: bool) -> None:
        """A round of work begins."""
        self._until = monotonic() + _FOR if allowed else 0.0
        self._next = thread_time() + _WORK

    def pause(self) -> None:
        """Sleep, unless this round has had its pauses or the last one was a moment ago."""
        if monotonic() < self._until and thread_time() >= self._next:
            with suppress(Empty):
                self._never.get(True, _SECONDS)  # not `time.sleep`, which gevent replaces
            self._next = thread_time() + _WORK
