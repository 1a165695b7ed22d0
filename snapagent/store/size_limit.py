"""Room for a bundle under `max_store_bytes`: the bytes of all functions, pinned bundles and side effects aside.

What is stored is known from the indexes, so asking costs the same whatever is stored; only when the limit is reached
the folders are listed, and the oldest bundles of all functions make room for a while.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from ..errors import CorruptBundleError
from . import files, index
from .bundle_files import read_header
from .failures import STORE_FULL, StoreFailure
from .index import BrokenIndex
from .layout import PIN, SIDE_EFFECTS, SUFFIX, Entry, parse_bundle_name

_LOW_WATER = 0.9  # share of the limit that is left after eviction, so that it does not come with every bundle
_TRUST_SHARE = 1 / 64  # of the limit: what this process writes before it asks what the others have written
_TRUST_SECONDS = 30.0


class Room:
    """How full the store is, as one process knows it. `limit` is in bytes; infinite: nothing is ever asked."""

    def __init__(self, base_path: str, limit: float) -> None:
        self.base_path = base_path
        self.limit = limit
        self._used = 0.0
        self._asked_at = -math.inf
        self._added = 1  # more than nothing: the first bundle asks

    @property
    def step(self) -> float:
        return self.limit * _TRUST_SHARE

    def added(self, size: int) -> None:
        """This process has stored (or, below zero, removed) so many bytes."""
        self._used += size
        self._added += max(size, 0)

    def make(self, size: int, now: float, pending: Callable[[], int], removed: Callable[[str, str, int], None]) -> None:
        """See to it that `size` bytes more are within the limit. Raises StoreFailure `store_full` when they cannot be.

        `pending` is what this process has added that no index says yet; `removed(folder, name, size)` is told of each
        bundle that had to go.
        """
        if self.limit == math.inf:
            return
        if self._added > self.step or (self._added and abs(now - self._asked_at) > _TRUST_SECONDS):
            self._used = self._indexed() + pending()
            self._asked_at, self._added = now, 0
        if self._used + size > self.limit:
            self._evict(size, removed)
        if self._used + size > self.limit:
            raise StoreFailure(STORE_FULL, self.base_path)

    def _folders(self) -> Iterator[str]:
        with os.scandir(self.base_path) as found:
            for item in found:
                if not item.name.startswith(".") and item.name != SIDE_EFFECTS and item.is_dir(follow_symlinks=False):
                    yield item.path

    def _indexed(self) -> int:
        total = 0
        for path in self._folders():
            with files.tolerated(), files.opened_folder(path) as folder:
                try:
                    found = index.load(folder)
                except BrokenIndex:
                    found = None
                total += found.bytes if found is not None else sum(_sizes(folder, path).values())
        return total

    def _evict(self, size: int, removed: Callable[[str, str, int], None]) -> None:
        """Remove the oldest bundles of all functions, but for pinned ones and the last one of an outcome kind."""
        sizes: dict[Entry, int] = {}
        kinds: dict[str, dict[str, str]] = {}
        for path in self._folders():
            with files.tolerated(), files.opened_folder(path) as folder:
                sizes.update(_sizes(folder, path))
                kinds[path] = _newest_of_kinds(folder)
        self._used = sum(sizes.values())
        for entry in _expendable(sorted(sizes), self._used + size - self.limit * _LOW_WATER, sizes, kinds):
            path = os.path.dirname(entry.path)
            with suppress(StoreFailure), files.tolerated(), files.own_folder(path) as folder:
                if not files.exists(folder, entry.name + PIN) and files.remove(folder, entry.name):
                    self._used -= sizes[entry]
                    removed(path, entry.name, sizes[entry])


def _sizes(folder: int, path: str) -> dict[Entry, int]:
    """The bundles of a folder that are not pinned, and their bytes."""
    names = os.listdir(folder)
    pinned = {name.removesuffix(PIN) for name in names if name.endswith(PIN)}
    sizes: dict[Entry, int] = {}
    for name in names:
        entry = parse_bundle_name(name, path) if name.endswith(SUFFIX) and name not in pinned else None
        if entry is not None:
            with suppress(FileNotFoundError):
                sizes[entry] = os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
    return sizes


def _newest_of_kinds(folder: int) -> dict[str, str]:
    """Outcome kind -> name of the newest bundle of it, among those that the index lists."""
    try:
        found = index.load(folder)
    except BrokenIndex:
        found = None
    return {stored.outcome_kind: stored.name for stored in reversed(found.bundles)} if found is not None else {}


def _expendable(
    oldest_first: list[Entry], wanted: float, sizes: dict[Entry, int], newest: dict[str, dict[str, str]]
) -> Iterator[Entry]:
    """Entries to remove, the oldest first, until `wanted` bytes are free.

    The last one of its outcome kind comes last: a flood of successes does not evict the one error.
    """
    rare: list[Entry] = []
    for entry in oldest_first:
        if wanted <= 0:
            return
        if newest.get(os.path.dirname(entry.path), {}).get(_kind(entry), "") > entry.name:
            wanted -= sizes[entry]
            yield entry
        else:
            rare.append(entry)
    for entry in rare:
        if wanted <= 0:
            return
        wanted -= sizes[entry]
        yield entry


def _kind(entry: Entry) -> str:
    try:
        with files.opened_folder(os.path.dirname(entry.path)) as folder:
            return read_header(folder, entry.name, entry.path)[0].outcome_kind
    except (OSError, CorruptBundleError):
        return ""
