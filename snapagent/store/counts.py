"""Counts of calls: how many there were, how many became bundles, and why the others did not."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.records import Record


class Counts(Record):
    """Number of calls, of captured ones, and of skipped and failed ones by reason. Adds and subtracts."""

    calls: int = 0
    captured: int = 0
    skipped: Mapping[str, int] = {}
    failed: Mapping[str, int] = {}

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.calls + other.calls,
            self.captured + other.captured,
            _joined(self.skipped, other.skipped, 1),
            _joined(self.failed, other.failed, 1),
        )

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.calls - other.calls,
            self.captured - other.captured,
            _joined(self.skipped, other.skipped, -1),
            _joined(self.failed, other.failed, -1),
        )

    def __bool__(self) -> bool:
        return bool(self.calls or self.captured or self.skipped or self.failed)


def _joined(left: Mapping[str, int], right: Mapping[str, int], sign: int) -> dict[str, int]:
    joined = dict(left)
    for reason, number in right.items():
        joined[reason] = joined.get(reason, 0) + sign * number
    return {reason: number for reason, number in joined.items() if number}
