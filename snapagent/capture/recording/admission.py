"""Decides which calls are captured: quota, sampling, budget, back-off and pause, before anything is spent.

The decision runs in the caller before each call of a target. Where it can, one decision covers many calls: see
`Ledger.skip_next`. Times are seconds of `time.perf_counter`.
"""

from __future__ import annotations

import math
import sys
from _thread import get_ident
from random import random

from ...core.clock import perf_counter
from .ledger import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...config.settings import Settings
    from .ledger import Ledger


QUOTA_MET = "quota_met"
NOT_SAMPLED = "not_sampled"
OVER_BUDGET = "over_budget"
TOO_SLOW = "too_slow"
BACKING_OFF = "backing_off"

BURST = 0.25  # seconds of capturing that a new process may spend at once, so that short runs capture everything
SAVED = 0.05  # seconds that an idle process saves up at most
UNSEEN = 2e-5  # seconds of a capture that the caller's clock does not measure, at most (see bench_budget.py)
ALWAYS = 8  # first captures of each target that no budget limits: a hot function cannot starve a rare one
SLOW = 0.5  # seconds: a capture that takes longer closes its target until the budget has paid for it
FAILURES = 5  # failed captures in a row that open the breaker
LOADING = 0.02  # seconds: a longer step may have loaded a library
LONGEST_LOADING = 1.0  # seconds, without compiled files and on a busy machine
SKIP_AHEAD = 0.002  # seconds: over budget, all calls that come within this time are skipped by one decision
MOST_SKIPPED_AHEAD = 1000  # calls
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds a breaker stays open: doubled each time
# Libraries that the first captures load, and how many threads may have waited for them.
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
        """Subtract the seconds that a step of capturing took."""
        self.balance -= self.without_loading(seconds)

    def spend_in_caller(self, seconds: float) -> None:
        """Subtract the seconds that freezing a call took by the caller's clock, and an allowance.

        The clock measures neither the way in and out nor the slowdown of the program afterwards, whose code and data
        our code has driven from the processor's caches.
        """
        self.balance -= seconds + min(seconds, UNSEEN)

    def without_loading(self, seconds: float) -> float:
        """`seconds` less the time for loading libraries, if one was loaded since this thread asked last.

        Loading happens once in a process but takes as long as a thousand captures: a short run would capture nothing.
        Each thread is judged by itself, because threads that need the same library wait for each other.
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
        """In a forked child: start with a full bucket, whatever the parent had spent."""
        self.__init__(self.share)  # type: ignore[misc]


class Breaker:
    """A circuit breaker: opens after `limit` failures in a row.

    The first failure after the pause opens it again, for twice as long.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pause = FIRST_PAUSE
        self.failures = 0

    def failed(self) -> float | None:
        """Count a failure. The seconds of the pause when it opens the breaker, else None."""
        self.failures += 1
        if self.failures < self._limit:
            return None
        self.failures = self._limit - 1
        pause = self._pause
        self._pause = min(pause * 2, LONGEST_PAUSE)
        return pause

    def succeeded(self) -> None:
        self.failures = 0
        self._pause = FIRST_PAUSE


class Gate:
    """Admits or rejects the calls of one target; `closed` is the reason while all are rejected, else None.

    `quota` counts captures of all processes together: `captured_elsewhere` is the last known number of the others.
    While `chooses` is False, the budget alone decides.
    """

    def __init__(self, settings: Settings, ledger: Ledger, governor: Governor) -> None:
        self.sample = settings.sample
        self.quota = settings.quota
        self.captured_elsewhere = 0
        self._ledger = ledger
        self.governor = governor
        self._admitted = ledger.admitted
        self.limited = self.quota != math.inf
        self._breaker = Breaker(FAILURES)
        self._reopens_at = math.inf
        self._is_next = False  # the call after those that the sample leaves out is captured
        self._decided_at = -math.inf
        self._skipped_ahead = 0
        self.closed: str | None = None
        self.chooses = self.sample < 1.0
        if self.quota <= 0:
            self.close(QUOTA_MET)

    @property
    def closed_for_good(self) -> bool:
        """Whether only a refund or another configuration can open this gate again."""
        return self.closed == QUOTA_MET

    def close(self, reason: str, seconds: float = math.inf) -> None:
        """Reject calls for `reason`, for so many seconds."""
        self._reopens_at = perf_counter() + seconds
        self.closed = reason
        self.chooses = True

    def open(self) -> None:
        self._reopens_at = math.inf
        self.closed = None
        self.chooses = self.sample < 1.0
        self._ledger.stop_skipping()

    def still_closed(self) -> bool:
        """Whether the pause goes on; opens the gate when the pause is over."""
        if self._reopens_at == math.inf or perf_counter() < self._reopens_at:
            return True
        self.open()
        return False

    def refuses(self) -> bool:
        """Whether this call is rejected, and counted as skipped. Only asked while `chooses` is True."""
        reason = self.closed
        if reason is not None and self.still_closed():
            self._ledger.count_skipped(reason)
            if self.closed_for_good:
                self._ledger.skip_next(FOREVER, QUOTA_MET)
            return True
        return self.sample < 1.0 and not self._samples()

    def _samples(self) -> bool:
        """Whether the sample takes this call.

        The number of calls up to the next one of the sample is drawn at once (a geometric distribution): statistically
        the same as a draw for each call.
        """
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
        return self.governor.allows() or (self._admitted < ALWAYS and self.governor.share > 0.0)

    def over_budget(self) -> None:
        """Count a call that the budget does not allow, and skip the calls of the next milliseconds with it."""
        self._ledger.count_skipped(OVER_BUDGET)
        now = perf_counter()
        each = (now - self._decided_at) / (self._skipped_ahead + 1)
        self._decided_at = now
        coming = int(min(SKIP_AHEAD / max(each, 1e-9), MOST_SKIPPED_AHEAD))
        self._skipped_ahead = coming if coming > 1 and self._ledger.skip_next(coming, OVER_BUDGET) else 0

    def count_admitted(self, number: int) -> None:
        """The `number`-th call of this process was admitted: close when the quota is met."""
        self._admitted = number
        if number + self.captured_elsewhere >= self.quota:
            self.close(QUOTA_MET)

    def update_elsewhere(self, captured: int) -> None:
        """Other processes have captured so many calls so far: close when the quota is met."""
        self.captured_elsewhere = captured
        if self._admitted + captured >= self.quota and not self.closed:
            self.close(QUOTA_MET)

    def succeeded(self, seconds: float) -> None:
        if self._breaker.failures:
            self._breaker.succeeded()
        if seconds >= LOADING:
            seconds = self.governor.without_loading(seconds)
        self.governor.spend_in_caller(seconds)
        if seconds > SLOW:
            self._close_until_paid(seconds)

    def _close_until_paid(self, seconds: float) -> None:
        """Close until the budget has paid for a slow capture, unless the quota is met."""
        if not self.closed_for_good:
            self.close(TOO_SLOW, seconds / max(self.governor.share, 1e-3))

    def failed(self, seconds: float) -> None:
        """Count a failed capture; after `FAILURES` in a row the breaker closes the gate for a while."""
        seconds = self.governor.without_loading(seconds)
        self.governor.spend_in_caller(seconds)
        self.refund()
        pause = self._breaker.failed()
        if pause is not None:
            self.close(BACKING_OFF, pause)
        elif seconds > SLOW:
            self._close_until_paid(seconds)

    def refund(self) -> None:
        """Return a failed capture's share of the quota."""
        self.quota += 1
        if self.closed_for_good and self._admitted + self.captured_elsewhere < self.quota:
            self.open()
