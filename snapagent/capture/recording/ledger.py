"""What became of each call of one target in this process, counted without a lock and without allocation.

A call that is looked at is counted where its fate is decided: admitted, or skipped for a reason. Calls of which nothing
has to be decided (the quota is met, the sample left them out) are not looked at: the gate says how many of the next
ones these are, and an iterator counts them down in C. So such a call costs one step of an iterator.
"""

from __future__ import annotations

import _thread
from collections.abc import Iterable, Iterator
from itertools import count, repeat
from operator import length_hint

from ...store.index import Counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...config.targets import Target

FOREVER = 1 << 62  # calls
_NONE: Iterator[None] = repeat(None, 0)
_PATIENCE = 0.05  # seconds: only a thread that died while it held the lock lets anyone wait so long


def _value(counter: count[int]) -> int:
    """Read a counter without moving it; `repr` is the one way that no Python version deprecates."""
    return int(repr(counter)[6:-1])


class Ledger:
    """Counts of one target in one process; `take` hands out what was added since the last time.

    `calls == captured + skipped + failed` once no call is running. Reasons are words such as `quota_met`,
    `recursive`, `over_budget`, `queue_full` (skipped), `disk_full`, `internal_error` (failed).

    Whoever admits calls takes a step of `skipping` first; only when it has none left is the call looked at.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.announced = False  # somebody was told that there are calls
        self.skipping = _NONE
        self._run = 0  # how many steps `skipping` had when it was made
        self._run_reason = ""
        self._passed: dict[str, int] = {}  # calls of earlier runs
        self._changing = _thread.allocate_lock()
        self._admitted: count[int] = count()
        self.tick_admitted = self._admitted.__next__
        self._captured: count[int] = count()
        self._skipped: dict[str, count[int]] = {}
        self._failed: dict[str, count[int]] = {}
        self._taken = Counts()

    @property
    def admitted(self) -> int:
        return _value(self._admitted)

    def count_captured(self) -> None:
        next(self._captured)

    def count_skipped(self, reason: str, *, admitted: bool = False) -> None:
        """A call that was not captured on purpose; `admitted` when the gate had let it in."""
        next(self._counter(self._skipped, f"+{reason}" if admitted else reason))

    def count_failed(self, reason: str) -> None:
        """An admitted call whose capture failed."""
        next(self._counter(self._failed, reason))

    @staticmethod
    def _counter(counters: dict[str, count[int]], reason: str) -> count[int]:
        return counters.get(reason) or counters.setdefault(reason, count())

    def skip_next(self, number: int, reason: str) -> bool:
        """Skip the next `number` calls for `reason` without a look at them. False when another thread is at it."""
        if not self._changing.acquire(False):
            return False
        try:
            self._end_run()
            self._run, self._run_reason = number, reason
            self.skipping = repeat(None, number)
        finally:
            self._changing.release()
        return True

    def look_again(self) -> None:
        """From the next call on each is looked at, whatever was to be skipped."""
        self.skip_next(0, "")

    def _end_run(self) -> None:
        run, self.skipping = self.skipping, _NONE
        passed = self._run - length_hint(run)
        self._run = 0
        if passed:
            self._passed[self._run_reason] = self._passed.get(self._run_reason, 0) + passed

    def totals(self) -> Counts:
        """All counts of this process so far."""
        locked = self._changing.acquire(True, _PATIENCE)
        skipped = dict(self._passed)
        passed = self._run - length_hint(self.skipping)
        reason = self._run_reason
        if locked:
            self._changing.release()
        skipped[reason] = skipped.get(reason, 0) + passed
        calls = sum(skipped.values()) + self.admitted
        for word, counter in list(self._skipped.items()):
            number = _value(counter)
            calls += 0 if word.startswith("+") else number
            word = word.lstrip("+")
            skipped[word] = skipped.get(word, 0) + number
        failed = {reason: _value(counter) for reason, counter in list(self._failed.items())}
        return Counts(calls, _value(self._captured), _positive(skipped.items()), _positive(failed.items()))

    def take(self) -> Counts:
        """What was added since the last `take`; all zero when nothing was."""
        totals = self.totals()
        added = totals - self._taken
        self._taken = totals
        return added

    def give_back(self, counts: Counts) -> None:
        """Undo a `take` whose counts could not be stored; they are part of the next one."""
        self._taken = self._taken - counts

    def restart(self) -> None:
        """In a forked child: what the parent counted is the parent's to store."""
        self._changing = _thread.allocate_lock()
        self.look_again()
        self.announced = False
        self._taken = self.totals()


def _positive(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {reason: number for reason, number in items if number > 0}
