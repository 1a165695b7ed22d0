"""The bundles of one folder: names, sizes, outcome kinds and shapes, and which of them are pinned."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import overload

from ..core.system import os
from ..errors import CorruptBundleError
from . import files, pending_counts
from .bundle_files import read_summary
from .index import LISTED, IndexedBundle
from .layout import COUNTS, DIGITS, PIN, BundleEntry, bundle_names, parse_bundle_names, pinned_names, stamp
from .retention import RetentionRules, surplus


class FolderContents:
    """The bundles that the last listing of a folder found, and those that this process has published since."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.entries: dict[str, BundleEntry] = {}
        self.pinned: frozenset[str] = frozenset()
        self._traits: dict[str, tuple[str | None, str]] = {}  # outcome kind, digest of the shape
        self._sizes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def refresh(self, folder: int, described: Iterable[IndexedBundle], now: float) -> None:
        """List the folder, and remove drafts of killed writers. The headers of `described` need not be read."""
        names = files.list_names(folder)
        self.entries = {entry.name: entry for entry in parse_bundle_names(names, self.path)}
        self.pinned = pinned_names(names) & self.entries.keys()
        self._describe(described)
        files.sweep(folder, names, now)
        if COUNTS in names:
            pending_counts.sweep(self.path, now)

    def _describe(self, described: Iterable[IndexedBundle]) -> None:
        for bundle in described:
            self._traits[bundle.name] = bundle.outcome_kind, bundle.shape
            self._sizes[bundle.name] = bundle.size

    def add(self, bundles: Sequence[IndexedBundle]) -> None:
        names = (bundle.name for bundle in bundles)
        self.entries.update((entry.name, entry) for entry in parse_bundle_names(names, self.path))
        self._describe(bundles)

    def forget(self, name: str) -> None:
        self.entries.pop(name, None)
        self._traits.pop(name, None)
        self._sizes.pop(name, None)

    def clear(self) -> None:
        for memory in (self.entries, self._traits, self._sizes):
            memory.clear()

    def surplus(self, folder: int, rules: RetentionRules, now: float) -> list[BundleEntry]:
        """The bundles that must go, as far as this process knows."""
        entries = list(self.entries.values())

        def traits(entry: BundleEntry) -> tuple[str | None, str]:
            return self._traits_of(folder, entry)

        return surplus(entries, rules, lambda entry: traits(entry)[0], self.pinned, now, lambda entry: traits(entry)[1])

    def remove_surplus(self, folder: int, rules: RetentionRules, now: float) -> dict[str, int]:
        """Remove what is surplus. Returns the names that went and their sizes."""
        gone: dict[str, int] = {}
        while True:
            surplus = self.surplus(folder, rules, now)
            pinned = frozenset(entry.name for entry in surplus if files.exists(folder, entry.name + PIN))
            for entry in surplus:
                if entry.name not in pinned:
                    size = self.size(folder, entry.name)
                    if files.remove(folder, entry.name):
                        gone[entry.name] = size
                    self.forget(entry.name)
            if not pinned:
                return gone
            self.pinned |= pinned  # pinned since the listing: they do not count, so another one may stay

    def _traits_of(self, folder: int, entry: BundleEntry) -> tuple[str | None, str]:
        if entry.name not in self._traits:
            bundle = self._read(folder, entry)
            self._traits[entry.name] = (bundle.outcome_kind, bundle.shape) if bundle is not None else (None, "")
        return self._traits[entry.name]

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

    def details(self, folder: int, described: Iterable[IndexedBundle]) -> list[IndexedBundle]:
        """The newest bundles as an index lists them; headers are read only of those that are not `described`."""
        known = {bundle.name: bundle for bundle in described}
        newest = sorted(self.entries.values(), reverse=True)[:LISTED]
        details = (known.get(entry.name) or self._read(folder, entry) for entry in newest)
        return [bundle for bundle in details if bundle is not None]

    def _read(self, folder: int, entry: BundleEntry) -> IndexedBundle | None:
        try:
            summary, size = read_summary(folder, entry.name, entry.path)
        except (FileNotFoundError, CorruptBundleError):
            return None
        self._sizes[entry.name] = size
        return IndexedBundle.of(entry.name, summary, size)

    def by_process(self) -> dict[str, int]:
        """Number of bundles by the token of the process that wrote them, the one that wrote the newest last."""
        tokens: dict[str, int] = {}
        for entry in sorted(self.entries.values()):
            tokens[entry.token] = tokens.pop(entry.token, 0) + 1
        return tokens


def holds_only(folder: int, names: Set[str]) -> bool:
    """True when the folder holds no bundle besides `names`, as far as it can be listed."""
    with files.tolerated():
        return not any(bundle_names(set(files.list_names(folder)) - names))
    return False


_STAMP = len("20261122T093408.123456Z")
_HOUR = len("20261122T09")


class BundleEntries(Sequence[BundleEntry]):
    """The entries of a function's folder. Each entry is made when it is asked for."""

    def __init__(self, folder: str, names: Sequence[str] = (), pinned: frozenset[str] = frozenset()) -> None:
        """`names` are those of bundles, by age for the methods that ask for it."""
        self.folder = folder
        self.names = names
        self._pinned = pinned

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, at: int) -> BundleEntry: ...
    @overload
    def __getitem__(self, at: slice) -> list[BundleEntry]: ...
    def __getitem__(self, at: int | slice) -> BundleEntry | list[BundleEntry]:
        if isinstance(at, slice):
            return list(parse_bundle_names(self.names[at], self.folder))
        return next(parse_bundle_names((self.names[at],), self.folder))

    def __iter__(self) -> Iterator[BundleEntry]:
        return parse_bundle_names(self.names, self.folder)

    def __reversed__(self) -> Iterator[BundleEntry]:
        return parse_bundle_names(reversed(self.names), self.folder)

    def within(self, since: float | None, before: float | None) -> BundleEntries:
        """The entries from `since` on and before `before`, both in seconds since the epoch."""
        start = bisect_left(self.names, stamp(since)) if since is not None else 0
        end = bisect_left(self.names, stamp(before)) if before is not None else len(self.names)
        return BundleEntries(self.folder, self.names[start:end], self._pinned)

    def with_digits(self, digits: str) -> list[BundleEntry]:
        """The entries whose short hash begins with `digits`, the oldest first."""
        fitting = (name for name in self.names if name[DIGITS].startswith(digits))
        return list(parse_bundle_names(fitting, self.folder))

    def short_hashes(self) -> list[str]:
        """The different short hashes, the newest first."""
        return list(dict.fromkeys(name[DIGITS] for name in reversed(self.names)))

    def hours(self) -> Iterator[str]:
        """The hour of each entry: the beginning of its name, as `20261122T09`."""
        return (name[:_HOUR] for name in self.names)

    def is_pinned(self, entry: BundleEntry) -> bool:
        return entry.name in self._pinned

    def unpinned(self) -> list[str]:
        """The names of those that are not pinned, the oldest first."""
        return [name for name in self.names if name not in self._pinned]


def entries_of(path: str) -> BundleEntries:
    """The entries of the folder at `path`. Raises OSError; a link in its place is refused."""
    with files.opened_folder(path) as folder:
        names = files.list_names(folder)
    return BundleEntries(path, _in_order(bundle_names(names)), pinned_names(names))


def _in_order(names: Iterable[str]) -> list[str]:
    """Names of bundles by age. Text order is right but for counters of bundles that share a microsecond."""
    found = sorted(names)
    if len({name[:_STAMP] for name in found}) < len(found):
        found.sort(key=_by_counter)
    return found


def _by_counter(name: str) -> tuple[str, str, int, str]:
    timestamp, token, counter, rest = name.split("-")
    return timestamp, token, int(counter), rest
