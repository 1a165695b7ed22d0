"""What one process knows of one function's folder while it writes there, and what it still has to tell the index.

Bundles are published and trimmed without a lock; the lock is held only while `index.json` is brought up to date. The
folder is listed when the shelf is opened, and again at each update where `keep` is small; where everything is kept it
is never listed again, so that the cost of a capture does not grow with what is stored.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence

from ..errors import CorruptBundleError
from . import files, hash_shards, index, sidecars
from .counts import Counts
from .failures import StoreFailure
from .index import LISTED, BrokenIndex, FunctionIndex, Stored
from .layout import INDEX, PIN, SUFFIX, Entry, parse_bundle_name
from .locking import locked
from .quota import Quota
from .reading import read_header
from .retention import Keeping, surplus

_SMALL = 1000  # bundles: a folder that keeps no more is listed at each update
_PENDING = 10_000  # bundles published since the last update that are remembered one by one
_AGE_CHECKS = 20  # times per `max_age` that old bundles are looked for, where nothing else needs the listing
_SLACK = 256  # bundles: above so many, trimming waits until an eighth too many are there


class Shelf:
    """The folder of one function, as seen by a process that writes there. Not for two threads at once."""

    def __init__(self, folder: str, target: str, token: str) -> None:
        self.folder = folder
        self.target = target
        self.token = token
        self.quota = Quota()
        self.captured = 0  # by all processes, as of the last update
        self._known: dict[str, Entry] = {}
        self._kinds: dict[str, str | None] = {}
        self._sizes: dict[str, int] = {}
        self._pinned: set[str] = set()
        self._published = 0  # bundles of this process
        self._counted: set[str] = set()  # those that were seen in the folder before `added` told of them
        self._added: list[Stored] = []  # those that the index does not list yet
        self._removed: dict[str, int] = {}  # sizes of bundles that the index may still count
        self._owed = Counts()
        self._opened = False
        self._must_list = True
        self._listed_at = -math.inf

    @property
    def has_news(self) -> bool:
        """Whether the index does not know everything that this process does."""
        return bool(self._added or self._removed or self._owed)

    @property
    def pending_bytes(self) -> int:
        return sum(stored.size for stored in self._added) - sum(self._removed.values())

    def open(self, keeping: Keeping, now: float) -> None:
        """Before the first bundle: make the folder and its index, and look what is there."""
        if self._opened:
            return
        with files.own_folder(self.folder, make=True) as folder:
            fresh = index.is_fresh(folder)
            self._must_list = not fresh or keeping.keep <= _SMALL
            try:
                found = index.load(folder)
            except BrokenIndex:
                found = None
            if found is None or keeping.keep != math.inf:
                self._list(folder, found, now)
            if found is None and not files.exists(folder, INDEX):
                number = len(self._known)
                found = FunctionIndex(self.target, number, number, stored=number)
                index.create(folder, found.listing(self._details(folder, found)), self.token)
            self.captured = found.captured if found is not None else len(self._known)
        self._opened = True

    def added(self, stored: Stored, entry: Entry, keeping: Keeping) -> None:
        """A bundle was published here."""
        if entry.name not in self._counted:
            self._published += 1
        self._added.append(stored)
        if len(self._added) > _PENDING:
            self._added.clear()
            self._must_list = True
        if keeping.keep != math.inf:
            self._known[entry.name] = entry
            self._kinds[entry.name] = stored.outcome_kind
            self._sizes[entry.name] = stored.size

    def removed(self, name: str, size: int) -> None:
        """A bundle was removed from here, by whatever hand."""
        self._forget(name)
        self._removed[name] = size

    def reset(self) -> None:
        """The folder is gone, or somebody emptied it: look again before the next bundle."""
        self.__init__(self.folder, self.target, self.token)  # type: ignore[misc]

    def trim(self, keeping: Keeping, now: float) -> int:
        """Remove what is surplus among the bundles that this process knows of. Returns their bytes."""
        if keeping.keep == math.inf and not self._age_check_is_due(keeping, now):
            return 0
        slack = 0 if keeping.keep <= _SLACK else keeping.keep // 8
        if len(self._known) <= keeping.keep + slack and keeping.max_age == math.inf:
            return 0
        with files.own_folder(self.folder) as folder:
            if keeping.keep == math.inf:
                self._list(folder, None, now)
            gone = self._trim(folder, keeping, now)
            if keeping.keep == math.inf:
                self._known.clear()
            return gone

    def _age_check_is_due(self, keeping: Keeping, now: float) -> bool:
        if keeping.max_age == math.inf:
            return False
        return abs(now - self._listed_at) >= min(60.0, keeping.max_age / _AGE_CHECKS)

    def _trim(self, folder: int, keeping: Keeping, now: float) -> int:
        gone = 0
        while True:
            entries = list(self._known.values())
            out = surplus(entries, keeping, lambda entry: self._kind(folder, entry), self._pinned, now)
            newly_pinned = False
            for entry in out:
                if files.exists(folder, entry.name + PIN):
                    self._pinned.add(entry.name)
                    newly_pinned = True
                    continue
                size = self._size(folder, entry.name)
                if files.remove(folder, entry.name):
                    self.removed(entry.name, size)
                    gone += size
                self._forget(entry.name)
            if not newly_pinned:
                return gone

    def outlook(self, keeping: Keeping, now: float) -> list[Entry]:
        """What an update would remove, the oldest first."""
        with files.own_folder(self.folder) as folder:
            self._list(folder, None, now)
            entries = list(self._known.values())
            return sorted(surplus(entries, keeping, lambda entry: self._kind(folder, entry), self._pinned, now))

    def _forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._kinds.pop(name, None)
        self._sizes.pop(name, None)

    def _kind(self, folder: int, entry: Entry) -> str | None:
        if entry.name not in self._kinds:
            try:
                header, size = read_header(folder, entry.name, entry.path)
            except (OSError, CorruptBundleError):
                self._kinds[entry.name] = None
            else:
                self._kinds[entry.name] = header.outcome_kind
                self._sizes[entry.name] = size
        return self._kinds[entry.name]

    def _list(self, folder: int, known_index: FunctionIndex | None, now: float) -> None:
        """Learn what is in the folder, and sweep what killed writers left there."""
        names = os.listdir(folder)
        entries = (parse_bundle_name(name, self.folder) for name in names if name.endswith(SUFFIX))
        self._known = {entry.name: entry for entry in entries if entry is not None}
        self._pinned = {name.removesuffix(PIN) for name in names if name.endswith(PIN)} & self._known.keys()
        for stored in known_index.bundles if known_index is not None else ():
            self._kinds.setdefault(stored.name, stored.outcome_kind)
            self._sizes.setdefault(stored.name, stored.size)
        files.sweep(folder, names, now)
        self._listed_at = now

    def update(
        self, counts: Counts, keeping: Keeping, now: float, timeout: float, *, last: bool = False
    ) -> FunctionIndex:
        """Bring the index up to date with `counts` and with what was published and removed here.

        Raises StoreFailure or OSError; what could not be written is owed and part of the next update.
        """
        self._owed += counts
        with files.own_folder(self.folder, make=True) as folder, locked(self.folder, timeout):
            try:
                found = index.load(folder)
            except BrokenIndex:
                index.set_aside(folder)
                found = None
            listing = found is None or self._lists(keeping, last)
            if listing:
                self._list(folder, found, now)
                if keeping.keep != math.inf or keeping.max_age != math.inf:
                    self._trim(folder, keeping, now)
            if found is None:
                lost = max(len(self._known) - len(self._added), 0)
                found = FunctionIndex(self.target or None, lost, lost)
            updated = self._listed(folder, found) if listing else self._amended(found)
            if not last:  # the end of a process has no time for it
                self._keep_shards(folder, updated, listing)
            left, names = sidecars.collect(self.folder)
            sidecars.drop(self.folder, names)
            self._owed += left
            updated = updated.counting(self._owed).replace(target=self.target or found.target)
            index.save(folder, updated, self.token)
        self._settled(updated, keeping)
        return updated

    def _lists(self, keeping: Keeping, last: bool) -> bool:
        """Whether this update must look into the folder: it may hold what neither the index nor this process knows."""
        return self._must_list or keeping.keep <= _SMALL or (last and keeping.keep != math.inf)

    def _settled(self, updated: FunctionIndex, keeping: Keeping) -> None:
        self._owed = Counts()
        self._added.clear()
        self._removed.clear()
        self._must_list = False
        self.captured = updated.captured
        if keeping.keep == math.inf:
            for memory in (self._known, self._kinds, self._sizes):
                memory.clear()

    def _listed(self, folder: int, found: FunctionIndex) -> FunctionIndex:
        """The index of what the folder was just seen to hold."""
        free = [name for name in self._known if name not in self._pinned]
        details = self._details(folder, found)
        self._sizes.update((stored.name, stored.size) for stored in details)
        size = sum(self._size(folder, name) for name in free)
        tokens: dict[str, int] = {}
        for entry in sorted(self._known.values()):
            tokens[entry.token] = tokens.pop(entry.token, 0) + 1  # the process of the newest bundle is last
        self._published = tokens.get(self.token, 0)
        self._counted = {name for name, entry in self._known.items() if entry.token == self.token}
        listed = found.replace(stored=len(self._known), bytes=size, tokens=tokens).listing(details)
        return listed.from_process(self.token, self._published)

    def _size(self, folder: int, name: str) -> int:
        if name not in self._sizes:
            try:
                self._sizes[name] = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
            except FileNotFoundError:
                return 0
        return self._sizes[name]

    def _details(self, folder: int, found: FunctionIndex) -> list[Stored]:
        """The newest bundles as the index lists them; headers are read only of those that nobody described."""
        described = {stored.name: stored for stored in (*found.bundles, *self._added)}
        details: list[Stored] = []
        for entry in sorted(self._known.values(), reverse=True)[:LISTED]:
            stored = described.get(entry.name)
            if stored is None:
                try:
                    header, size = read_header(folder, entry.name, entry.path)
                except (OSError, CorruptBundleError):
                    continue
                stored = Stored.of(entry.name, header, size)
            details.append(stored)
        return details

    def _amended(self, found: FunctionIndex) -> FunctionIndex:
        """The index with what this process added and removed, the folder unseen.

        Another process may have listed the folder since, and have counted some of what was added.
        """
        new = max(self._published - found.tokens.get(self.token, 0), 0)
        number = found.stored + new - len(self._removed)
        size = found.bytes + sum(stored.size for stored in self._added[-new:] if new) - sum(self._removed.values())
        bundles = (stored for stored in (*found.bundles, *self._added) if stored.name not in self._removed)
        return (
            found.replace(stored=max(number, 0), bytes=max(size, 0))
            .listing(bundles)
            .from_process(self.token, self._published)
        )

    def _keep_shards(self, folder: int, updated: FunctionIndex, listing: bool) -> None:
        if updated.stored <= LISTED:
            if listing:
                hash_shards.discard(self.folder)
        elif not hash_shards.exist(self.folder):
            names = os.listdir(folder)
            hash_shards.build(self.folder, self._entries(names), self.token)
        elif listing and self._must_list:
            hash_shards.build(self.folder, self._known.values(), self.token)
        else:
            hash_shards.add(self.folder, self._entries(stored.name for stored in self._added))

    def _entries(self, names: Iterable[str]) -> Sequence[Entry]:
        found = (parse_bundle_name(name, self.folder) for name in names)
        return [entry for entry in found if entry is not None]

    def owe(self, counts: Counts) -> None:
        """Counts for the next update."""
        self._owed += counts

    def leave(self) -> None:
        """At the end of the process, when the index is out of reach: leave what it does not know beside it."""
        if not self._owed:
            return
        try:
            sidecars.leave(self.folder, f"{self.token}-{id(self):x}", self._owed)
            self._owed = Counts()
        except OSError as error:
            raise StoreFailure.of(error, self.folder) from error
