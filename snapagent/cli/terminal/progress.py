"""A progress line on stderr: on terminals only, after a second, erased at the end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from threading import Event, Thread

Item = TypeVar("Item")
_DELAY = 1.0  # seconds before the line appears
_INTERVAL = 0.2  # seconds between updates


class Activity:
    """Work in progress: `done` of `total` items, if items are counted."""

    def __init__(self, what: str, total: int | None) -> None:
        self.what = what
        self.total = total
        self.done = 0

    def __str__(self) -> str:
        if self.total is not None:
            return f"{self.what} {self.done:,} of {self.total:,} ..."
        return f"{self.what} {self.done:,} ..." if self.done else f"{self.what} ..."


class Progress:
    """Shows one activity at a time from a thread, so that the work need not call it."""

    def __init__(self, stderr: TextIO) -> None:
        self._stderr = stderr
        self.enabled = stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._running: tuple[Thread, Event] | None = None

    def over(self, items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
        """The same items, counted as they are taken."""
        with self.during(what, total) as activity:
            for item in items:
                yield item
                activity.done += 1

    @contextmanager
    def during(self, what: str, total: int | None = None) -> Iterator[Activity]:
        activity = Activity(what, total)
        self._start(activity)
        try:
            yield activity
        finally:
            self.stop()

    def _start(self, activity: Activity) -> None:
        if self.enabled and self._running is None:
            from threading import Event, Thread

            ended = Event()
            thread = Thread(target=self._draw, args=(activity, ended), daemon=True)
            self._running = thread, ended
            thread.start()

    def _draw(self, activity: Activity, ended: Event) -> None:
        wait, shown = _DELAY, False
        while not ended.wait(wait):
            self._write(f"\r{activity}\x1b[K")
            wait, shown = _INTERVAL, True
        if shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stderr.write(text)
        self._stderr.flush()

    def stop(self) -> None:
        """Erase the line, because something else will be printed."""
        if self._running is not None:
            thread, ended = self._running
            self._running = None
            ended.set()
            thread.join()
