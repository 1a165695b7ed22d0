"""The bundles of one function as `snapagent list TARGET` shows them: chosen and put in order by what costs least.

Time stands in the names of the files, size needs a look at the file, everything else its header. So the rows of the
newest ten of a hundred thousand bundles cost the reading of ten headers, and rows stream unless durations order them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from ...config.units import format_duration, format_size
from ...core.records import Record
from ...core.short_hashes import Abbreviations
from ...store import files
from ...store.entries import Entries
from ...store.layout import DIGITS, Entry
from ...store.reader import Library
from ..terminal.table import Abbreviated, Column
from ..terminal.wording import local_time, short_hash
from .rows import BundleRow, bundle_rows

ORDERS = ("time", "size", "duration")
COLUMNS = (
    Column("TIME"),
    Column("HASH", style="cyan"),
    Column("OUTCOME"),
    Column("SIZE", right=True, spare=True),
    Column("DURATION", right=True, spare=True),
    Column("ARGUMENTS", shrinks=1),
    Column("RESULT", shrinks=1),
)


class Wanted(Record):
    """Which bundles, in which order. Ages are seconds, sizes bytes; None leaves all."""

    outcome: str | None = None
    newer: float | None = None
    older: float | None = None
    larger: float | None = None
    sort: str = "time"
    reverse: bool = False

    @property
    def leaves_some_out(self) -> bool:
        return any(limit is not None for limit in (self.outcome, self.newer, self.older, self.larger))

    def fits(self, row: BundleRow) -> bool:
        if self.larger is not None and row.size <= self.larger:
            return False
        return self.outcome is None or self.outcome in (row.outcome, row.exception, row.kind)

    def of_age(self, bundles: Entries) -> Entries:
        now = time.time()
        since = now - self.newer if self.newer is not None else None
        before = now - self.older if self.older is not None else None
        return bundles.within(since, before)


Watch = Callable[[Iterable[Entry], int], Iterable[Entry]]  # passes entries on, and says how many were taken


def rows(store: Library, target: str, bundles: Entries, wanted: Wanted, watch: Watch) -> Iterator[BundleRow]:
    """The rows of the wanted ones, in the wanted order, each made when it is asked for."""
    chosen = wanted.of_age(bundles)
    in_order = watch(_in_order(chosen, wanted), len(chosen))
    found = filter(wanted.fits, bundle_rows(store, target, bundles, in_order))
    if wanted.sort != "duration":
        return found
    return iter(sorted(found, key=lambda row: row.duration or 0.0, reverse=not wanted.reverse))


def _in_order(bundles: Entries, wanted: Wanted) -> Iterable[Entry]:
    """By time or size, the newest or the largest first; durations are not known yet."""
    if wanted.sort == "size":
        sizes, names = files.sizes(bundles.folder, bundles.names), bundles.names[::-1]
        return Entries(bundles.folder, sorted(names, key=lambda name: sizes.get(name, 0), reverse=not wanted.reverse))
    return bundles if wanted.reverse and wanted.sort == "time" else reversed(bundles)


def cells(row: BundleRow, shortest: Abbreviations | None) -> tuple[str, ...]:
    """A row of the table; `shortest` knows how much of a hash is enough, where somebody may see it."""
    took = format_duration(row.duration) if row.duration is not None else "-"
    kind = f"{row.kind} (pinned)" if row.pinned else row.kind
    size = format_size(row.size) if row.size else "-"
    digits = short_hash(row.hash)
    if shortest is not None:
        digits = Abbreviated.of(digits, shortest.length(digits))
    return (local_time(row.timestamp), digits, kind, size, took, row.arguments, row.problem or row.ended_with)


def abbreviations(bundles: Entries) -> Abbreviations:
    return Abbreviations(name[DIGITS] for name in bundles.names)
