"""The folder of one function, for a process that writes to it: what the index still lacks, and how the index gets it.

Bundles are published and removed without a lock; the lock is held only while `index.json` is brought up to date. The
folder is listed when it is first opened, and again at each update where `keep` is small. Where everything is kept it is
listed at most once, so that the cost of a capture does not grow with what is stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..core.signals import raised_by_signal_handler
from ..core.system import os
from . import files, hash_shards, index, pending_counts
from .folder_contents import FolderContents, holds_only
from .index import BrokenIndex, Counts, FunctionIndex, IndexedBundle
from .layout import COUNTS, INDEX, BundleEntry, bundle_names
from .quota import Quota
from .retention import RetentionRules

_SMALL = 1000  # bundles: a folder that keeps no more is listed at each update
_PENDING = 10_000  # bundles published since the last update that are remembered one by one
_AGE_CHECKS = 20  # times per `max_age` that old bundles are looked for, where nothing else needs the listing
_SHARD_CHECKS = 64  # updates after which the shards are checked for names of bundles that are gone
_LOOKS = 16  # for the index, before each of which a bundle was published; from there on the mark file costs less
_SLACK = 256  # bundles: where more are kept, `remove_surplus` waits until there are an eighth too many


class FolderWriter:
    """The folder of one function, for a process that writes there. Not for two threads at once.

    Methods raise OSError, and StoreFailure when the lock cannot be had or the folder belongs to another user.
    """

    def __init__(self, folder: str, target: str, token: str) -> None:
        self.folder = folder
        self.target = target  # empty: the index knows it
        self.token = token
        self.quota = Quota()
        self._contents = FolderContents(folder)
        self._published = 0  # bundles of this process
        self._listed: set[str] = set()  # those that a listing found before `record_published` was called for them
        self._added: list[IndexedBundle] = []  # those that the index does not list yet
        self._removed: dict[str, int] = {}  # sizes of bundles that the index may still count
        self._pending = Counts()  # what the index does not count yet
        self._count_files = 0  # that this process has written beside the index
        self._has_unmerged = False  # the last of these may not be in the index yet
        self._shard_updates = 0
        self._opened = False
        self._announced = False  # since the last update: readers know that the index may lack bundles of this process
        self._marked = False  # the mark file that says so exists
        self._looks = 0  # whether the index is fresh, since the last update
        self._must_list = True
        self._listed_at = -math.inf
        self._index_time = -1  # when this process wrote the index last, by the clock of the file system

    @property
    def has_pending(self) -> bool:
        """True when the index lacks something that this process knows."""
        return bool(self._added or self._removed or self._pending or self._has_unmerged)

    @property
    def pending_bytes(self) -> int:
        """The difference between the bytes in the folder and those that the index says, as far as it is known."""
        return sum(bundle.size for bundle in self._added) - sum(self._removed.values())

    def open(self, rules: RetentionRules, now: float) -> None:
        """Call before publishing. The first call makes the folder and its index, and lists what is there."""
        if not self._opened:
            self._open(rules, now)
            self._opened = True
        if not self._announced:
            self.announce()

    def _open(self, rules: RetentionRules, now: float) -> None:
        with files.own_folder(self.folder, make=True) as folder:
            self._must_list = not index.is_fresh(folder) or rules.keep <= _SMALL
            try:
                found = index.load(folder)
                missing = found is None
            except BrokenIndex:
                found, missing = None, False
            if found is None or rules.keep != math.inf:
                self._list(folder, found, now)
            if missing and index.create(folder, self._first_index(folder)):
                index.set_fresh(folder, False)

    def _first_index(self, folder: int) -> FunctionIndex:
        """An index where there was none: of an empty folder, or of bundles whose calls were not counted."""
        number = len(self._contents)
        first = FunctionIndex(self.target or None, number, number)
        return self._index_of_listing(folder, first) if number else first

    def announce(self) -> None:
        """Call before and after publishing: make readers list the folder until the index has what is published.

        While the index is not fresh they do so anyway. Another process may make it fresh at any time. It lists the
        folder once more before that, so either it finds a bundle, or whoever has published it finds the new index here.
        """
        if self._announced:
            return
        self._looks += 1
        if self._looks > _LOOKS or index.was_fresh(self.folder):
            self._announced = self._marked = pending_counts.mark_open(self.folder, self.token)

    def record_published(self, bundles: Sequence[IndexedBundle], rules: RetentionRules) -> None:
        """Bundles were published here. Does no I/O."""
        self._published += sum(bundle.name not in self._listed for bundle in bundles)
        self._added += bundles
        if len(self._added) > _PENDING:
            self._added.clear()
            self._must_list = True
        if rules.keep != math.inf:
            self._contents.add(bundles)

    def record_removed(self, name: str, size: int) -> None:
        """A bundle was removed from here, by another part of this process. Does no I/O."""
        self._contents.forget(name)
        self._removed[name] = size

    def remove_surplus(self, rules: RetentionRules, now: float) -> int:
        """Remove what is surplus among the bundles that this process knows of. Returns their bytes."""
        if rules.keep == math.inf and not self._age_check_is_due(rules, now):
            return 0
        slack = 0 if rules.keep <= _SLACK else rules.keep // 8
        if len(self._contents) <= rules.keep + slack and rules.max_age == math.inf:
            return 0
        with files.own_folder(self.folder) as folder:
            if rules.keep == math.inf:
                self._list(folder, None, now)
            gone = self._contents.remove_surplus(folder, rules, now)
            if rules.keep == math.inf:
                self._contents.clear()
        self._removed.update(gone)
        return sum(gone.values())

    def _age_check_is_due(self, rules: RetentionRules, now: float) -> bool:
        if rules.max_age == math.inf:
            return False
        return abs(now - self._listed_at) >= min(60.0, rules.max_age / _AGE_CHECKS)

    def surplus(self, rules: RetentionRules, now: float) -> list[BundleEntry]:
        """The bundles that an update would remove, the oldest first."""
        with files.own_folder(self.folder) as folder:
            self._list(folder, None, now)
            return sorted(self._contents.surplus(folder, rules, now))

    def _list(self, folder: int, found: FunctionIndex | None, now: float) -> None:
        self._contents.refresh(folder, (*(found.bundles if found is not None else ()), *self._added), now)
        self._listed_at = now

    # The order of the steps keeps counts exact through a kill at any moment, and lets callers publish meanwhile:
    # 1. `_announced` is reset first, so a bundle that is published from here on sets the mark file anew.
    # 2. Count files are read before the index is saved and removed after it. The saved index names them in `merged`:
    #    when the process dies between the two, the next update does not add them a second time.
    # 3. The mark file goes last, and only when no caller has announced a bundle since step 1; until then readers list
    #    the folder themselves.
    # 4. The first index of a folder is a new file and replaces none: it may be made without the lock. Before an index
    #    becomes fresh for the first time the folder is listed once more: see `announce`.
    def update(
        self, counts: Counts, rules: RetentionRules, now: float, timeout: float, *, last: bool = False
    ) -> FunctionIndex:
        """Bring the index up to date with `counts` and with what was published and removed here.

        When it fails, the counts stay pending, and are part of the next update. `last`: no other update follows, so
        steps that may take long are left out.
        """
        self._pending += counts
        made = self._make()
        if made is not None:
            return made
        with files.locked(self.folder, timeout, make=True) as folder:
            while True:
                updated = self._update(folder, rules, now, last)
                if updated is not None:
                    return updated

    def _make(self) -> FunctionIndex | None:
        """The folder with an index of the pending counts, made without the lock; None when the folder is there."""
        if self._opened:
            return None
        try:
            os.mkdir(self.folder, files.FOLDER_MODE)
        except OSError:  # the other ways of writing meet it as well
            return None
        with files.own_folder(self.folder) as folder:
            first = FunctionIndex(self.target or None).counting(self._pending)
            if not index.create(folder, first):
                return None
            self._pending = Counts()
            self._must_list = not holds_only(folder, self._contents.entries.keys())
            index.set_fresh(folder, not self._must_list)
            self._index_time = index.written_at(folder)
        return first

    def _update(self, folder: int, rules: RetentionRules, now: float, last: bool) -> FunctionIndex | None:
        """None when another process has made the first index meanwhile."""
        found = self._load(folder)
        is_new = index.written_at(folder) == 0
        untouched = index.is_fresh(folder) and index.written_at(folder) == self._index_time
        self._announced = False
        self._looks = 0
        has_files = files.exists(folder, COUNTS)
        abandoned = pending_counts.abandoned(self.folder, now) if has_files else []
        covers_all = found is None or self._needs_listing(rules, last, untouched and not is_new, abandoned)
        lists = covers_all and not self._is_all_own(folder, found, rules)
        if lists:
            self._list(folder, found, now)
            if rules.keep != math.inf or rules.max_age != math.inf:
                self._contents.remove_surplus(folder, rules, now)
        was_missing = found is None
        if found is None:
            found = self._replacement()
        listed = self._index_of_listing(folder, found) if lists else None
        removed = self._removed.copy()  # a caller that makes space may remove more from here on
        updated = listed or self._amended(found, removed)
        if not last:
            self._update_shards(folder, updated, lists)
        from_files, names = pending_counts.collect(self.folder, found.merged) if has_files else (Counts(), [])
        updated = updated.counting(self._pending + from_files)
        updated = updated.replace(target=self.target or found.target, merged=tuple(names))
        if was_missing:
            if not index.create(folder, updated):
                return None
        else:
            index.save(folder, updated, self.token)
        if is_new and covers_all:
            covers_all = holds_only(folder, self._contents.entries.keys() if lists else self._own_names())
        index.set_fresh(folder, covers_all or not (self._must_list or is_new))
        self._index_time = index.written_at(folder)
        self._clear_pending(rules, covers_all, removed)
        pending_counts.remove(self.folder, names + (abandoned if covers_all else []))
        if self._marked and not self._announced:
            pending_counts.remove_mark(self.folder, self.token)
            self._marked = False
        return updated

    def _load(self, folder: int) -> FunctionIndex | None:
        try:
            return index.load(folder)
        except BrokenIndex:
            index.set_aside(folder)
            return None

    def _needs_listing(self, rules: RetentionRules, last: bool, untouched: bool, abandoned: list[str]) -> bool:
        """True when the folder may hold what neither the index nor this process knows."""
        if last and rules.keep == math.inf:
            return False  # it may take long, and the process is about to end
        return last or self._must_list or bool(abandoned) or (rules.keep <= _SMALL and not untouched)

    def _is_all_own(self, folder: int, found: FunctionIndex | None, rules: RetentionRules) -> bool:
        """True when nobody but this process has ever put anything into the folder, and no index counts it yet.

        Each bundle is known then, and need not be looked at, which would take 2 us.
        """
        if found is None or found.stored or any(found.tokens.values()) or not rules.keep == rules.max_age == math.inf:
            return False
        return self._own_names() == set(files.list_names(folder)) - {INDEX, COUNTS}

    def _own_names(self) -> set[str]:
        return {bundle.name for bundle in self._added} - self._removed.keys()

    def _replacement(self) -> FunctionIndex:
        """An index in place of one that has disappeared: each stored bundle counts as one captured call.

        Bundles of this process that are not in an index yet are left out: their calls are in its pending counts.
        """
        number = max(len(self._contents) - len(self._added), 0)
        return FunctionIndex(self.target or None, number, number)

    def _index_of_listing(self, folder: int, found: FunctionIndex) -> FunctionIndex:
        """The index of a folder that was listed just now."""
        contents = self._contents
        tokens = contents.by_process()
        self._published = tokens.get(self.token, 0)
        self._listed = {name for name, entry in contents.entries.items() if entry.token == self.token}
        details = contents.details(folder, (*found.bundles, *self._added))
        listed = found.replace(stored=len(contents), bytes=contents.bytes(folder), tokens=tokens).listing(details)
        return listed.from_process(self.token, self._published)

    def _amended(self, found: FunctionIndex, removed: Mapping[str, int]) -> FunctionIndex:
        """The index with what this process added, and without those that it removed; the folder is not listed.

        Another process may have listed the folder since, and have counted some of what was added: `tokens` says how
        many bundles of this process the index counts, so only the rest is added.
        """
        new = max(self._published - found.tokens.get(self.token, 0), 0)
        added = sum(bundle.size for bundle in self._added[-new:]) if new else 0
        number = max(found.stored + new - len(removed), 0)
        size = max(found.bytes + added - sum(removed.values()), 0)
        bundles = (bundle for bundle in (*found.bundles, *self._added) if bundle.name not in removed)
        amended = found.replace(stored=number, bytes=size).listing(bundles)
        return amended.from_process(self.token, self._published)

    def _update_shards(self, folder: int, updated: FunctionIndex, listed: bool) -> None:
        try:
            if updated.stored > hash_shards.FEWEST and hash_shards.exist(self.folder) and not self._must_list:
                hash_shards.add(self.folder, [bundle.name for bundle in self._added])
                self._shard_updates += 1
                if self._shard_updates % _SHARD_CHECKS == 0 and hash_shards.are_bloated(self.folder, updated.stored):
                    hash_shards.build(self.folder, bundle_names(files.list_names(folder)), self.token)
            elif updated.stored > hash_shards.FEWEST:
                hash_shards.build(self.folder, bundle_names(files.list_names(folder)), self.token)
            elif listed:
                hash_shards.discard(self.folder)
        except OSError as error:
            if raised_by_signal_handler(error):
                raise
            with files.tolerated():  # incomplete shards would hide bundles; without any, readers list the folder
                hash_shards.discard(self.folder)

    def _clear_pending(self, rules: RetentionRules, covers_all: bool, removed: Mapping[str, int]) -> None:
        """The index holds everything now; it does not count `removed`."""
        self._pending = Counts()
        self._has_unmerged = False
        self._added.clear()
        for name in removed:
            self._removed.pop(name, None)
        self._must_list = self._must_list and not covers_all
        if rules.keep == math.inf:
            self._contents.clear()

    def add_counts(self, counts: Counts) -> None:
        """Add `counts` to what the next update writes."""
        self._pending += counts

    def write_pending_counts(self) -> None:
        """Save the pending counts without the lock: in a new folder in its index, else in a file beside the index.

        Whoever updates the index next adds that file.
        """
        if self._pending and self._make() is None:
            self._count_files += 1
            pending_counts.write(self.folder, f"{self.token}-{self._count_files}", self._pending, self.target)
            self._pending = Counts()
            self._has_unmerged = True
