"""What `stats` counts: bundles over time, their sizes and outcomes, and what became of the calls."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ..errors import BundleNotFoundError, CorruptBundleError
from ..records import Record
from ..store.layout import Entry
from ..store.library import FunctionFolder, Library

READ = 5000  # headers of one function that are read, the newest; file names and sizes are counted for all
_HOUR, _DAY = 3600, 86400
_SIZES = ((1_000, "1kB"), (10_000, "10kB"), (100_000, "100kB"), (1_000_000, "1MB"), (10_000_000, "10MB"))


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
    all_entries: list[Entry] = []
    total = 0
    for folder in folders:
        index = store.index(folder.name)
        calls, captured = calls + index.calls, captured + index.captured
        skipped.update(index.skipped)
        failed.update(index.failed)
        entries = store.entries(folder.name)
        all_entries += entries
        for size in _sizes(entries):
            total += size
            sizes[_size_class(size)] += 1
        kinds = list(_kinds(store, islice(reversed(entries), READ)))
        read += len(kinds)
        outcomes.update(kinds)
    ordered = {name: sizes[name] for name in (*(name for _, name in _SIZES), "more") if sizes[name]}
    return Statistics(
        len(folders), len(all_entries), total, calls, captured, skipped, failed,
        dict(outcomes.most_common()), ordered, _over_time(all_entries), read,
    )  # fmt: skip


def _sizes(entries: Iterable[Entry]) -> Iterable[int]:
    for entry in entries:
        try:
            yield os.lstat(entry.path).st_size
        except FileNotFoundError:
            continue  # retention was quicker


def _size_class(size: int) -> str:
    return next((name for limit, name in _SIZES if size <= limit), "more")


def _kinds(store: Library, entries: Iterable[Entry]) -> Iterable[str]:
    for entry in entries:
        try:
            yield store.header(entry).outcome_kind
        except CorruptBundleError:
            yield "unreadable"
        except BundleNotFoundError:
            continue


def _over_time(entries: Sequence[Entry]) -> tuple[tuple[str, int], ...]:
    """Bundles by hour, or by day when they span more than three; gaps included, at most 60 of the newest."""
    if not entries:
        return ()
    times = sorted(entry.when for entry in entries)
    width = _HOUR if times[-1] - times[0] <= 3 * _DAY else _DAY
    found = Counter(int(when // width) for when in times)
    last = max(found)
    first = max(min(found), last - 59)
    return tuple(
        (datetime.fromtimestamp(slot * width, UTC).isoformat(), found[slot]) for slot in range(first, last + 1)
    )
