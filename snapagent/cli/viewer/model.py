"""What the viewer shows, as data: functions, bundles of one, their trees, differences. No screen in here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ...bundle import Header
from ...errors import BundleNotFoundError, CorruptBundleError
from ...store.layout import Entry
from ...store.library import FunctionFolder
from ...store.store import Store
from ..choosing import folders, name_of
from ..differing import Change, changes
from ..listing import BundleRow, FunctionRow, bundle_rows, function_row

MOST = 500  # bundles of one function on the screen, the newest


class Model:
    """Reads the store anew at each question, so that a reload shows what a running program adds."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def functions(self, wanted: str = "") -> list[FunctionRow]:
        """The functions whose name holds `wanted`, whatever its case."""
        return [function_row(self.store, folder) for folder in self._folders() if _holds(name_of(folder), wanted)]

    def _folders(self) -> list[FunctionFolder]:
        return folders(self.store)

    def bundles(self, target: str, wanted: str = "") -> list[BundleRow]:
        """The newest bundles of a function that show `wanted` in hash, outcome, arguments or result."""
        entries = reversed(self.store.entries(target))
        rows = (row for row in bundle_rows(self.store, target, entries) if _holds(_searchable(row), wanted))
        return list(islice(rows, MOST))

    def header(self, row: BundleRow) -> Header | None:
        """The header of a bundle; None when it is gone or cannot be read."""
        entry = self._entry(row)
        try:
            return self.store.header(entry) if entry is not None else None
        except (CorruptBundleError, BundleNotFoundError):
            return None

    def changes(self, before: BundleRow, after: BundleRow) -> Sequence[Change] | None:
        """The differences of two bundles; None when one of them cannot be read."""
        one, other = self.header(before), self.header(after)
        return changes(one, other) if one is not None and other is not None else None

    def set_pinned(self, row: BundleRow, pinned: bool) -> None:
        """Raises StoreFailure."""
        entry = self._entry(row)
        if entry is not None:
            (self.store.pin if pinned else self.store.unpin)(entry)

    def delete(self, row: BundleRow) -> bool:
        """Remove a bundle; False when it was gone. Raises StoreFailure."""
        entry = self._entry(row)
        return entry is not None and self.store.delete(entry)

    def _entry(self, row: BundleRow) -> Entry | None:
        found: Iterator[Entry] = (entry for entry in self.store.entries(row.target) if entry.name == row.name)
        return next(found, None)


def _holds(text: str, wanted: str) -> bool:
    return wanted.casefold() in text.casefold()


def _searchable(row: BundleRow) -> str:
    return " ".join((row.hash, row.kind, row.outcome, row.arguments, row.ended_with))
