"""The store as capturing processes and the command line change it: publish, keep, clear, pin, update the index."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

from ..bundle import Header, SigningKey, encode
from . import files, hash_shards, index, pending_counts, trust
from .failures import StoreFailure
from .files import KeptFolder, locked
from .function_folder import Shelf
from .index import Counts, FunctionIndex, Stored
from .layout import COUNTS, INDEX, LOCK, MANIFEST, PIN, QUOTA, SUFFIX, TEMPORARY, Entry, new_entry, parse_bundle_name
from .processes import PROCESSES
from .reader import Library
from .retention import Keeping
from .size_limit import Room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.settings import Settings

PROCESS, POWER = "process", "power"
KEEP_ALL = Keeping(math.inf, 0, math.inf)
_PATIENCE = 1.0  # seconds that the lock of an index is waited for
_IMPATIENCE = 0.1  # the same where nothing is lost


class Store(Library):
    """A folder of bundles. Publishing needs no lock; but for `write` and reading, this is for one thread at a time.

    `durability` is `process` (survives the process) or `power` (fsync); `max_bytes` is the limit of the whole store.
    The first of `keys` signs what is published.
    """

    def __init__(
        self,
        base_path: str | os.PathLike[str],
        *,
        keys: Sequence[SigningKey] = (),
        trust: str = "owner",
        owners: Sequence[int] = (),
        durability: str = PROCESS,
        max_bytes: float = math.inf,
    ) -> None:
        super().__init__(base_path, keys=keys, trust=trust, owners=owners)
        self.durable = durability == POWER
        self._room = Room(self.base_path, max_bytes)
        self.restart()

    def restart(self) -> None:
        """In a forked child: another token, and nothing to tell that the parent did. Only assigns."""
        self.token = os.urandom(3).hex()
        self._counter = itertools.count(1)
        self._shelves: dict[str, Shelf] = {}

    def shelf(self, target: object) -> Shelf:
        """What this process knows of the function's folder."""
        path = self.folder(target)
        shelf = self._shelves.get(path)
        if shelf is None:
            shelf = self._shelves.setdefault(path, Shelf(path, str(target), self.token))
        return shelf

    def publish(
        self,
        target: object,
        header: Header,
        payload: Mapping[str, bytes],
        *,
        when: float,
        token: str | None = None,
        counter: int | None = None,
    ) -> Entry:
        """Write a bundle: whole or not at all, under a name that no other process can choose.

        `when` is seconds since the epoch. Retention and the index hear of it at the next `update`. Raises StoreFailure.
        """
        shelf = self._open(target, KEEP_ALL, time.time())
        with self.writing(target) as folder:
            entry, stored = self.write(folder, header, payload, when, token or self.token, counter)
        self._room.added(stored.size)
        shelf.added(entry, stored, KEEP_ALL)
        return entry

    def next_counter(self) -> int:
        return next(self._counter)

    def writing(self, target: object) -> KeptFolder:
        """The function's folder, for a batch of `write`."""
        return KeptFolder(self.folder(target))

    def write(
        self,
        folder: KeptFolder,
        header: Header,
        payload: Mapping[str, bytes],
        when: float,
        token: str,
        counter: int | None,
        beside: int = 0,
    ) -> tuple[Entry, Stored]:
        """The first half of `publish`, which any thread may do; `put_away` is the other. Raises StoreFailure.

        `beside` is the bytes of bundles that were written and not put away yet.
        """
        entry = new_entry(folder.path, when, token, counter or next(self._counter), header.hash)
        data = encode(header, payload, self.keys[0] if self.keys else None)
        self.make_room(len(data) + beside, time.time())
        try:
            folder.publish(entry.name, data, durable=self.durable)
        except OSError as error:
            raise StoreFailure.of(error, folder.path) from error
        return entry, Stored.of(entry.name, header, len(data))

    @property
    def step(self) -> float:
        """Bytes that may be written before they are put away: a small part of the limit."""
        return self._room.step

    def make_room(self, size: int, now: float) -> None:
        """See to it that `size` bytes more fit under the limit of the store. Raises StoreFailure `store_full`."""
        others: dict[str, Shelf] = {}

        def evicted(path: str, name: str, size: int) -> None:
            shelf = self._shelves.get(path) or others.setdefault(path, Shelf(path, "", self.token))
            shelf.removed(name, size)

        try:
            self._room.make(size, now, self._pending_bytes, evicted)
        except FileNotFoundError:
            return  # there is no store yet
        except OSError as error:
            raise StoreFailure.of(error, self.base_path) from error
        finally:
            for shelf in others.values():
                with suppress(StoreFailure, OSError):  # then its index is stale, and whoever reads it looks itself
                    shelf.update(Counts(), KEEP_ALL, now, _IMPATIENCE)

    def _pending_bytes(self) -> int:
        return sum(shelf.pending_bytes for shelf in self._shelves.values())

    def open(self, target: object, settings: Settings, now: float) -> Shelf:
        """Make the folder of a function and its index before the first bundle of this process. Raises StoreFailure."""
        return self._open(target, keeping_of(settings), now)

    def _open(self, target: object, keeping: Keeping, now: float) -> Shelf:
        shelf = self.shelf(target)
        try:
            shelf.open(keeping, now)
        except OSError as error:
            raise StoreFailure.of(error, shelf.folder) from error
        return shelf

    def claim(self, target: object, settings: Settings, wanted: int) -> int:
        """How many of `wanted` captures the quota has places for, all processes together. Raises StoreFailure."""
        if settings.quota == math.inf:
            return wanted
        shelf = self.shelf(target)
        try:
            with files.own_folder(shelf.folder, make=True) as folder:
                return shelf.quota.claim(folder, wanted, settings.quota, self.token)
        except OSError as error:
            raise StoreFailure.of(error, shelf.folder) from error

    def put_away(self, target: object, entry: Entry, stored: Stored, settings: Settings) -> None:
        """Tell retention and the next index of a bundle that was written. Does no I/O."""
        self._room.added(stored.size)
        self.shelf(target).added(entry, stored, keeping_of(settings))

    def trim(self, target: object, settings: Settings, now: float) -> int:
        """Remove what is surplus among the bundles that this process knows of. Raises StoreFailure."""
        shelf = self.shelf(target)
        try:
            gone = shelf.trim(keeping_of(settings), now)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreFailure.of(error, shelf.folder) from error
        self._room.added(-gone)
        return gone

    def update(
        self,
        target: object,
        counts: Counts,
        settings: Settings | None = None,
        *,
        timeout: float = _PATIENCE,
        last: bool = False,
    ) -> FunctionIndex:
        """Bring the index up to date, and retention with it, seen by all processes. Raises StoreFailure.

        Counts that could not be written are owed, and part of the next update. `last`: no other one follows.
        """
        keeping = keeping_of(settings) if settings is not None else KEEP_ALL
        try:
            return self.shelf(target).update(counts, keeping, time.time(), timeout, last=last)
        except OSError as error:
            raise StoreFailure.of(error, self.folder(target)) from error

    def leave(self, target: object, counts: Counts) -> None:
        """Leave `counts`, and what is owed, beside the index, for whoever updates it next. Raises StoreFailure."""
        shelf = self.shelf(target)
        shelf.owe(counts)
        try:
            shelf.leave()
        except OSError as error:
            raise StoreFailure.of(error, shelf.folder) from error

    def captured(self, target: object) -> int:
        """Captures of this function by all processes so far, as the index says."""
        try:
            with files.opened_folder(self.folder(target)) as folder:
                found = index.load(folder)
        except (OSError, index.BrokenIndex):
            return 0
        return found.captured if found is not None else 0

    def delete(self, entry: Entry) -> bool:
        """Remove one bundle and its pin; False when it was gone. Raises StoreFailure."""
        path = os.path.dirname(entry.path)
        try:
            with files.own_folder(path) as folder:
                files.remove(folder, entry.name + PIN)
                return files.remove(folder, entry.name)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreFailure.of(error, path) from error

    def clear(self, target: object, *, pinned: bool = True) -> int:
        """Remove the bundles of a function, its counts and its folder. Returns the number of bundles.

        `pinned=False` leaves pinned bundles, and then the folder, where they are. Files that are not the store's stay.
        """
        path = self.folder(target)
        try:
            with files.own_folder(path) as folder, ExitStack() as stack:
                with suppress(StoreFailure):  # a stuck writer must not keep us from clearing
                    stack.enter_context(locked(path, _PATIENCE))
                return _clear(folder, path, pinned)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreFailure.of(error, path) from error
        finally:
            self._shelves.pop(path, None)

    def pin(self, entry: Entry) -> None:
        """Protect a bundle from retention. Raises StoreFailure."""
        self._mark(entry, True)

    def unpin(self, entry: Entry) -> None:
        self._mark(entry, False)

    def _mark(self, entry: Entry, pinned: bool) -> None:
        path = os.path.dirname(entry.path)
        try:
            with files.own_folder(path) as folder:
                if pinned:
                    files.publish(folder, entry.name + PIN, b"")
                else:
                    files.remove(folder, entry.name + PIN)
        except OSError as error:
            raise StoreFailure.of(error, path) from error
        self._refresh(path)

    def is_pinned(self, entry: Entry) -> bool:
        return os.path.lexists(entry.path + PIN)

    def prune(self, target: object, settings: Settings, *, dry_run: bool = False) -> list[Entry]:
        """Apply the retention rules to one function; what went, or would go. Raises StoreFailure."""
        before = self.entries(target)
        shelf = Shelf(self.folder(target), str(target), self.token)
        keeping = keeping_of(settings)
        try:
            if dry_run:
                return shelf.outlook(keeping, time.time())
            shelf.update(Counts(), keeping, time.time(), _PATIENCE, last=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreFailure.of(error, self.folder(target)) from error
        left = {entry.name for entry in self.entries(target)}
        return [entry for entry in before if entry.name not in left]

    def sweep(self, older_than: float = files.ORPHAN_AGE) -> int:
        """Remove what killed writers left behind. Returns how many files went."""
        now = time.time()
        functions = [function.path for function in self.functions()]
        swept = sum(pending_counts.sweep(path, now, older_than) for path in functions)
        for path in (self.base_path, f"{self.base_path}/{PROCESSES}", *functions):
            with files.tolerated(), files.opened_folder(path, follow=path == self.base_path) as folder:
                swept += files.sweep(folder, os.listdir(folder), now, older_than)
        return swept

    def promote(self, target: object, entries: Sequence[Entry]) -> None:
        """List these bundles in the manifest beside them, so that they are accepted wherever they are committed."""
        digests = {entry.name: self.read(entry).digest for entry in entries}
        trust.write_manifest(self.folder(target), digests, self.keys[0] if self.keys else None)

    def _refresh(self, path: str) -> None:
        """The index after a change by hand; a stale one is only slower."""
        with suppress(StoreFailure, OSError):
            Shelf(path, "", self.token).update(Counts(), KEEP_ALL, time.time(), _PATIENCE)


def keeping_of(settings: Settings) -> Keeping:
    return Keeping(settings.keep, settings.keep_outcomes, settings.max_age)


def _is_ours(name: str, path: str) -> bool:
    if parse_bundle_name(name.removesuffix(PIN), path) is not None:
        return True
    return name in (INDEX, MANIFEST, QUOTA, f".corrupt-{INDEX}") or name.startswith(TEMPORARY)


def _clear(folder: int, path: str, pinned: bool) -> int:
    """Returns the number of bundles that went."""
    names = os.listdir(folder)
    kept = set() if pinned else {name.removesuffix(PIN) for name in names if name.endswith(PIN)}
    cleared = 0
    for name in names:
        if name.removesuffix(PIN) not in kept and _is_ours(name, path):
            cleared += files.remove(folder, name) and name.endswith(SUFFIX)
    hash_shards.discard(path)
    files.remove_folder(f"{path}/{COUNTS}")
    if not kept:
        files.remove(folder, LOCK)  # whoever waits for it finds the folder gone, and makes another
        with suppress(OSError):  # files that are not ours are still there
            os.rmdir(path)
    return cleared
