"""Rows about captured functions and bundles, read from indexes and headers; nothing is unpickled.

Rows are plain records, so that a table and `--json` show the same data.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...bundle import TRACE_ID
from ...config.targets import Target
from ...config.units import format_duration, format_size
from ...core.records import Record
from ...core.short_hashes import Abbreviations, short_hash
from ...errors import CorruptBundleError
from ...store import files
from ...store.bundle_files import HeaderSummary, header_of, read_file_header
from ...store.folder_contents import BundleEntries
from ...store.layout import DIGITS, PIN, BundleEntry
from ...store.reader import FunctionFolder, StoreReader
from ..choosing import name_of
from ..terminal.table import Abbreviated, Column
from ..terminal.wording import local_time
from .tree import short_call

if TYPE_CHECKING:
    from ...bundle import Header
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
    """One bundle. With a `problem`, the header could not be read: only name, path, time and size are known.

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
        return _short_kind(self)

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


def _short_kind(call: Header | BundleRow) -> str:
    """`returned`, or the name of the exception's type without its module."""
    return (call.exception or "").rpartition(".")[2] or call.outcome


def has_outcome(call: Header | BundleRow, kind: str) -> bool:
    """Whether a call ended so: `kind` is returned, raised, or an exception type with or without its module."""
    return kind in (call.outcome, call.exception, _short_kind(call))


def unreadable(folders: Iterable[FunctionFolder]) -> list[str]:
    """The folders that this user may not read."""
    as_i_am = os.access in os.supports_effective_ids
    mode = os.R_OK | os.X_OK
    paths = [folder.path for folder in folders if os.path.lexists(folder.path)]
    return [path for path in paths if not os.access(path, mode, effective_ids=as_i_am)]


def bundle_rows(
    store: StoreReader, target: str, bundles: BundleEntries, in_order: Iterable[BundleEntry] | None = None
) -> Iterator[BundleRow]:
    """The rows of a function's bundles, or of those `in_order`. Each is read on demand; removed bundles are skipped."""
    for entry, brief, size in store.summaries(bundles if in_order is None else in_order):
        pinned = bundles.is_pinned(entry)
        if isinstance(brief, CorruptBundleError):
            yield _unreadable(target, entry, size, pinned, brief.reason)
        else:
            yield _row(entry.name, entry.path, brief, size, pinned)


def bundle_row(store: StoreReader, target: str, entry: BundleEntry) -> BundleRow | None:
    """The row of one bundle; None if it was removed meanwhile."""
    for _, brief, size in store.summaries((entry,)):
        pinned = os.path.lexists(entry.path + PIN)
        if isinstance(brief, CorruptBundleError):
            return _unreadable(target, entry, size, pinned, brief.reason)
        return _row(entry.name, entry.path, brief, size, pinned)
    return None


def file_row(path: str) -> tuple[Header, BundleRow]:
    """The header and the row of a bundle's file, wherever it is. Raises CorruptBundleError, OSError."""
    header, size = read_file_header(path)
    pinned = os.path.lexists(path + PIN)
    return header, _row(os.path.basename(path), path, HeaderSummary.of(header), size, pinned)


def _row(name: str, path: str, brief: HeaderSummary, size: int, pinned: bool) -> BundleRow:
    shown, ended_with = short_call(brief)
    return BundleRow(
        brief.target,
        name,
        brief.hash,
        brief.timestamp,
        brief.outcome,
        brief.exception,
        brief.duration,
        size,
        pinned,
        shown,
        ended_with,
        path,
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
    """Targets of the configuration without a function in the store: never imported, never called, or misspelled."""
    targets = [target for target in map(Target.read, known) if target is not None]
    return tuple(
        str(rule.pattern) for rule in config.rules if not any(rule.pattern.matches(target) for target in targets)
    )


BUNDLE_ORDERS = ("time", "size", "duration")
BUNDLE_COLUMNS = (
    Column("TIME"),
    Column("HASH", style="cyan"),
    Column("OUTCOME"),
    Column("SIZE", right=True, spare=True),
    Column("DURATION", right=True, spare=True),
    Column("ARGUMENTS", shrinks=1),
    Column("RESULT", shrinks=1),
)


class Selection(Record):
    """A choice of bundles and their order. Ages are in seconds, sizes in bytes; None sets no limit.

    `trace` is the beginning of a trace id.
    """

    outcome: str | None = None
    newer: float | None = None
    older: float | None = None
    larger: float | None = None
    sort: str = "time"
    reverse: bool = False
    trace: str | None = None

    @property
    def is_narrowed(self) -> bool:
        limits = (self.outcome, self.newer, self.older, self.larger, self.trace)
        return any(limit is not None for limit in limits)

    def fits(self, row: BundleRow) -> bool:
        if self.larger is not None and row.size <= self.larger:
            return False
        return self.outcome is None or has_outcome(row, self.outcome)

    def within_age(self, bundles: BundleEntries) -> BundleEntries:
        now = time.time()
        since = now - self.newer if self.newer is not None else None
        before = now - self.older if self.older is not None else None
        return bundles.within(since, before)


EntryCounter = Callable[[Iterable[BundleEntry], int], Iterable[BundleEntry]]  # passes entries on and shows progress


def selected_rows(
    store: StoreReader, target: str, bundles: BundleEntries, selection: Selection, counting: EntryCounter
) -> Iterator[BundleRow]:
    """The rows of the selected bundles in the selected order, each read on demand."""
    chosen = selection.within_age(bundles)
    in_order = counting(_in_order(chosen, selection), len(chosen))
    if selection.trace is not None:
        in_order = _of_trace(in_order, selection.trace)
    found = filter(selection.fits, bundle_rows(store, target, bundles, in_order))
    if selection.sort != "duration":
        return found
    return iter(sorted(found, key=lambda row: row.duration or 0.0, reverse=not selection.reverse))


def _in_order(bundles: BundleEntries, selection: Selection) -> Iterable[BundleEntry]:
    """By time or size, the newest or largest first. Durations are known only once headers are read."""
    if selection.sort == "size":
        sizes, names = files.sizes(bundles.folder, bundles.names), bundles.names[::-1]
        return BundleEntries(
            bundles.folder, sorted(names, key=lambda name: sizes.get(name, 0), reverse=not selection.reverse)
        )
    return bundles if selection.reverse and selection.sort == "time" else reversed(bundles)


def _of_trace(entries: Iterable[BundleEntry], trace: str) -> Iterator[BundleEntry]:
    for entry in entries:
        try:
            header = header_of(entry)
        except (CorruptBundleError, OSError):
            continue
        if str(header.origin.get(TRACE_ID, "")).startswith(trace):
            yield entry


def bundle_cells(row: BundleRow, shortest: Abbreviations | None) -> tuple[str, ...]:
    """A row of the table; on a terminal `shortest` has the unique prefixes of the hashes."""
    took = format_duration(row.duration) if row.duration is not None else "-"
    kind = f"{row.kind} (pinned)" if row.pinned else row.kind
    size = format_size(row.size) if row.size else "-"
    digits = short_hash(row.hash)
    if shortest is not None:
        digits = Abbreviated.of(digits, shortest.length(digits))
    return (local_time(row.timestamp), digits, kind, size, took, row.arguments, row.problem or row.ended_with)


def abbreviations(bundles: BundleEntries) -> Abbreviations:
    return Abbreviations(name[DIGITS] for name in bundles.names)
