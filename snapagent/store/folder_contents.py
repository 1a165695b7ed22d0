"""The bundles of one folder as a process knows them: their names, sizes and outcome kinds, and which are pinned."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..errors import CorruptBundleError
from . import files
from . import pending_counts as sidecars
from .bundle_files import read_brief
from .index import LISTED, Stored
from .layout import COUNTS, PIN, SUFFIX, Entry, parse_bundle_name
from .retention import Keeping, surplus


class Contents:
    """What was seen in a folder, and what this process has put there since."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.entries: dict[str, Entry] = {}
        self.pinned: set[str] = set()
        self._kinds: dict[str, str | None] = {}
        self._sizes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def look(self, folder: int, described: Iterable[Stored], now: float) -> None:
        """List the folder, and sweep what killed writers left there. `described` spares reading headers."""
        names = os.listdir(folder)
        found = (parse_bundle_name(name, self.path) for name in names if name.endswith(SUFFIX))
        self.entries = {entry.name: entry for entry in found if entry is not None}
        self.pinned = {name.removesuffix(PIN) for name in names if name.endswith(PIN)} & self.entries.keys()
        self.describe(described)
        files.sweep(folder, names, now)
        if COUNTS in names:
            sidecars.sweep(self.path, now)

    def describe(self, described: Iterable[Stored]) -> None:
        for stored in described:
            self._kinds[stored.name] = stored.outcome_kind
            self._sizes[stored.name] = stored.size

    def add(self, entry: Entry, stored: Stored) -> None:
        self.entries[entry.name] = entry
        self.describe((stored,))

    def forget(self, name: str) -> None:
        self.entries.pop(name, None)
        self._kinds.pop(name, None)
        self._sizes.pop(name, None)

    def clear(self) -> None:
        for memory in (self.entries, self._kinds, self._sizes):
            memory.clear()

    def surplus(self, folder: int, keeping: Keeping, now: float) -> list[Entry]:
        """What must go, by what is known here."""
        entries = list(self.entries.values())
        return surplus(entries, keeping, lambda entry: self._kind(folder, entry), self.pinned, now)

    def trim(self, folder: int, keeping: Keeping, now: float) -> dict[str, int]:
        """Remove what is surplus. Returns the names that went and their sizes."""
        gone: dict[str, int] = {}
        while True:
            out = self.surplus(folder, keeping, now)
            pinned = {entry.name for entry in out if files.exists(folder, entry.name + PIN)}
            for entry in out:
                if entry.name not in pinned:
                    size = self.size(folder, entry.name)
                    if files.remove(folder, entry.name):
                        gone[entry.name] = size
                    self.forget(entry.name)
            if not pinned:
                return gone
            self.pinned |= pinned  # since we looked last: they do not count, so another one may stay

    def _kind(self, folder: int, entry: Entry) -> str | None:
        if entry.name not in self._kinds:
            stored = self._read(folder, entry)
            self._kinds[entry.name] = stored.outcome_kind if stored is not None else None
        return self._kinds[entry.name]

    def size(self, folder: int, name: str) -> int:
        """Bytes of a bundle; 0 when it is gone."""
        if name not in self._sizes:
            try:
                self._sizes[name] = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
            except FileNotFoundError:
                return 0
        return self._sizes[name]

    def bytes(self, folder: int) -> int:
        """Bytes of all bundles but the pinned ones."""
        return sum(self.size(folder, name) for name in self.entries if name not in self.pinned)

    def details(self, folder: int, described: Iterable[Stored]) -> list[Stored]:
        """The newest bundles as an index lists them; headers are read only of those that nobody described."""
        known = {stored.name: stored for stored in described}
        newest = sorted(self.entries.values(), reverse=True)[:LISTED]
        details = (known.get(entry.name) or self._read(folder, entry) for entry in newest)
        return [stored for stored in details if stored is not None]

    def _read(self, folder: int, entry: Entry) -> Stored | None:
        try:
            header, size = read_brief(folder, entry.name, entry.path)
        except (FileNotFoundError, CorruptBundleError):
            return None
        self._sizes[entry.name] = size
        return Stored.of(entry.name, header, size)

    def by_process(self) -> dict[str, int]:
        """Number of bundles by the token of the process that wrote them, the one that wrote the newest last."""
        tokens: dict[str, int] = {}
        for entry in sorted(self.entries.values()):
            tokens[entry.token] = tokens.pop(entry.token, 0) + 1
        return tokens
