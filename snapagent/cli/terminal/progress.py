"""A line on stderr that says how far a long command has come: for a person, after a second, and gone at the end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from threading import Event, Thread

Item = TypeVar("Item")
_PATIENCE = 1.0  # seconds in which nobody wonders
_AGAIN = 0.2


class Step:
    """What is going on. `done` of `total` items, where they are counted."""

    def __init__(self, what: str, total: int | None) -> None:
        self.what = what
        self.total = total
        self.done = 0

    def __str__(self) -> str:
        if self.total is not None:
            return f"{self.what} {self.done:,} of {self.total:,} ..."
        return f"{self.what} {self.done:,} ..." if self.done else f"{self.what} ..."


class Progress:
    """Tells of one step at a time, from a thread of its own, so that the work need not call it."""

    def __init__(self, stderr: TextIO) -> None:
        self._stderr = stderr
        self.enabled = stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._running: tuple[Thread, Event] | None = None

    def over(self, items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
        """The same items, counted as they are taken."""
        with self.during(what, total) as step:
            for item in items:
                yield item
                step.done += 1

    @contextmanager
    def during(self, what: str, total: int | None = None) -> Iterator[Step]:
        step = Step(what, total)
        self._start(step)
        try:
            yield step
        finally:
            self.stop()

    def _start(self, step: Step) -> None:
        if self.enabled and self._running is None:
            from threading import Event, Thread

            ended = Event()
            thread = Thread(target=self._tell, args=(step, ended), daemon=True)
            self._running = thread, ended
            thread.start()

    def _tell(self, step: Step, ended: Event) -> None:
        wait, shown = _PATIENCE, False
        while not ended.wait(wait):
            self._write(f"\r{step}\x1b[K")
            wait, shown = _AGAIN, True
        if shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stderr.write(text)
        self._stderr.flush()

    def stop(self) -> None:
        """Take the line away: something else is to be printed."""
        if self._running is not None:
            thread, ended = self._running
            self._running = None
            ended.set()
            thread.join()
