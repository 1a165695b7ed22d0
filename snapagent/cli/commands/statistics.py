"""What `stats` counts: bundles over time, their sizes and outcomes, and what became of the calls."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ...core.records import Record
from ...errors import CorruptBundleError
from ...store import files
from ...store.layout import Entry, parse_stamp
from ...store.reader import FunctionFolder, Library

READ = 5000  # headers of one function that are read, the newest; file names and sizes are counted for all
_HOUR, _DAY = 3600, 86400
_SIZES = ((1_000, "1kB"), (10_000, "10kB"), (100_000, "100kB"), (1_000_000, "1MB"), (10_000_000, "10MB"))
_LIMITS = [limit for limit, _ in _SIZES]
_CLASSES = (*(name for _, name in _SIZES), "more")


class Statistics(Record):
    """Counts of bundles. `over_time` is (start of the hour or day, UTC, and bundles); sizes are bytes."""

    functions: int
    bundles: int
    bytes: int
    calls: int
    captured: int
    skipped: Mapping[str, int]
    failed: Mapping[str, int]
    outcomes: Mapping[str, int]
    sizes: Mapping[str, int]
    over_time: tuple[tuple[str, int], ...]
    headers_read: int

    def to_json(self) -> dict[str, Any]:
        over_time = [{"from": start, "bundles": number} for start, number in self.over_time]
        mappings = {name: dict(getattr(self, name)) for name in ("skipped", "failed", "outcomes", "sizes")}
        return {**self.as_dict(), **mappings, "over_time": over_time}


def statistics(store: Library, folders: Sequence[FunctionFolder]) -> Statistics:
    """Statistics of these functions together."""
    calls = captured = read = 0
    skipped: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    moments: Counter[str] = Counter()
    number = total = 0
    for folder in folders:
        index = store.index(folder.name)
        calls, captured = calls + index.calls, captured + index.captured
        skipped.update(index.skipped)
        failed.update(index.failed)
        bundles = store.bundles(folder.name)
        number += len(bundles)
        moments.update(bundles.hours())
        found = files.sizes(bundles.folder, bundles.names).values()
        total += sum(found)
        sizes.update(map(_size_class, found))
        kinds = list(_kinds(store, islice(reversed(bundles), READ)))
        read += len(kinds)
        outcomes.update(kinds)
    ordered = {name: sizes[name] for name in _CLASSES if sizes[name]}
    return Statistics(
        len(folders), number, total, calls, captured, skipped, failed,
        dict(outcomes.most_common()), ordered, _over_time(moments), read,
    )  # fmt: skip


def _size_class(size: int) -> str:
    return _CLASSES[bisect_left(_LIMITS, size)]


def _kinds(store: Library, entries: Iterable[Entry]) -> Iterator[str]:
    for _, brief, _ in store.briefs(entries):
        yield "unreadable" if isinstance(brief, CorruptBundleError) else brief.exception or brief.outcome


def _over_time(hours: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Bundles by hour, or by day when they span more than three; gaps included, at most 60 of the newest.

    `hours` are counts by what file names begin with.
    """
    slots = {int(parse_stamp(f"{hour}0000.000000Z") // _HOUR): number for hour, number in hours.items()}
    if not slots:
        return ()
    width = _HOUR if max(slots) - min(slots) <= 3 * _DAY // _HOUR else _DAY
    found: Counter[int] = Counter()
    for slot, number in slots.items():
        found[slot * _HOUR // width] += number
    last = max(found)
    first = max(min(found), last - 59)
    return tuple(
        (datetime.fromtimestamp(slot * width, UTC).isoformat(), found[slot]) for slot in range(first, last + 1)
    )
