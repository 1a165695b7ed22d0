"""The data of the viewer: functions, bundles, rows, headers and differences, independent of the screen.

Only recently read rows are cached, so that the cost depends on what is viewed and not on the size of the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from ...bundle import Header
from ...errors import BundleNotFoundError, CorruptBundleError
from ...store.layout import BundleEntry
from ...store.reader import FunctionFolder
from ...store.writer import Store
from ..choosing import folders, name_of
from ..terminal.wording import local_time
from ..views.effects import effect_changes
from ..views.reasons import nothing_captured
from ..views.rows import BundleRow, FunctionRow, bundle_row, function_row
from ..views.tree import Change, changes

_CACHED = 2000  # rows: several screens


class Model:
    """Reads lists from the store on each call, and rows and headers one at a time."""

    def __init__(self, store: Store, next_step: str = "snapagent run --on -- YOUR COMMAND") -> None:
        """`next_step` is proposed when nothing is captured yet."""
        self.store = store
        self._next_step = next_step
        self._rows: dict[BundleEntry, BundleRow] = {}

    def functions(self) -> list[FunctionFolder]:
        """The captured functions by name. Raises StoreError when the store cannot be listed."""
        return folders(self.store)

    def counts(self, folder: FunctionFolder) -> FunctionRow:
        """The counts of one function; lists its folder if the index is stale."""
        return function_row(self.store, folder)

    def entries(self, folder: FunctionFolder) -> list[BundleEntry]:
        """The bundles of a function, the newest first, by their file names alone."""
        found = self.store.entries(folder.name)
        found.reverse()
        return found

    def row(self, folder: FunctionFolder, entry: BundleEntry) -> BundleRow | None:
        """One bundle's row; None when it was removed meanwhile."""
        row = self._rows.get(entry)
        if row is None:
            row = bundle_row(self.store, name_of(folder), entry)
            if row is not None:
                self._cache(entry, row)
        return row

    def _cache(self, entry: BundleEntry, row: BundleRow) -> None:
        if len(self._rows) >= _CACHED:
            self._rows.clear()
        self._rows[entry] = row

    def clear_cache(self) -> None:
        """Discard all cached rows."""
        self._rows.clear()

    def matching(
        self, folder: FunctionFolder, entries: Iterable[BundleEntry], query: str
    ) -> Iterator[BundleEntry | None]:
        """The bundles whose row has all words of `query`; None for each other one, so that a scan can be cancelled."""
        words = query.casefold().split()
        for entry in entries:
            row = bundle_row(self.store, name_of(folder), entry)
            yield entry if row is not None and contains_all(_searchable(row), words) else None

    def header(self, entry: BundleEntry) -> Header | str:
        """The header of a bundle, or a problem."""
        try:
            return self.store.header(entry)
        except CorruptBundleError as error:
            return error.reason
        except BundleNotFoundError:
            is_there = os.path.lexists(entry.path)
            return "this user may not open it" if is_there else "it was removed meanwhile (r refreshes)"

    def changes(self, before: BundleEntry, after: BundleEntry) -> Sequence[Change] | str:
        """The differences of two bundles, or a problem."""
        headers = []
        for entry in (before, after):
            header = self.header(entry)
            if isinstance(header, str):
                return f"{entry.short_hash} cannot be compared: {header}"
            headers.append(header)
        return (*changes(*headers), *effect_changes(*headers))

    def is_pinned(self, entry: BundleEntry) -> bool:
        return self.store.is_pinned(entry)

    def set_pinned(self, entry: BundleEntry, pinned: bool) -> None:
        """Raises StoreFailure."""
        (self.store.pin if pinned else self.store.unpin)(entry)
        self._rows.pop(entry, None)

    def delete(self, entry: BundleEntry) -> bool:
        """Remove a bundle; False if it was already removed. Raises StoreFailure."""
        self._rows.pop(entry, None)
        return self.store.delete(entry)

    @property
    def empty_message(self) -> str:
        """The text for an empty store, with the next step."""
        message = nothing_captured(self.store.base_path)
        return f"{message[0].upper()}{message[1:]}.\nNext: {self._next_step}"


def contains_all(text: str, words: Sequence[str]) -> bool:
    """Whether all words (case-folded) occur."""
    folded = text.casefold()
    return all(word in folded for word in words)


def _searchable(row: BundleRow) -> str:
    kind = f"{row.outcome} {row.exception or ''} {'pinned' if row.pinned else ''}"
    return " ".join((local_time(row.timestamp), row.hash, kind, row.arguments, row.ended_with, row.problem))
