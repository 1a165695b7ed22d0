"""Statistics of a store, from indexes, names of files and the first bytes of headers; nothing is unpickled."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ...core.records import Record
from ...dependencies.tape import Summary
from ...errors import CorruptBundleError, SnapagentError
from ...store import files
from ...store.layout import BundleEntry, parse_stamp
from ...store.reader import FunctionFolder, StoreReader
from ..choosing import name_of
from .effects import summary_of

_TAPES = 10  # newest bundles of each function whose effects are counted, which takes the whole header
_READ = 5000  # newest headers of one function; file names and sizes are counted for all
_HOUR, _DAY = 3600, 86400
_SIZES = ((1_000, "1kB"), (10_000, "10kB"), (100_000, "100kB"), (1_000_000, "1MB"), (10_000_000, "10MB"))
_LIMITS = [limit for limit, _ in _SIZES]
_CLASSES = (*(name for _, name in _SIZES), "more")


class Statistics(Record):
    """Counts of bundles. `over_time` is (start of the hour or day in UTC, bundles); `bytes` is the total size.

    `shapes` counts the bundles of each argument shape by function; bundles of earlier versions have none.
    `dependencies` has the recorded `reads` and `writes` of each in the newest bundles of each function.
    """

    functions: int
    bundles: int
    bytes: int
    calls: int
    captured: int
    skipped: Mapping[str, int]
    failed: Mapping[str, int]
    outcomes: Mapping[str, int]
    shapes: Mapping[str, Mapping[str, int]]
    dependencies: Mapping[str, Mapping[str, int]]
    sizes: Mapping[str, int]
    over_time: tuple[tuple[str, int], ...]
    headers_read: int

    def to_json(self) -> dict[str, Any]:
        over_time = [{"from": start, "bundles": number} for start, number in self.over_time]
        names = ("skipped", "failed", "outcomes", "shapes", "dependencies", "sizes")
        mappings = {name: dict(getattr(self, name)) for name in names}
        return {**self.as_dict(), **mappings, "over_time": over_time}


def statistics(store: StoreReader, folders: Sequence[FunctionFolder]) -> Statistics:
    """Statistics of these functions together."""
    calls = captured = read = 0
    skipped: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    moments: Counter[str] = Counter()
    shapes: dict[str, Mapping[str, int]] = {}
    dependencies: dict[str, Counter[str]] = {}
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
        of_function: Counter[str] = Counter()
        for _, summary, _ in store.summaries(islice(reversed(bundles), _READ)):
            read += 1
            if isinstance(summary, CorruptBundleError):
                outcomes["unreadable"] += 1
                continue
            outcomes[summary.exception or summary.outcome] += 1
            of_function[summary.shape] += 1
        _count_effects(store, islice(reversed(bundles), _TAPES), dependencies)
        of_function.pop("", None)
        if of_function:
            shapes[name_of(folder)] = dict(of_function.most_common())
    ordered = {name: sizes[name] for name in _CLASSES if sizes[name]}
    asked = {name: dict(dependencies[name]) for name in sorted(dependencies)}
    return Statistics(
        len(folders), number, total, calls, captured, skipped, failed,
        dict(outcomes.most_common()), shapes, asked, ordered, _over_time(moments), read,
    )  # fmt: skip


def _count_effects(store: StoreReader, bundles: Iterable[BundleEntry], counts: dict[str, Counter[str]]) -> None:
    """Add the calls of dependencies that these bundles hold."""
    for entry in bundles:
        try:
            summary = summary_of(store.header(entry))
        except SnapagentError:
            continue
        for name, (reads, writes) in (summary or Summary()).dependencies.items():
            counts.setdefault(name, Counter()).update(reads=reads, writes=writes)


def _size_class(size: int) -> str:
    return _CLASSES[bisect_left(_LIMITS, size)]


def _over_time(hours: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Bundles by hour, or by day when they span more than three days; with gaps, at most the newest 60.

    `hours` are counts by the date and hour that file names begin with.
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
