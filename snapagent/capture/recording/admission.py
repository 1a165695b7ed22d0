"""Decides which calls are captured: quota, sampling, budget, back-off and pause, before anything is spent.

The decision runs in the caller before each call of a target. Where it can, one decision covers many calls: see
`Ledger.skip_next`. Times are seconds of `time.perf_counter`.
"""

from __future__ import annotations

import math
from random import random

from ...core.clock import perf_counter
from .budget import LOADING, SAVED
from .costly import LEAST_PER_BYTE
from .ledger import FOREVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...config.settings import Settings
    from .budget import Governor
    from .ledger import Ledger


QUOTA_MET = "quota_met"
NOT_SAMPLED = "not_sampled"
OVER_BUDGET = "over_budget"  # before the call; or after it, when the writer would take too long
TOO_SLOW = "too_slow"
BACKING_OFF = "backing_off"

FOR_FIRSTS = 0.02  # seconds that a second capture leaves in the bucket
UNSEEN = 2e-5  # seconds of a capture that the caller's clock does not measure, at most (see bench_budget.py)
COSTLY = 0.005  # seconds: a call whose arguments took longer is paid for before it runs
MOST_NEEDED = SAVED * 0.9  # seconds that must be saved for a capture that costs as much or more
SLOW = 0.5  # seconds: a capture that takes longer closes its target until the budget has paid for it
SEAL, SEAL_PER_BYTE = 1.5e-4, 7e-7  # seconds of the writer for a call, before any was measured
# Seconds of the budget that are held back for a call which newer ones made surplus before it was written. The writer
# has no work with it, so a hot function would be captured a hundred times a second for two bundles. Each capture drives
# the program's code from the caches: the p99 of a small web service was 1.17 times that without an agent where as much
# as SEAL was held back, 1.08 with this.
SURPLUS = 5e-4
FAILURES = 5  # failed captures in a row that open the breaker
SPARSE = 0.1  # a share of the calls: a smaller sample is sparse
WAIT = 0.05  # seconds: over budget, calls that come within this time are skipped by one decision
# Of a function that is called often, so many of these are skipped ahead at once: as many as came in the wait before.
LEAST_AHEAD, MOST_AHEAD = 32, 1000
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds a breaker stays open: doubled each time


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
        self._breaker: Breaker | None = None  # since the last success, once a capture has failed
        # Whether a short capture that succeeds changes nothing but the balance, which `Recorder.returned` then does.
        self.only_counts = governor.unlimited
        self._reopens_at = math.inf
        self._is_next = False  # the call after those that the sample leaves out is captured
        self.waits_until = 0.0  # over budget: calls before that time are counted with `tick_waiting`, and not decided
        self.tick_waiting: Callable[[], object] = int
        self._ahead = 0  # how many of them are skipped ahead at once
        self._skipped_ahead = self._ticked = 0  # calls of this wait, and of all, that were counted in these two ways
        self.closed: str | None = None
        self.chooses = self.sample < 1.0
        # Seconds that a capture of this target cost the last time, which must be saved for the next.
        self.needs = -math.inf if governor.unlimited else 0.0
        self._may_be_first = self._is_first = True  # until a first capture is admitted, until it is paid
        self._has_bundle = False  # or one is in the queue
        self.seal_per_byte = governor.costly.seal_per_byte if governor.unlimited else SEAL_PER_BYTE
        governor.costly.add_function()
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
        self.waits_until = 0.0
        self._ledger.stop_skipping(OVER_BUDGET)

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
        if self.governor.unlimited:
            return self.governor.costly.allow(has_bundle=self._has_bundle)
        if self.governor.allows(self.needs):
            return True
        if self._may_be_first and self.governor.allows_first():
            self._may_be_first = False
            return True
        return False

    def over_budget(self) -> None:
        """Count a call that the budget does not allow, and skip the calls of the next milliseconds with it.

        A sparse sample asks for a decision rarely, and the calls that it leaves out are skipped faster than by waiting.
        """
        tick = self.tick_waiting = self._ledger.ticker(OVER_BUDGET)
        ticked = tick() + 1
        if self.sample < SPARSE:
            return
        self._ahead = min(ticked - self._ticked + self._skipped_ahead, MOST_AHEAD)
        self._ticked, self._skipped_ahead = ticked, 0
        self.waits_until = perf_counter() + WAIT
        if self._ahead >= LEAST_AHEAD:
            self.tick_waiting = self._skip_more
            self._skip_ahead()

    def _skip_more(self) -> None:
        """In place of the counter while many calls come: those that are skipped ahead do not look at the clock."""
        self._ledger.count_skipped(OVER_BUDGET)
        self._skip_ahead()

    def _skip_ahead(self) -> None:
        if self._ledger.skip_next(self._ahead, OVER_BUDGET):
            self._skipped_ahead += self._ahead
            self.governor.skipping.add(self)

    def end_wait(self, now: float) -> bool:
        """Whether the wait is over: then the next call is decided, though fewer came than are skipped ahead."""
        if now < self.waits_until:
            return False
        self._skipped_ahead = 0
        self._ledger.stop_skipping(OVER_BUDGET)
        return True

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

    def reserve(self, size: int) -> float:
        """Seconds that the writer is expected to need for a call of so many bytes."""
        return SEAL + size * self.seal_per_byte

    def settle(self, size: int, reserved: float, took: float) -> None:
        """The writer took so many seconds for a call, for which `reserved` were paid; 0.0 when it wrote nothing."""
        self.governor.give_back(reserved - took)
        if self.governor.unlimited:
            self._settle_unlimited(size, reserved, took)
        elif took <= 0.0:
            self.governor.hold_back(SURPLUS)
        else:
            self._learn(size, took)

    def _settle_unlimited(self, size: int, reserved: float, took: float) -> None:
        """A call that is surplus counts for the next estimate too: of many calls between two rounds few are written."""
        if self.governor.costly.settle(size, reserved, took):
            self._mark_costly(True)
        self._learn(size, took)

    def _learn(self, size: int, took: float) -> None:
        # At most four times as much at once: one call may have loaded a library, or looked something up.
        per_byte = min(max(took - SEAL, 0.0) / max(size, 1), 4 * self.seal_per_byte)
        self.seal_per_byte = max(self.seal_per_byte + (per_byte - self.seal_per_byte) / 2, LEAST_PER_BYTE)

    def _mark_costly(self, is_costly: bool) -> None:
        """In an unlimited process: the next call must ask `CostlyCaptures`, or it need not."""
        self.needs = math.inf if is_costly else -math.inf
        self.only_counts = not is_costly and self._breaker is None

    def pay_ahead(self, cost: float) -> None:
        """Pay for a call that has begun: until it ends, other targets that it calls may ask for a capture."""
        if self._is_first:
            self._may_be_first = self._is_first = False
            self.governor.spend_on_first(cost)
        else:
            self.governor.balance -= cost

    def succeeded(self, used: float, passed: float, reserved: float = 0.0, paid: float = 0.0) -> None:
        """A capture used so many seconds of processor time of the caller, while `passed` seconds passed.

        It is expected to take `reserved` seconds of the writer; `paid` seconds of all were paid ahead.
        """
        self._breaker = None
        self.only_counts = self.governor.unlimited
        self._has_bundle |= reserved > 0.0
        self._pay(used, passed, reserved, paid)

    def _pay(self, used: float, passed: float, reserved: float, paid: float) -> None:
        governor = self.governor
        if passed >= LOADING:
            loading = passed - governor.without_loading(passed)
            used, passed = max(used - loading, 0.0), passed - loading
        # The clock measures neither the way in and out nor the slowdown of the program afterwards, whose code and data
        # our code has driven from the processor's caches.
        cost = used + min(used, UNSEEN) + reserved
        if paid:
            governor.give_back(paid - cost)
        else:
            self.pay_ahead(cost)
        if governor.unlimited:
            self._mark_costly(governor.costly.spend(used, reserved))
        else:
            self.needs = min(max(cost, FOR_FIRSTS), MOST_NEEDED)
        if passed > SLOW:  # hooks that wait hold up the caller too
            self._close_until_paid(passed)

    def _close_until_paid(self, seconds: float) -> None:
        """Close until the budget has paid for a slow capture, unless the quota is met."""
        if not self.closed_for_good:
            self.close(TOO_SLOW, seconds / max(self.governor.share, 1e-3))

    def gave_up(self, used: float, passed: float, paid: float = 0.0) -> None:
        """A capture was given up because it would have taken more than the budget allows now."""
        self._pay(used, passed, 0.0, paid)

    def failed(self, used: float, passed: float, paid: float = 0.0) -> None:
        """Count a failed capture; after `FAILURES` in a row the breaker closes the gate for a while."""
        self.refund()
        self._pay(used, passed, 0.0, paid)
        self._breaker = self._breaker or Breaker(FAILURES)
        self.only_counts = False
        pause = self._breaker.failed()
        if pause is not None:
            self.close(BACKING_OFF, pause)

    def refund(self) -> None:
        """Return a failed capture's share of the quota."""
        self.quota += 1
        if self.closed_for_good and self._admitted + self.captured_elsewhere < self.quota:
            self.open()
