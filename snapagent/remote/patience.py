"""How long to wait after a failure: back-off with full jitter, from one second up to five minutes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from .failures import Unavailable

Result = TypeVar("Result")
FIRST = 1.0  # seconds: the most that the first wait takes
LONGEST = 300.0
PATIENCE = 15.0  # seconds in which one request is tried again


class Backoff:
    """Waits of the clients of one object store: random, so that many of them do not come back together."""

    def __init__(self, first: float = FIRST, longest: float = LONGEST) -> None:
        self._first = first
        self._longest = longest
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        most = min(self._first * 2.0 ** min(self._failures, 30), self._longest)
        self._failures += 1
        return random.uniform(0.0, most)


def patiently(
    action: Callable[[], Result], seconds: float, *, first: float = FIRST, pause: Callable[[float], None] = time.sleep
) -> Result:
    """The result of `action`, tried again while the object store is unavailable, for about so many seconds."""
    backoff = Backoff(first, 4 * first)
    until = time.monotonic() + seconds
    while True:
        try:
            return action()
        except Unavailable:
            wait = backoff.next()
            if time.monotonic() + wait >= until:
                raise
            pause(wait)
