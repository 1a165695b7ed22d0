"""`max_store_bytes`: the limit of all functions together. Pinned bundles and side effects do not count.

The indexes say how many bytes are stored, so a check costs the same whatever is stored. Only when the limit is reached
the folders are listed, and the oldest bundles of all functions are evicted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress

from ..core.system import os
from ..errors import CorruptBundleError
from . import files, index
from .bundle_files import header_of
from .failures import STORE_FULL, StoreFailure
from .layout import PIN, BundleEntry, is_function_folder, parse_bundle_names, pinned_names

_LOW_WATER = 0.9  # share of the limit that eviction goes down to, so that not every bundle evicts again
_RECHECK_SHARE = 1 / 64  # of the limit: what this process writes before it reads the indexes again
_RECHECK_SECONDS = 30.0  # the same by time


class SizeLimit:
    """How full the store is, as one process knows it. `limit` is in bytes; when it is infinite, nothing is read."""

    def __init__(self, base_path: str, limit: float) -> None:
        self.base_path = base_path
        self.limit = limit
        self._used = 0.0
        self._checked_at = -math.inf
        self._added = 1  # more than zero, so that the first bundle reads the indexes

    @property
    def batch_bytes(self) -> float:
        """Bytes that may be written before they are recorded: a small part of the limit."""
        return self.limit * _RECHECK_SHARE

    def record(self, size: int) -> None:
        """This process has stored, or for a negative `size` removed, so many bytes."""
        self._used += size
        self._added += max(size, 0)

    def has_space(self, size: int, now: float) -> bool:
        """True when `size` more bytes are within the limit, and the indexes need not be read to know it."""
        return self.limit == math.inf or (self._used + size <= self.limit and not self._is_outdated(now))

    def _is_outdated(self, now: float) -> bool:
        return self._added > self.batch_bytes or (self._added > 0 and abs(now - self._checked_at) > _RECHECK_SECONDS)

    def ensure(
        self, size: int, now: float, pending_bytes: Callable[[], int], on_evicted: Callable[[str, str, int], None]
    ) -> None:
        """Evict until `size` more bytes are within the limit. Raises StoreFailure `store_full` when that is impossible.

        `pending_bytes` returns what this process has added that no index counts yet; `on_evicted(folder, name, size)`
        is called for each bundle that was evicted.
        """
        if self.limit == math.inf:
            return
        if self._is_outdated(now):
            self._used = self._indexed() + pending_bytes()
            self._checked_at, self._added = now, 0
        if self._used + size > self.limit:
            self._evict(size, on_evicted)
        if self._used + size > self.limit:
            raise StoreFailure(STORE_FULL, self.base_path)

    def _folders(self) -> Iterator[str]:
        for name in files.list_folders(self.base_path):
            if is_function_folder(name):
                yield f"{self.base_path}/{name}"

    def _indexed(self) -> int:
        total = 0
        for path in self._folders():
            with files.tolerated(), files.opened_folder(path) as folder:
                known = index.stored_bytes(folder)
                total += known if known is not None else sum(_sizes(folder, path).values())
        return total

    def _evict(self, size: int, on_evicted: Callable[[str, str, int], None]) -> None:
        """Remove the oldest bundles of all functions. Pinned ones stay; the last one of an outcome kind goes last."""
        sizes: dict[BundleEntry, int] = {}
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
                    on_evicted(path, entry.name, sizes[entry])


def _sizes(folder: int, path: str) -> dict[BundleEntry, int]:
    """The bundles of a folder that are not pinned, and their bytes."""
    names = files.list_names(folder)
    pinned = pinned_names(names)
    entries = {entry.name: entry for entry in parse_bundle_names(names, path) if entry.name not in pinned}
    return {entries[name]: size for name, size in files.sizes_in(folder, entries).items()}


def _newest_of_kinds(folder: int) -> dict[str, str]:
    """Outcome kind -> name of the newest bundle of it, among those that the index lists."""
    found = index.load_usable(folder)
    return {bundle.outcome_kind: bundle.name for bundle in reversed(found.bundles)} if found is not None else {}


def _expendable(
    oldest_first: list[BundleEntry], needed: float, sizes: dict[BundleEntry, int], newest: dict[str, dict[str, str]]
) -> Iterator[BundleEntry]:
    """Entries to remove, the oldest first, until `needed` bytes are free.

    The last one of its outcome kind comes last: a flood of successes does not evict the one error.
    """
    last_of_kind: list[BundleEntry] = []
    for entry in oldest_first:
        if needed <= 0:
            return
        if newest.get(os.path.dirname(entry.path), {}).get(_kind(entry), "") > entry.name:
            needed -= sizes[entry]
            yield entry
        else:
            last_of_kind.append(entry)
    for entry in last_of_kind:
        if needed <= 0:
            return
        needed -= sizes[entry]
        yield entry


def _kind(entry: BundleEntry) -> str:
    try:
        return header_of(entry).outcome_kind
    except (OSError, CorruptBundleError):
        return ""
