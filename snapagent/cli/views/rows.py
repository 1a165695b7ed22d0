"""What `list` shows: one row per captured function, or one per bundle of a function. Headers only, nothing unpickled.

The rows are plain records: the table and `--json` are two prints of the same data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...config.targets import Target
from ...core.records import Record
from ...errors import CorruptBundleError
from ...store.brief import Brief
from ...store.entries import Entries
from ...store.layout import PIN, Entry
from ...store.reader import FunctionFolder, Library
from ..choosing import name_of
from ..terminal.wording import shown_path
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


def function_row(store: Library, folder: FunctionFolder) -> FunctionRow:
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
    store: Library, target: str, bundles: Entries, in_order: Iterable[Entry] | None = None
) -> Iterator[BundleRow]:
    """The rows of a function's bundles, each read when it is asked for; what was removed meanwhile is left out.

    Some of them in another order when `in_order` says which.
    """
    for entry, brief, size in store.briefs(bundles if in_order is None else in_order):
        pinned = bundles.is_pinned(entry)
        if isinstance(brief, CorruptBundleError):
            yield _unreadable(target, entry, size, pinned, brief.reason)
        else:
            yield _row(entry, brief, size, pinned)


def bundle_row(store: Library, target: str, entry: Entry) -> BundleRow | None:
    """The row of one bundle; None when it was removed since the folder was read."""
    for _, brief, size in store.briefs((entry,)):
        pinned = os.path.lexists(entry.path + PIN)
        if isinstance(brief, CorruptBundleError):
            return _unreadable(target, entry, size, pinned, brief.reason)
        return _row(entry, brief, size, pinned)
    return None


def _row(entry: Entry, brief: Brief, size: int, pinned: bool) -> BundleRow:
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


def _unreadable(target: str, entry: Entry, size: int, pinned: bool, reason: str) -> BundleRow:
    when = iso_time(entry)
    return BundleRow(
        target, entry.name, entry.short_hash, when, "unreadable", None, None, size, pinned, "", "", entry.path, reason
    )


def iso_time(entry: Entry) -> str:
    """The UTC time in a file name as ISO 8601."""
    text = entry.timestamp
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:-1]}+00:00"


def configured_without_bundles(config: Config, known: Iterable[str]) -> tuple[str, ...]:
    """Targets of the configuration for which the store has nothing: never imported, never called, or misspelt."""
    targets = [Target.parse(name) for name in known if ":" in name]
    return tuple(
        str(rule.pattern) for rule in config.rules if not any(rule.pattern.matches(target) for target in targets)
    )
