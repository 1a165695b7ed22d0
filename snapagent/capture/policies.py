"""Whether a call is captured: quota, sampling, budget, back-off and pause, decided before anything is spent.

The decision runs in the caller before each call of a target, so an open gate costs a few look-ups and a closed one a
tick and a test. Time is measured in seconds of `time.perf_counter`.
"""

from __future__ import annotations

import math
from random import random
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import Settings
    from .ledger import Ledger

QUOTA_MET = "quota_met"
NOT_SAMPLED = "not_sampled"
OVER_BUDGET = "over_budget"
TOO_SLOW = "too_slow"
BACKING_OFF = "backing_off"

BURST = 0.25  # seconds of capturing that a process may spend at once, so that short runs capture everything
ALWAYS = 8  # the first captures of each target are taken whatever the budget: a hot function cannot starve a rare one
SLOW = 0.5  # seconds: a capture that takes longer closes its target until the budget has paid for it
FAILURES = 5  # failed captures in a row that open the breaker
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds a breaker stays open: doubled each time


class Governor:
    """Keeps capturing under `share` of the process's wall time; one for the whole process.

    A token bucket: it fills by `share` seconds a second up to `BURST`, and captures drain it by what they took, in
    callers and in the writer.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.unlimited = share >= 1.0
        self._balance = BURST
        self._filled_at = perf_counter()
        self.spent = 0.0

    def spend(self, seconds: float) -> None:
        self.spent += seconds
        self._balance -= seconds

    def allows(self) -> bool:
        if self._balance > 0.0 or self.unlimited:
            return True
        now = perf_counter()
        self._balance = min(BURST, self._balance + (now - self._filled_at) * self.share)
        self._filled_at = now
        return self._balance > 0.0

    def restart(self) -> None:
        """In a forked child: a full bucket, whatever the parent had spent."""
        self.__init__(self.share)  # type: ignore[misc]


class Gate:
    """Lets the calls of one target in or turns them away; `closed` is the reason why, or None.

    `quota` counts captures of all processes together: `elsewhere` is what others are known to have taken.
    """

    def __init__(self, settings: Settings, ledger: Ledger, governor: Governor) -> None:
        self.sample = settings.sample
        self.quota = settings.quota
        self.elsewhere = 0
        self._ledger = ledger
        self._governor = governor
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._reopens_at = math.inf
        self.closed: str | None = None
        if self.sample < 1.0:
            ledger.turn_away(NOT_SAMPLED)
        if self.quota <= 0:
            self.close(QUOTA_MET)

    @property
    def closed_for_good(self) -> bool:
        """Whether nothing but another configuration can open this gate again."""
        return self.closed == QUOTA_MET

    def close(self, reason: str, seconds: float = math.inf) -> None:
        """Turn calls away for `reason`, for so many seconds."""
        self._ledger.turn_away(reason)
        self._reopens_at = perf_counter() + seconds
        self.closed = reason

    def open(self) -> None:
        self._reopens_at = math.inf
        self.closed = None
        self._ledger.turn_away(NOT_SAMPLED if self.sample < 1.0 else None)

    def still_closed(self) -> bool:
        """Asked on a call when the gate is closed; opens it when its time has come."""
        if self._reopens_at == math.inf or perf_counter() < self._reopens_at:
            return True
        self.open()
        return False

    def samples(self) -> bool:
        return self.sample >= 1.0 or random() < self.sample

    def affords(self) -> bool:
        """Whether the budget allows this capture."""
        return self._governor.allows() or self._ledger.admitted < ALWAYS

    def took(self, number: int) -> None:
        """The `number`-th call of this process was admitted: close when the quota is met."""
        if number + self.elsewhere >= self.quota:
            self.close(QUOTA_MET)

    def heard(self, elsewhere: int) -> None:
        """Other processes have taken `elsewhere` captures so far."""
        self.elsewhere = elsewhere
        if self.quota != math.inf and self._ledger.admitted + elsewhere >= self.quota and not self.closed:
            self.close(QUOTA_MET)

    def succeeded(self, seconds: float) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._governor.spend(seconds)
        if seconds > SLOW:
            self.close(TOO_SLOW, seconds / max(self._governor.share, 1e-3))

    def failed(self, seconds: float) -> None:
        """A capture failed: after some in a row calls are turned away for a while, longer each time."""
        self._governor.spend(seconds)
        self.quota += 1  # what failed has not taken a place of the quota
        self._failures += 1
        if self._failures >= FAILURES:
            self._failures = FAILURES - 1  # the one probe after the pause decides
            self.close(BACKING_OFF, self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
