"""What `list` shows: one row per captured function, or one per bundle of a function. Headers only, nothing unpickled.

The rows are plain records: the table and `--json` are two prints of the same data.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...config.targets import Target
from ...config.units import format_duration, format_size
from ...core.records import Record
from ...core.short_hashes import Abbreviations
from ...errors import CorruptBundleError
from ...store import files
from ...store.bundle_files import HeaderSummary
from ...store.folder_contents import BundleEntries
from ...store.layout import DIGITS, PIN, BundleEntry
from ...store.reader import FunctionFolder, StoreReader
from ..choosing import name_of
from ..terminal.table import Abbreviated, Column
from ..terminal.wording import local_time, short_hash, shown_path
from .tree import short_call

if TYPE_CHECKING:
    from ...config.reading import Config


class FunctionRow(Record):
    """One function of the store. `newest` is a UTC time or None; `skipped` and `failed` are counts by reason."""

    target: str
    bundles: int
    bytes: int
    calls: int
    captured: int
    skipped: Mapping[str, int]
    failed: Mapping[str, int]
    newest: str | None
    path: str

    def to_json(self) -> dict[str, Any]:
        return {**self.as_dict(), "skipped": dict(self.skipped), "failed": dict(self.failed)}


class BundleRow(Record):
    """One bundle. `problem` says why the header could not be read; then only name, path, time and size are known.

    `duration` is seconds, `size` bytes, `timestamp` UTC; `arguments` and `ended_with` are one line each.
    """

    target: str
    name: str
    hash: str
    timestamp: str
    outcome: str
    exception: str | None
    duration: float | None
    size: int
    pinned: bool
    arguments: str
    ended_with: str
    path: str
    problem: str = ""

    @property
    def kind(self) -> str:
        """`returned`, or the exception's own name without its module."""
        return (self.exception or "").rpartition(".")[2] or self.outcome

    def to_json(self) -> dict[str, Any]:
        return self.as_dict()


def function_row(store: StoreReader, folder: FunctionFolder) -> FunctionRow:
    index = store.index(folder.name)
    newest = index.bundles[0].timestamp if index.bundles else None
    return FunctionRow(
        name_of(folder),
        index.stored,
        index.bytes,
        index.calls,
        index.captured,
        index.skipped,
        index.failed,
        newest,
        folder.path,
    )


def unreadable(folders: Iterable[FunctionFolder]) -> list[str]:
    """The folders whose bundles this user may not see."""
    as_i_am = os.access in os.supports_effective_ids
    mode = os.R_OK | os.X_OK
    return [folder.path for folder in folders if not os.access(folder.path, mode, effective_ids=as_i_am)]


def closed_words(paths: Sequence[str]) -> str:
    return ", ".join(shown_path(path) for path in paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def bundle_rows(
    store: StoreReader, target: str, bundles: BundleEntries, in_order: Iterable[BundleEntry] | None = None
) -> Iterator[BundleRow]:
    """The rows of a function's bundles, each read when it is asked for; what was removed meanwhile is left out.

    Some of them in another order when `in_order` says which.
    """
    for entry, brief, size in store.summaries(bundles if in_order is None else in_order):
        pinned = bundles.is_pinned(entry)
        if isinstance(brief, CorruptBundleError):
            yield _unreadable(target, entry, size, pinned, brief.reason)
        else:
            yield _row(entry, brief, size, pinned)


def bundle_row(store: StoreReader, target: str, entry: BundleEntry) -> BundleRow | None:
    """The row of one bundle; None when it was removed since the folder was read."""
    for _, brief, size in store.summaries((entry,)):
        pinned = os.path.lexists(entry.path + PIN)
        if isinstance(brief, CorruptBundleError):
            return _unreadable(target, entry, size, pinned, brief.reason)
        return _row(entry, brief, size, pinned)
    return None


def _row(entry: BundleEntry, brief: HeaderSummary, size: int, pinned: bool) -> BundleRow:
    shown, ended_with = short_call(brief)
    return BundleRow(
        brief.target,
        entry.name,
        brief.hash,
        brief.timestamp,
        brief.outcome,
        brief.exception,
        brief.duration,
        size,
        pinned,
        shown,
        ended_with,
        entry.path,
    )


def _unreadable(target: str, entry: BundleEntry, size: int, pinned: bool, reason: str) -> BundleRow:
    when = iso_time(entry)
    return BundleRow(
        target, entry.name, entry.short_hash, when, "unreadable", None, None, size, pinned, "", "", entry.path, reason
    )


def iso_time(entry: BundleEntry) -> str:
    """The UTC time in a file name as ISO 8601."""
    text = entry.timestamp
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:-1]}+00:00"


def configured_without_bundles(config: Config, known: Iterable[str]) -> tuple[str, ...]:
    """Targets of the configuration for which the store has nothing: never imported, never called, or misspelt."""
    targets = [Target.parse(name) for name in known if ":" in name]
    return tuple(
        str(rule.pattern) for rule in config.rules if not any(rule.pattern.matches(target) for target in targets)
    )


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

    def of_age(self, bundles: BundleEntries) -> BundleEntries:
        now = time.time()
        since = now - self.newer if self.newer is not None else None
        before = now - self.older if self.older is not None else None
        return bundles.within(since, before)


Watch = Callable[[Iterable[BundleEntry], int], Iterable[BundleEntry]]  # passes entries on, and says how many were taken


def rows(store: StoreReader, target: str, bundles: BundleEntries, wanted: Wanted, watch: Watch) -> Iterator[BundleRow]:
    """The rows of the wanted ones, in the wanted order, each made when it is asked for."""
    chosen = wanted.of_age(bundles)
    in_order = watch(_in_order(chosen, wanted), len(chosen))
    found = filter(wanted.fits, bundle_rows(store, target, bundles, in_order))
    if wanted.sort != "duration":
        return found
    return iter(sorted(found, key=lambda row: row.duration or 0.0, reverse=not wanted.reverse))


def _in_order(bundles: BundleEntries, wanted: Wanted) -> Iterable[BundleEntry]:
    """By time or size, the newest or the largest first; durations are not known yet."""
    if wanted.sort == "size":
        sizes, names = files.sizes(bundles.folder, bundles.names), bundles.names[::-1]
        return BundleEntries(
            bundles.folder, sorted(names, key=lambda name: sizes.get(name, 0), reverse=not wanted.reverse)
        )
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


def abbreviations(bundles: BundleEntries) -> Abbreviations:
    return Abbreviations(name[DIGITS] for name in bundles.names)
