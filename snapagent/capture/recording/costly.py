"""What costly captures may take where no budget limits captures: with `budget: 100%`.

Small calls are captured in any number, and so is every call in a program that calls few targets. But where all
functions of a large program are targets, thousands of calls have the same large objects among their arguments, each of
which takes milliseconds to freeze and to seal: a test suite took more than ten times its time. So once many targets
have been called, costly captures get a share of the time; functions without a bundle come first.
"""

from __future__ import annotations

import math

from ...core.clock import perf_counter, process_time

MANY = 200  # functions: as long as no more of them have been called, costly captures are not bounded
CHEAP = 3e-4  # seconds of processor time: a step of capturing that takes less is not counted
LITTLE = 0.002  # seconds that each step of a capture may take while nothing is left
_AT_ONCE = 1.0  # seconds for all costly captures together
# Seconds for each second of the process' processor time, and for each second that has passed: in a service that mostly
# waits, few are of the first kind, and on a busy machine many of the second say little.
_SHARE, _SHARE_OF_TIME = 0.15, 0.03
_READ_AGAIN = 0.01  # seconds: reading the processor time takes a microsecond
_IN_CHILD = 0.1  # seconds at once in a forked child whose parent had less left
_FOR_FIRSTS = 0.5  # seconds that are left for functions without a bundle
LEAST_PER_BYTE = 2e-8  # seconds of the writer, until some were measured


class CostlyCaptures:
    """The processor time of costly captures, in callers and in the writer; one for the whole process."""

    __slots__ = ("_began", "_earned", "_earned_at", "_functions", "_spent", "_used", "seal_per_byte")

    def __init__(self) -> None:
        self._functions = 0
        self._begin(_AT_ONCE)
        self.seal_per_byte = LEAST_PER_BYTE  # seconds of the writer for a call of a function that had none yet

    def _begin(self, at_once: float) -> None:
        self._began, self._used = perf_counter(), process_time()
        self._earned, self._spent = 0.0, _AT_ONCE - at_once
        self._earned_at = self._began

    def add_function(self) -> None:
        """Another function is called for the first time. What was taken before there were many does not count."""
        self._functions += 1
        if self._functions == MANY + 1:
            self._begin(_AT_ONCE)

    def restart(self) -> None:
        """In a forked child: begin with what the parent had left, so that many children take no more than one process.

        Its processor time is that of a new process, so what the parent had earned is not asked again.
        """
        left = _AT_ONCE + self._earned - self._spent
        self._begin(min(max(left, _IN_CHILD), _AT_ONCE))

    @property
    def left(self) -> float:
        """Seconds; negative where more were spent, infinite while few functions have been called."""
        if self._functions <= MANY:
            return math.inf
        now = perf_counter()
        if now > self._earned_at + _READ_AGAIN:
            self._earned_at = now
            self._earned = _SHARE * (process_time() - self._used) + _SHARE_OF_TIME * (now - self._began)
        return _AT_ONCE + self._earned - self._spent

    def allow(self, *, has_bundle: bool) -> bool:
        """Whether a function may have another costly capture."""
        return self.left > (_FOR_FIRSTS if has_bundle else 0.0)

    def most_for_one(self, longest: float) -> float:
        """Seconds that freezing one call may take, or sealing it: `longest`, or a little where nothing is left."""
        return longest if self.left > 0.0 else LITTLE

    def spend(self, used: float, reserved: float) -> bool:
        """Count what a capture took of the caller and is expected to take of the writer; whether it was costly."""
        counted = _counted(used) + _counted(reserved)
        self._spent += counted
        return counted > 0.0

    def spend_on_writing(self, seconds: float) -> None:
        """Count what the writer took besides sealing calls: in a program of thousands of functions, for its indexes."""
        self._spent += seconds

    def settle(self, size: int, reserved: float, took: float) -> bool:
        """The writer took so many seconds in place of those reserved for a call of so many bytes; whether it is costly.

        With 0.0 it had no work: newer calls had made this one surplus.
        """
        self._spent += _counted(took) - _counted(reserved)
        self.seal_per_byte += (max(took / max(size, 1), LEAST_PER_BYTE) - self.seal_per_byte) / 8
        return took >= CHEAP


def _counted(seconds: float) -> float:
    return seconds if seconds >= CHEAP else 0.0
