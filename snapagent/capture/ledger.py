"""What became of each call of one target in this process, counted without a lock and without allocation.

Every call ticks `calls`; an admitted one ticks `admitted`. What a closed gate turned away is not counted one by one:
it is what `calls` exceeds the rest by, and belongs to the reason for which the gate was closed at that time. So a call
that is not captured costs one C-level tick.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from ..store.counts import Counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..targets import Target

NOT_SAMPLED = "not_sampled"


def _value(counter: count[int]) -> int:
    """Read a counter without moving it; `repr` is the one way that no Python version deprecates."""
    return int(repr(counter)[6:-1])


class Ledger:
    """Counts of one target in one process; `take` hands out what was added since the last time.

    `calls == captured + skipped + failed` once no call is running. Reasons are words such as `quota_met`,
    `recursive`, `over_budget`, `queue_full` (skipped), `disk_full`, `internal_error` (failed).
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._calls: count[int] = count()
        self._admitted: count[int] = count()
        self.tick = self._calls.__next__
        self.tick_admitted = self._admitted.__next__
        self._captured: count[int] = count()
        self._skipped: dict[str, count[int]] = {}
        self._failed: dict[str, count[int]] = {}
        self._turned_away: dict[str, int] = {}
        self._reason: str | None = None
        self._taken = Counts()

    @property
    def calls(self) -> int:
        return _value(self._calls)

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

    def turn_away(self, reason: str | None) -> None:
        """From now on calls that are neither admitted nor counted one by one are skipped for `reason`."""
        self._settle()
        self._reason = reason

    def _settle(self) -> None:
        """Give the calls that no counter explains to the reason that holds now."""
        reason = self._reason
        if reason is None:
            return
        calls = _value(self._calls)
        counted = sum(_value(counter) for word, counter in list(self._skipped.items()) if not word.startswith("+"))
        unexplained = calls - _value(self._admitted) - counted - sum(self._turned_away.values())
        floor = self._taken.skipped.get(reason, 0)
        self._turned_away[reason] = max(self._turned_away.get(reason, 0) + unexplained, floor, 0)

    def totals(self) -> Counts:
        """All counts of this process so far."""
        self._settle()
        skipped = dict(self._turned_away)
        for word, counter in list(self._skipped.items()):
            reason = word.lstrip("+")
            skipped[reason] = skipped.get(reason, 0) + _value(counter)
        failed = {reason: _value(counter) for reason, counter in list(self._failed.items())}
        return Counts(self.calls, _value(self._captured), _positive(skipped.items()), _positive(failed.items()))

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
        self._taken = self.totals()


def _positive(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {reason: number for reason, number in items if number > 0}
