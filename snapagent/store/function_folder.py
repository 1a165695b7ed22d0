"""What one process has to tell the index of one function, and how it does.

Bundles are published and trimmed without a lock; the lock is held only while `index.json` is brought up to date. The
folder is listed when the shelf is opened, and again at each update where `keep` is small. Where everything is kept it
is listed once at most, so that the cost of a capture does not grow with what is stored.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable

from ..core.signals import raised_by_signal_handler
from . import files, hash_shards, index, pending_counts
from .files import locked
from .folder_contents import Contents
from .index import BrokenIndex, Counts, FunctionIndex, Stored
from .layout import Entry, parse_bundle_name
from .quota import Quota
from .retention import Keeping

_SMALL = 1000  # bundles: a folder that keeps no more is listed at each update
_PENDING = 10_000  # bundles published since the last update that are remembered one by one
_AGE_CHECKS = 20  # times per `max_age` that old bundles are looked for, where nothing else needs the listing
_SHARD_CHECKS = 64  # updates after which the shards are checked for names of bundles that are gone
_SLACK = 256  # bundles: where more are kept, trimming waits until there are an eighth too many


class Shelf:
    """The folder of one function, for a process that writes there. Not for two threads at once.

    Methods raise OSError, and StoreFailure for a lock that is not to be had or a folder that is not ours.
    """

    def __init__(self, folder: str, target: str, token: str) -> None:
        self.folder = folder
        self.target = target  # empty: the index knows it
        self.token = token
        self.quota = Quota()
        self._contents = Contents(folder)
        self._published = 0  # bundles of this process
        self._counted: set[str] = set()  # those that were seen in the folder before `added` told of them
        self._added: list[Stored] = []  # those that the index does not list yet
        self._removed: dict[str, int] = {}  # sizes of bundles that the index may still count
        self._owed = Counts()
        self._left = 0
        self._shard_updates = 0
        self._opened = False
        self._announced = False  # readers know that the index may not know what this process publishes
        self._marked = False  # by a file that says so
        self._must_look = True
        self._looked_at = -math.inf
        self._told_at = -1  # when this process wrote the index last, by the clock of the file system

    @property
    def has_news(self) -> bool:
        """Whether the index does not know everything that this process does."""
        return bool(self._added or self._removed or self._owed)

    @property
    def pending_bytes(self) -> int:
        """What the bytes of the index lack."""
        return sum(stored.size for stored in self._added) - sum(self._removed.values())

    def open(self, keeping: Keeping, now: float) -> None:
        """Before a bundle: make the folder and its index, and look what is there, the first time."""
        if not self._opened:
            self._open(keeping, now)
            self._opened = True
        if not self._announced:
            self._announced = self._marked = pending_counts.announce(self.folder, self.token)

    def _open(self, keeping: Keeping, now: float) -> None:
        with files.own_folder(self.folder, make=True) as folder:
            self._must_look = not index.is_fresh(folder) or keeping.keep <= _SMALL
            try:
                found = index.load(folder)
                missing = found is None
            except BrokenIndex:
                found, missing = None, False
            if found is None or keeping.keep != math.inf:
                self._look(folder, found, now)
            if missing:
                found = self._first(folder)
                index.create(folder, found, self.token)

    def _first(self, folder: int) -> FunctionIndex:
        """An index where there was none: of an empty folder, or of bundles whose calls nobody counted."""
        number = len(self._contents)
        first = FunctionIndex(self.target or None, number, number)
        return self._seen(folder, first)

    def added(self, entry: Entry, stored: Stored, keeping: Keeping) -> None:
        """A bundle was published here."""
        if entry.name not in self._counted:
            self._published += 1
        self._added.append(stored)
        if len(self._added) > _PENDING:
            self._added.clear()
            self._must_look = True
        if keeping.keep != math.inf:
            self._contents.add(entry, stored)

    def removed(self, name: str, size: int) -> None:
        """A bundle was removed from here, by whatever hand."""
        self._contents.forget(name)
        self._removed[name] = size

    def trim(self, keeping: Keeping, now: float) -> int:
        """Remove what is surplus among the bundles that this process knows of. Returns their bytes."""
        if keeping.keep == math.inf and not self._age_check_is_due(keeping, now):
            return 0
        slack = 0 if keeping.keep <= _SLACK else keeping.keep // 8
        if len(self._contents) <= keeping.keep + slack and keeping.max_age == math.inf:
            return 0
        with files.own_folder(self.folder) as folder:
            if keeping.keep == math.inf:
                self._look(folder, None, now)
            gone = self._contents.trim(folder, keeping, now)
            if keeping.keep == math.inf:
                self._contents.clear()
        self._removed.update(gone)
        return sum(gone.values())

    def _age_check_is_due(self, keeping: Keeping, now: float) -> bool:
        if keeping.max_age == math.inf:
            return False
        return abs(now - self._looked_at) >= min(60.0, keeping.max_age / _AGE_CHECKS)

    def outlook(self, keeping: Keeping, now: float) -> list[Entry]:
        """What an update would remove, the oldest first."""
        with files.own_folder(self.folder) as folder:
            self._look(folder, None, now)
            return sorted(self._contents.surplus(folder, keeping, now))

    def _look(self, folder: int, found: FunctionIndex | None, now: float) -> None:
        self._contents.look(folder, (*(found.bundles if found is not None else ()), *self._added), now)
        self._looked_at = now

    def update(
        self, counts: Counts, keeping: Keeping, now: float, timeout: float, *, last: bool = False
    ) -> FunctionIndex:
        """Bring the index up to date with `counts` and with what was published and removed here.

        What could not be written is owed, and part of the next update. The `last` one does without what takes long.
        """
        self._owed += counts
        with files.own_folder(self.folder, make=True) as folder, locked(self.folder, timeout):
            found = self._load(folder)
            untouched = index.is_fresh(folder) and index.written_at(folder) == self._told_at
            self._announced = False
            given_up = pending_counts.given_up(self.folder, now)
            looks = found is None or self._looks(keeping, last, untouched, given_up)
            if looks:
                self._look(folder, found, now)
                if keeping.keep != math.inf or keeping.max_age != math.inf:
                    self._contents.trim(folder, keeping, now)
            if found is None:
                found = self._lost()
            updated = self._seen(folder, found) if looks else self._amended(found)
            if not last:
                self._keep_shards(folder, updated, looks)
            left, names = pending_counts.collect(self.folder, found.merged)
            updated = updated.counting(self._owed + left)
            updated = updated.replace(target=self.target or found.target, merged=tuple(names))
            index.save(folder, updated, self.token, fresh=looks or not self._must_look)
            self._told_at = index.written_at(folder)
            self._settle(keeping, looks)
            pending_counts.drop(self.folder, names + (given_up if looks else []))
            if self._marked and not self._announced:  # else a caller has begun to publish meanwhile
                pending_counts.told(self.folder, self.token)
                self._marked = False
        return updated

    def _load(self, folder: int) -> FunctionIndex | None:
        try:
            return index.load(folder)
        except BrokenIndex:
            index.set_aside(folder)
            return None

    def _looks(self, keeping: Keeping, last: bool, untouched: bool, given_up: list[str]) -> bool:
        """Whether this update lists the folder: it may hold what neither the index nor this process knows."""
        if last and keeping.keep == math.inf:
            return False  # it may take long, and the process is about to end
        return last or self._must_look or bool(given_up) or (keeping.keep <= _SMALL and not untouched)

    def _lost(self) -> FunctionIndex:
        """An index that has disappeared: what is stored was captured, what this process stored it will tell itself."""
        number = max(len(self._contents) - len(self._added), 0)
        return FunctionIndex(self.target or None, number, number)

    def _seen(self, folder: int, found: FunctionIndex) -> FunctionIndex:
        """The index of what the folder was just seen to hold."""
        contents = self._contents
        tokens = contents.by_process()
        self._published = tokens.get(self.token, 0)
        self._counted = {name for name, entry in contents.entries.items() if entry.token == self.token}
        details = contents.details(folder, (*found.bundles, *self._added))
        listed = found.replace(stored=len(contents), bytes=contents.bytes(folder), tokens=tokens).listing(details)
        return listed.from_process(self.token, self._published)

    def _amended(self, found: FunctionIndex) -> FunctionIndex:
        """The index with what this process added and removed, the folder unseen.

        Another process may have listed the folder since, and have counted some of what was added.
        """
        new = max(self._published - found.tokens.get(self.token, 0), 0)
        added = sum(stored.size for stored in self._added[-new:]) if new else 0
        number = max(found.stored + new - len(self._removed), 0)
        size = max(found.bytes + added - sum(self._removed.values()), 0)
        bundles = (stored for stored in (*found.bundles, *self._added) if stored.name not in self._removed)
        amended = found.replace(stored=number, bytes=size).listing(bundles)
        return amended.from_process(self.token, self._published)

    def _keep_shards(self, folder: int, updated: FunctionIndex, looked: bool) -> None:
        try:
            if updated.stored > hash_shards.FEWEST and hash_shards.exist(self.folder) and not self._must_look:
                hash_shards.add(self.folder, self._entries(stored.name for stored in self._added))
                self._shard_updates += 1
                if self._shard_updates % _SHARD_CHECKS == 0 and hash_shards.are_bloated(self.folder, updated.stored):
                    hash_shards.build(self.folder, self._entries(os.listdir(folder)), self.token)
            elif updated.stored > hash_shards.FEWEST:
                hash_shards.build(self.folder, self._entries(os.listdir(folder)), self.token)
            elif looked:
                hash_shards.discard(self.folder)
        except OSError as error:
            if raised_by_signal_handler(error):
                raise
            with files.tolerated():  # rather none than some: whoever looks for a hash lists the folder then
                hash_shards.discard(self.folder)

    def _entries(self, names: Iterable[str]) -> list[Entry]:
        found = (parse_bundle_name(name, self.folder) for name in names)
        return [entry for entry in found if entry is not None]

    def _settle(self, keeping: Keeping, looked: bool) -> None:
        """The index knows everything now."""
        self._owed = Counts()
        self._added.clear()
        self._removed.clear()
        self._must_look = self._must_look and not looked
        if keeping.keep == math.inf:
            self._contents.clear()

    def owe(self, counts: Counts) -> None:
        """Counts for the next update."""
        self._owed += counts

    def leave(self) -> None:
        """Leave the counts that the index does not know beside it, for whoever updates it next."""
        if self._owed:
            self._left += 1
            pending_counts.leave(self.folder, f"{self.token}-{self._left}", self._owed)
            self._owed = Counts()
