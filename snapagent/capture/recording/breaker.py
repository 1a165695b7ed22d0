"""A breaker: failures in a row open it for a while, longer each time; one success closes it."""

from __future__ import annotations

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds


class Breaker:
    """Opens after `limit` failures in a row. The next failure after the pause opens it again, for twice as long."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0
        self._pause = FIRST_PAUSE

    def failed(self) -> float | None:
        """Count a failure. Seconds to stay away when it opens the breaker, else None."""
        self._failures += 1
        if self._failures < self._limit:
            return None
        self._failures = self._limit - 1
        pause = self._pause
        self._pause = min(pause * 2, LONGEST_PAUSE)
        return pause

    def succeeded(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE
