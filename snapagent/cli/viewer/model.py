"""What the viewer shows, as data: functions, bundles of one, their rows and headers, differences. No screen in here.

Nothing is held but rows that were read lately, so that a store of any size costs what is looked at.
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
from ..views.rows import BundleRow, FunctionRow, bundle_row, function_row
from ..views.tree import Change, changes

_REMEMBERED = 2000  # rows: some screens full


class Model:
    """Reads the store anew whenever it is asked for a list; rows and headers come one at a time."""

    def __init__(self, store: Store, begin: str = "snapagent run --on -- YOUR COMMAND") -> None:
        """`begin` is the next step where nothing is captured yet."""
        self.store = store
        self._begin = begin
        self._rows: dict[BundleEntry, BundleRow] = {}

    def functions(self) -> list[FunctionFolder]:
        """The captured functions by name. Raises StoreError when the store cannot be listed."""
        return folders(self.store)

    def counts(self, folder: FunctionFolder) -> FunctionRow:
        """The counts of one function; costs a listing of its folder when its index is stale."""
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
                self._remember(entry, row)
        return row

    def _remember(self, entry: BundleEntry, row: BundleRow) -> None:
        if len(self._rows) >= _REMEMBERED:
            self._rows.clear()
        self._rows[entry] = row

    def forget(self) -> None:
        """Read all rows anew when they are asked for next."""
        self._rows.clear()

    def matching(
        self, folder: FunctionFolder, entries: Iterable[BundleEntry], wanted: str
    ) -> Iterator[BundleEntry | None]:
        """The bundles whose row has all words of `wanted`; None for each of the others, so that a scan can be ended."""
        words = wanted.casefold().split()
        for entry in entries:
            row = bundle_row(self.store, name_of(folder), entry)
            yield entry if row is not None and holds(_searchable(row), words) else None

    def header(self, entry: BundleEntry) -> Header | str:
        """The header of a bundle, or what is wrong with it."""
        try:
            return self.store.header(entry)
        except CorruptBundleError as error:
            return error.reason
        except BundleNotFoundError:
            is_there = os.path.lexists(entry.path)
            return "this user may not open it" if is_there else "it was removed meanwhile (r refreshes)"

    def changes(self, before: BundleEntry, after: BundleEntry) -> Sequence[Change] | str:
        """The differences of two bundles, or what is wrong with one of them."""
        headers = []
        for entry in (before, after):
            header = self.header(entry)
            if isinstance(header, str):
                return f"{entry.short_hash} cannot be compared: {header}"
            headers.append(header)
        return changes(*headers)

    def is_pinned(self, entry: BundleEntry) -> bool:
        return self.store.is_pinned(entry)

    def set_pinned(self, entry: BundleEntry, pinned: bool) -> None:
        """Raises StoreFailure."""
        (self.store.pin if pinned else self.store.unpin)(entry)
        self._rows.pop(entry, None)

    def delete(self, entry: BundleEntry) -> bool:
        """Remove a bundle; False when it was gone. Raises StoreFailure."""
        self._rows.pop(entry, None)
        return self.store.delete(entry)

    @property
    def nothing(self) -> str:
        """What an empty store is called, and the next step."""
        path = self.store.base_path
        where = "it is empty" if os.path.lexists(path) else "it does not exist yet"
        return f"Nothing is captured under {path} ({where}).\nNext: {self._begin}"


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether all words (case-folded) occur."""
    folded = text.casefold()
    return all(word in folded for word in words)


def _searchable(row: BundleRow) -> str:
    kind = f"{row.outcome} {row.exception or ''} {'pinned' if row.pinned else ''}"
    return " ".join((local_time(row.timestamp), row.hash, kind, row.arguments, row.ended_with, row.problem))
