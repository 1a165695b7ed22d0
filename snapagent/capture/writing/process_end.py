"""The time that is left when the process ends."""

from __future__ import annotations

from ...core.clock import monotonic

_NEVER = float("inf")
_RESERVE, _LONGEST_RESERVE = 0.2, 2.0  # share of the time for the indexes, and seconds; the rest is for bundles


class ProcessEnd:
    """Times of the monotonic clock: no more calls are written from `drain_until`, nothing at all from `deadline`."""

    def __init__(self) -> None:
        self.drain_until = _NEVER
        self.deadline = _NEVER

    def begin(self, wait: float) -> None:
        """The process ends within `wait` seconds."""
        self.deadline = monotonic() + wait
        self.drain_until = self.deadline - min(wait * _RESERVE, _LONGEST_RESERVE)

    @property
    def is_over(self) -> bool:
        """True when the time for writing calls is over."""
        return self.drain_until != _NEVER and monotonic() > self.drain_until

    def has_time_for(self, seconds: float) -> bool:
        """Whether a call that takes so many seconds can be written in time; the indexes need what comes after."""
        return self.drain_until == _NEVER or monotonic() + seconds <= self.drain_until

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return max(self.deadline - monotonic(), 0.0)
