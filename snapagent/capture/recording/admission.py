"""Whether a call is captured: quota, sampling, budget, back-off and pause, decided before anything is spent.

The decision runs in the caller before each call of a target, so it is taken for many calls at once where it can be:
see `Ledger.skip_next`. Time is measured in seconds of `time.perf_counter`.
"""

from __future__ import annotations

import math
import sys
from _thread import get_ident
from random import random
from time import perf_counter

from .ledger import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...config.reading import Settings
    from .ledger import Ledger


QUOTA_MET = "quota_met"
NOT_SAMPLED = "not_sampled"
OVER_BUDGET = "over_budget"
TOO_SLOW = "too_slow"
BACKING_OFF = "backing_off"

BURST = 0.25  # seconds of capturing that a new process may spend at once, so that short runs capture everything
SAVED = 0.05  # seconds that an idle process saves up at most
UNSEEN = 2e-5  # seconds of a capture that the caller's clock does not see, at most (see bench_budget.py)
ALWAYS = 8  # the first captures of each target are taken whatever the budget: a hot function cannot starve a rare one
SLOW = 0.5  # seconds: a capture that takes longer closes its target until the budget has paid for it
FAILURES = 5  # failed captures in a row that open the breaker
LOADING = 0.02  # seconds: what takes longer may have loaded a library
LONGEST_LOADING = 1.0  # seconds, without compiled files and on a busy machine
PASS_BY = 0.002  # seconds: over budget, calls that come within them are not looked at one by one
MOST_PASSED_BY = 1000  # calls
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds a breaker stays open: doubled each time
# What the first captures load, and how many threads may have waited for that.
_LATE = ("dill", "filelock", "zstandard", "decimal", "email.parser")
_MOST_LOADING = 4


def _libraries() -> set[str]:
    return {name for name in _LATE if name in sys.modules}


class Governor:
    """Keeps capturing under `share` of the process's wall time; one for the whole process.

    A token bucket: it starts with `BURST`, fills by `share` seconds a second up to `SAVED`, and captures drain it by
    what they took, in callers and in the writer.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.unlimited = share >= 1.0
        self.balance = BURST if share > 0.0 else 0.0  # seconds; above zero capturing is allowed
        self._granted = self.balance
        self._filled_at = perf_counter()
        self._at_start = _libraries()
        self._known: dict[int, set[str]] = {}  # by thread

    def spend(self, seconds: float) -> None:
        """Capturing took so many seconds, all told."""
        self.balance -= self.without_loading(seconds)

    def spend_in_caller(self, seconds: float) -> None:
        """Freezing a call took so many seconds by a caller's clock.

        It sees neither the way in and out nor what the program's own code takes longer afterwards, because ours has
        driven it from the processor's caches.
        """
        self.balance -= seconds + min(seconds, UNSEEN)

    def without_loading(self, seconds: float) -> float:
        """Less what loading our libraries takes, if one was loaded since this thread asked last.

        That happens once in a process, but takes as long as a thousand captures: a short run would capture nothing.
        Threads are asked apart, because they wait for each other when they need the same.
        """
        me = get_ident()
        if seconds < LOADING or (me not in self._known and len(self._known) >= _MOST_LOADING):
            return seconds
        known = self._known.get(me, self._at_start)
        self._known[me] = _libraries()
        return seconds if self._known[me] <= known else max(seconds - LONGEST_LOADING, 0.0)

    def allows(self) -> bool:
        if self.balance > 0.0 or self.unlimited:
            return True
        now = perf_counter()
        gained = min(SAVED - self.balance, (now - self._filled_at) * self.share)
        self.balance += gained
        self._granted += gained
        self._filled_at = now
        return self.balance > 0.0

    @property
    def spent(self) -> float:
        """Seconds that capturing has taken so far."""
        return self._granted - self.balance

    def restart(self) -> None:
        """In a forked child: a full bucket, whatever the parent had spent."""
        self.__init__(self.share)  # type: ignore[misc]


class Gate:
    """Lets the calls of one target in or turns them away; `closed` is the reason why, or None.

    `quota` counts captures of all processes together: `elsewhere` is what others are known to have taken. While
    `chooses` is False every call may be captured that the budget allows.
    """

    def __init__(self, settings: Settings, ledger: Ledger, governor: Governor) -> None:
        self.sample = settings.sample
        self.quota = settings.quota
        self.elsewhere = 0
        self._ledger = ledger
        self.governor = governor
        self._taken = ledger.admitted
        self.limited = self.quota != math.inf
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._reopens_at = math.inf
        self._is_next = False  # the call after those that the sample leaves out is captured
        self._looked_at = -math.inf
        self._passed_by = 0
        self.closed: str | None = None
        self.chooses = self.sample < 1.0
        if self.quota <= 0:
            self.close(QUOTA_MET)

    @property
    def closed_for_good(self) -> bool:
        """Whether nothing but a failed capture or another configuration can open this gate again."""
        return self.closed == QUOTA_MET

    def close(self, reason: str, seconds: float = math.inf) -> None:
        """Turn calls away for `reason`, for so many seconds."""
        self._reopens_at = perf_counter() + seconds
        self.closed = reason
        self.chooses = True

    def open(self) -> None:
        self._reopens_at = math.inf
        self.closed = None
        self.chooses = self.sample < 1.0
        self._ledger.look_again()

    def still_closed(self) -> bool:
        """Asked on a call when the gate is closed; opens it when its time has come."""
        if self._reopens_at == math.inf or perf_counter() < self._reopens_at:
            return True
        self.open()
        return False

    def refuses(self) -> bool:
        """Whether this call is turned away; it is counted then. For gates that choose."""
        reason = self.closed
        if reason is not None and self.still_closed():
            self._ledger.count_skipped(reason)
            if self.closed_for_good:
                self._ledger.skip_next(FOREVER, QUOTA_MET)
            return True
        return self.sample < 1.0 and not self._samples()

    def _samples(self) -> bool:
        """As good as a roll of the dice for each call, but rolled once for all up to the next that is captured."""
        if self._is_next:
            self._is_next = False
            return True
        misses = int(math.log(1.0 - random()) / math.log1p(-self.sample)) if self.sample > 0.0 else FOREVER
        if misses == 0:
            return True
        self._ledger.count_skipped(NOT_SAMPLED)
        self._is_next = True
        if misses > 1 and not self._ledger.skip_next(misses - 1, NOT_SAMPLED):
            self._is_next = False
        return False

    def affords(self) -> bool:
        """Whether the budget allows this capture."""
        return self.governor.allows() or (self._taken < ALWAYS and self.governor.share > 0.0)

    def over_budget(self) -> None:
        """Count a call that the budget does not allow, and pass by as many as come in the next milliseconds."""
        self._ledger.count_skipped(OVER_BUDGET)
        now = perf_counter()
        each = (now - self._looked_at) / (self._passed_by + 1)
        self._looked_at = now
        coming = int(min(PASS_BY / max(each, 1e-9), MOST_PASSED_BY))
        self._passed_by = coming if coming > 1 and self._ledger.skip_next(coming, OVER_BUDGET) else 0

    def took(self, number: int) -> None:
        """The `number`-th call of this process was admitted: close when the quota is met."""
        self._taken = number
        if number + self.elsewhere >= self.quota:
            self.close(QUOTA_MET)

    def heard(self, elsewhere: int) -> None:
        """Other processes have taken `elsewhere` captures so far."""
        self.elsewhere = elsewhere
        if self._taken + elsewhere >= self.quota and not self.closed:
            self.close(QUOTA_MET)

    def succeeded(self, seconds: float) -> None:
        if self._failures:
            self._failures = 0
            self._pause = FIRST_PAUSE
        if seconds >= LOADING:
            seconds = self.governor.without_loading(seconds)
        self.governor.spend_in_caller(seconds)
        if seconds > SLOW:
            self._pay_for(seconds)

    def _pay_for(self, seconds: float) -> None:
        """Close until the budget has paid for a slow capture; a quota that is met stays met."""
        if not self.closed_for_good:
            self.close(TOO_SLOW, seconds / max(self.governor.share, 1e-3))

    def failed(self, seconds: float) -> None:
        """A capture failed: after some in a row calls are turned away for a while, longer each time."""
        seconds = self.governor.without_loading(seconds)
        self.governor.spend_in_caller(seconds)
        self.give_back()
        self._failures += 1
        if self._failures >= FAILURES:
            self._failures = FAILURES - 1  # the one probe after the pause decides
            self.close(BACKING_OFF, self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        elif seconds > SLOW:
            self._pay_for(seconds)

    def give_back(self) -> None:
        """What failed has not taken a place of the quota."""
        self.quota += 1
        if self.closed_for_good and self._taken + self.elsewhere < self.quota:
            self.open()


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
