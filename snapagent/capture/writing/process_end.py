"""The time that is left when the process ends."""

from __future__ import annotations

from ...core.clock import monotonic

_NEVER = float("inf")


class ProcessEnd:
    """Times of the monotonic clock: no more calls are written from `drain_until`, nothing at all from `deadline`."""

    def __init__(self) -> None:
        self.drain_until = _NEVER
        self.deadline = _NEVER

    @property
    def is_over(self) -> bool:
        """True when the time for writing calls is over."""
        return self.drain_until != _NEVER and monotonic() > self.drain_until

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(self.deadline - monotonic(), 0.0)
