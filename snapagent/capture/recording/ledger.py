"""Counts the calls of one target in this process by outcome, without a lock and without allocation.

Most calls are counted where they are decided: admitted, or skipped for a reason. Calls that need no decision (the quota
is met, the sample leaves them out) are skipped in advance: the gate sets how many of the next calls these are, and an
iterator counts them down in C. Such a call costs one step of an iterator.
"""

from __future__ import annotations

import _thread
from collections.abc import Iterable, Iterator
from itertools import count, repeat
from operator import length_hint

from ...store.index import UNFINISHED, Counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...config.targets import Target

LOST_AT_EXIT = "lost_at_exit"  # still running, or waiting to be written, when the process ends

FOREVER = 1 << 62  # calls
_NONE: Iterator[None] = repeat(None, 0)
_NOTHING = Counts()
_LOCK_TIMEOUT = 0.05  # seconds: only a thread that died while it held the lock makes anyone wait so long


def _value(counter: count[int]) -> int:
    """Read a counter without moving it; `repr` is the one way that no Python version deprecates."""
    return int(repr(counter)[6:-1])


class Ledger:
    """Counts of one target in one process; `take` returns what was added since the last `take`.

    `calls == captured + skipped + failed` at any time. Reasons are words such as `quota_met`, `recursive`,
    `over_budget`, `queue_full` (skipped), `disk_full`, `internal_error` (failed). An admitted call has no outcome while
    it runs and while it waits to be written. Until then it counts as skipped, `unfinished`, and once the process ends
    as failed, `lost_at_exit`: so the counts of a process that is killed add up, too.

    Before each call the recorder takes a step of `skipping`; only when that is exhausted is the call decided.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.called = False  # in this process
        self.is_closing = False  # the process ends: what is unfinished now is lost
        self._inherited = 0  # calls that a parent admitted before it forked, and that it finishes
        self.skipping = _NONE
        self._run = 0  # how many steps `skipping` had when it was made
        self._run_reason = ""
        self._skipped_ahead: dict[str, int] = {}  # calls of earlier runs
        self._changing = _thread.allocate_lock()
        self._admitted: count[int] = count()
        self.tick_admitted = self._admitted.__next__
        self._captured: count[int] = count()
        self._skipped: dict[str, count[int]] = {}
        self._failed: dict[str, count[int]] = {}
        self._taken = _NOTHING

    @property
    def admitted(self) -> int:
        return _value(self._admitted)

    @property
    def is_used(self) -> bool:
        """True when this process has called the target, or may finish calls that its parent admitted."""
        return self.called or self._inherited > 0

    @property
    def captured(self) -> int:
        return _value(self._captured)

    def count_captured(self) -> None:
        next(self._captured)

    def count_skipped(self, reason: str, *, admitted: bool = False) -> None:
        """Count a call that was left out on purpose; `admitted` when the gate had admitted it."""
        next(self._counter(self._skipped, f"+{reason}" if admitted else reason))

    def ticker(self, reason: str) -> Callable[[], int]:
        """A function in C that counts a call as skipped for this reason."""
        return self._counter(self._skipped, reason).__next__

    def count_failed(self, reason: str) -> None:
        """Count an admitted call whose capture failed."""
        next(self._counter(self._failed, reason))

    @staticmethod
    def _counter(counters: dict[str, count[int]], reason: str) -> count[int]:
        return counters.get(reason) or counters.setdefault(reason, count())

    def skip_next(self, number: int, reason: str) -> bool:
        """Skip the next `number` calls for `reason`. False when another thread is setting a number now."""
        if not self._changing.acquire(False):
            return False
        try:
            self._end_run()
            self._run, self._run_reason = number, reason
            self.skipping = repeat(None, number)
        finally:
            self._changing.release()
        return True

    def stop_skipping(self, reason: str = "") -> None:
        """Decide each call again from the next one on; with a `reason`, only if calls are skipped for that one."""
        if not reason or reason == self._run_reason:
            self.skip_next(0, "")

    def _end_run(self) -> None:
        run, self.skipping = self.skipping, _NONE
        passed = self._run - length_hint(run)
        self._run = 0
        if passed:
            self._skipped_ahead[self._run_reason] = self._skipped_ahead.get(self._run_reason, 0) + passed

    def totals(self) -> Counts:
        """All counts of this process so far."""
        locked = self._changing.acquire(True, _LOCK_TIMEOUT)
        skipped = dict(self._skipped_ahead)
        passed = self._run - length_hint(self.skipping)
        reason = self._run_reason
        if locked:
            self._changing.release()
        skipped[reason] = skipped.get(reason, 0) + passed
        captured = self.captured
        finished = captured
        for word, counter in list(self._skipped.items()):
            number = _value(counter)
            finished += number if word.startswith("+") else 0
            word = word.lstrip("+")
            skipped[word] = skipped.get(word, 0) + number
        failed = {reason: _value(counter) for reason, counter in list(self._failed.items())}
        finished += sum(failed.values())
        # Last, because a call is admitted before it is finished: other threads go on counting meanwhile.
        unfinished = max(self.admitted - finished - self._inherited, 0)
        if self.is_closing:
            failed[LOST_AT_EXIT] = failed.get(LOST_AT_EXIT, 0) + unfinished
        else:
            skipped[UNFINISHED] = unfinished
        calls = captured + sum(skipped.values()) + sum(failed.values())
        return Counts(calls, captured, _positive(skipped.items()), _positive(failed.items()))

    def take(self) -> Counts:
        """The counts added since the last `take`, and subtracted: a call is no longer unfinished when it is written."""
        totals = self.totals()
        added = totals - self._taken
        self._taken = totals
        return added

    def restart(self) -> None:
        """In a forked child: start at zero, because the parent stores what it has counted."""
        self._changing = _thread.allocate_lock()
        self.stop_skipping()
        self.called = False
        self.is_closing = False
        self._inherited = 0
        self._inherited = self.totals().skipped.get(UNFINISHED, 0)
        self._taken = self.totals()


def _positive(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {reason: number for reason, number in items if number > 0}
