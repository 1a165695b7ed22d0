"""Write to a store: publish bundles, apply retention, clear, pin, promote, and update the indexes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

from ..bundle import Header, SigningKey, WrittenHeader, encode
from ..core.clock import time
from ..core.system import os
from . import files, hash_shards, index, pending_counts, trust
from .failures import StoreFailure, failing_at
from .files import BatchFolder, locked
from .folder_writer import FolderWriter
from .folderless import FolderlessWriter
from .index import Counts, FunctionIndex, IndexedBundle
from .layout import COUNTS, LOCK, PIN, SUFFIX, BundleEntry, is_own_file, new_name, parse_bundle_names, pinned_names
from .processes import PROCESSES
from .reader import StoreReader
from .retention import KEEP_ALL, RetentionRules, retention_rules
from .size_limit import SizeLimit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.settings import Settings

PROCESS, POWER = "process", "power"
_PATIENCE = 1.0  # seconds to wait for the lock of an index
_IMPATIENCE = 0.1  # the same where nothing is lost without it


class Store(StoreReader):
    """A folder of bundles. Any thread may call `write` and read; the rest is for one thread at a time.

    Publishing needs no lock: names are unique, and a bundle appears by a rename.

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
        self._size_limit = SizeLimit(self.base_path, max_bytes)
        self.restart()

    def restart(self) -> None:
        """For a forked child: another token, and nothing pending of the parent. Only assigns, so a hook may call it."""
        self.token = os.urandom(3).hex()
        self._counter = itertools.count(1)
        self._folder_writers: dict[str, FolderWriter] = {}
        self.folderless = FolderlessWriter(self.base_path, self.token)

    def forget_folders(self) -> None:
        """When the process ends: the interpreter's last collections visit each object three times."""
        self._folder_writers = {}

    def folder_writer(self, target: object) -> FolderWriter:
        """The writer of the function's folder: one for each folder and process."""
        path = self.folder(target)
        folder_writer = self._folder_writers.get(path)
        if folder_writer is None:
            folder_writer = self._folder_writers.setdefault(path, FolderWriter(path, str(target), self.token))
        return folder_writer

    def publish(
        self,
        target: object,
        header: Header,
        payload: Mapping[str, bytes],
        *,
        when: float,
        token: str | None = None,
        counter: int | None = None,
    ) -> BundleEntry:
        """Write a bundle: whole or not at all, under a name that no other process can choose.

        `when` is seconds since the epoch. Retention and the index follow at the next `update`. Raises StoreFailure.
        """
        folder_writer = self.open(target, KEEP_ALL, time())
        bundle, data = self.prepare(header, payload, when, counter or next(self._counter), token)
        with self.writing(target) as folder:
            self.write(folder, bundle, data)
        self._size_limit.record(bundle.size)
        folder_writer.record_published((bundle,), KEEP_ALL)
        return next(parse_bundle_names((bundle.name,), folder.path))

    def next_counter(self) -> int:
        return next(self._counter)

    def writing(self, target: object) -> BatchFolder:
        """The function's folder, for a batch of `write`."""
        return BatchFolder(self.folder(target), self.token)

    def prepare(
        self,
        header: Header | WrittenHeader,
        payload: Mapping[str, bytes],
        when: float,
        counter: int,
        token: str | None = None,
    ) -> tuple[IndexedBundle, bytes]:
        """The first third of `publish`, for any thread: the name of a bundle, and its bytes."""
        name = new_name(when, token or self.token, counter, header.hash)
        data = encode(header, payload, self.keys[0] if self.keys else None)
        return IndexedBundle.of(name, header, len(data)), data

    def write(self, folder: BatchFolder, bundle: IndexedBundle, data: bytes, unrecorded: int = 0) -> None:
        """The second third, for any thread; `record` is the last. Raises StoreFailure.

        `unrecorded` is the bytes of bundles that were written and not recorded yet.
        """
        size, now = bundle.size + unrecorded, time()
        if not self._size_limit.has_space(size, now):
            self._make_space(size, now)
        try:
            folder.publish(bundle.name, data, durable=self.durable)
        except OSError as error:
            raise StoreFailure.of(error, folder.path) from error
        opened = self._folder_writers.get(folder.path)
        if opened is not None:  # else whoever asks for this updates no index
            opened.announce()

    @property
    def batch_bytes(self) -> float:
        """Bytes that may be written before they are recorded."""
        return self._size_limit.batch_bytes

    def _make_space(self, size: int, now: float) -> None:
        """Evict until `size` more bytes are within the limit of the store. Raises StoreFailure `store_full`."""
        others: dict[str, FolderWriter] = {}

        def evicted(path: str, name: str, size: int) -> None:
            known = self._folder_writers.get(path)
            (known or others.setdefault(path, FolderWriter(path, "", self.token))).record_removed(name, size)

        try:
            self._size_limit.ensure(size, now, self._pending_bytes, evicted)
        except FileNotFoundError:
            return  # there is no store yet
        except OSError as error:
            raise StoreFailure.of(error, self.base_path) from error
        finally:
            for folder_writer in others.values():
                with suppress(StoreFailure, OSError):  # its index stays stale, so readers list the folder
                    folder_writer.update(Counts(), KEEP_ALL, now, _IMPATIENCE)

    def _pending_bytes(self) -> int:
        return sum(folder_writer.pending_bytes for folder_writer in self._folder_writers.values())

    def open(self, target: object, rules: RetentionRules, now: float) -> FolderWriter:
        """Make the folder of a function and its index before the first bundle of this process. Raises StoreFailure."""
        folder_writer = self.folder_writer(target)
        try:  # not `failing_at`: this runs for every batch, and in `sync` mode for every call
            folder_writer.open(rules, now)
        except OSError as error:
            raise StoreFailure.of(error, folder_writer.folder) from error
        return folder_writer

    def claim(self, target: object, settings: Settings, number: int) -> int:
        """How many of `number` captures are within the quota of all processes. Raises StoreFailure."""
        if settings.quota == math.inf:
            return number
        folder_writer = self.folder_writer(target)
        with failing_at(folder_writer.folder), files.own_folder(folder_writer.folder, make=True) as folder:
            return folder_writer.quota.claim(folder, number, settings.quota)

    def record(self, target: object, bundles: Sequence[IndexedBundle], rules: RetentionRules) -> None:
        """Add bundles that were written to retention and to the next update of the index. Does no I/O."""
        self._size_limit.record(sum(bundle.size for bundle in bundles))
        self.folder_writer(target).record_published(bundles, rules)

    def remove_surplus(self, target: object, rules: RetentionRules, now: float) -> int:
        """Remove what is surplus among the bundles that this process knows of. Raises StoreFailure."""
        folder_writer = self.folder_writer(target)
        try:
            gone = folder_writer.remove_surplus(rules, now)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreFailure.of(error, folder_writer.folder) from error
        self._size_limit.record(-gone)
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
        """Update the index for all processes, and apply retention. Raises StoreFailure.

        When it fails, the counts stay pending, and are part of the next update. `last`: no other update follows.
        """
        rules = retention_rules(settings) if settings is not None else KEEP_ALL
        with failing_at(self.folder(target)):
            return self.folder_writer(target).update(counts, rules, time(), timeout, last=last)

    def write_pending_counts(self, target: object, counts: Counts) -> None:
        """Write `counts`, and those still pending, to a file beside the index. Raises StoreFailure.

        Whoever updates the index next adds them.
        """
        folder_writer = self.folder_writer(target)
        folder_writer.add_counts(counts)
        with failing_at(folder_writer.folder):
            folder_writer.write_pending_counts()

    def stays_without_folder(self, target: object) -> bool:
        """Whether a function that was called and has no bundle is counted in `folderless`."""
        return self.folderless.stays_without(os.path.basename(self.folder(target)))

    def captured(self, target: object) -> int:
        """Captures of this function by all processes so far, as the index says."""
        try:
            with files.opened_folder(self.folder(target)) as folder:
                found = index.load_usable(folder)
        except OSError:
            return 0
        return found.captured if found is not None else 0

    def delete(self, entry: BundleEntry) -> bool:
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

        `pinned=False` keeps pinned bundles, and then the folder. Files that the store did not make stay.
        """
        path = self.folder(target)
        self._forget_counts(os.path.basename(path))
        try:
            with files.own_folder(path) as folder, ExitStack() as stack:
                with suppress(StoreFailure):  # a writer that holds the lock forever must not prevent it
                    stack.enter_context(locked(path, _PATIENCE))
                return _clear(folder, path, pinned)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreFailure.of(error, path) from error
        finally:
            self._folder_writers.pop(path, None)

    def _forget_counts(self, folder: str) -> None:
        """Of a function without a folder."""
        if folder in self._folderless.by_folder():
            target, _ = self._folderless.by_folder()[folder]
            with failing_at(self.base_path):
                self.folderless.update((target,), _PATIENCE)

    def pin(self, entry: BundleEntry) -> None:
        """Protect a bundle from retention. Raises StoreFailure."""
        self._mark(entry, True)

    def unpin(self, entry: BundleEntry) -> None:
        self._mark(entry, False)

    def _mark(self, entry: BundleEntry, pinned: bool) -> None:
        path = os.path.dirname(entry.path)
        with failing_at(path), files.own_folder(path) as folder:
            if pinned:
                files.publish(folder, entry.name + PIN, b"")
            else:
                files.remove(folder, entry.name + PIN)
        self._refresh(path)

    def is_pinned(self, entry: BundleEntry) -> bool:
        return os.path.lexists(entry.path + PIN)

    def prune(self, target: object, settings: Settings, *, dry_run: bool = False) -> list[BundleEntry]:
        """Apply the retention rules to one function; the bundles that went, or would go. Raises StoreFailure."""
        if not os.path.lexists(self.folder(target)):
            return []
        before = self.entries(target)
        folder_writer = FolderWriter(self.folder(target), str(target), self.token)
        rules = retention_rules(settings)
        try:
            if dry_run:
                return folder_writer.surplus(rules, time())
            folder_writer.update(Counts(), rules, time(), _PATIENCE, last=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreFailure.of(error, self.folder(target)) from error
        stored = {entry.name for entry in self.entries(target)}
        return [entry for entry in before if entry.name not in stored]

    def sweep(self, older_than: float = files.ORPHAN_AGE) -> int:
        """Remove the drafts of killed writers. Returns how many files went."""
        now = time()
        functions = [function.path for function in self.functions()]
        swept = sum(pending_counts.sweep(path, now, older_than) for path in functions)
        for path in (self.base_path, f"{self.base_path}/{PROCESSES}", f"{self.base_path}/{COUNTS}", *functions):
            with files.tolerated(), files.opened_folder(path, follow=path == self.base_path) as folder:
                swept += files.sweep(folder, files.list_names(folder), now, older_than)
        return swept

    def promote(self, target: object, entries: Sequence[BundleEntry]) -> None:
        """List these bundles in the manifest beside them, so that they are accepted wherever they are committed."""
        digests = {entry.name: self.read(entry).digest for entry in entries}
        trust.write_manifest(self.folder(target), digests, self.keys[0] if self.keys else None)

    def _refresh(self, path: str) -> None:
        """Update the index after a change that no capture made. A failure only makes readers slower."""
        with suppress(StoreFailure, OSError):
            FolderWriter(path, "", self.token).update(Counts(), KEEP_ALL, time(), _PATIENCE)


def _clear(folder: int, path: str, pinned: bool) -> int:
    """Returns the number of bundles that went."""
    names = files.list_names(folder)
    stay = frozenset() if pinned else pinned_names(names)
    cleared = 0
    for name in names:
        if name.removesuffix(PIN) not in stay and is_own_file(name):
            cleared += files.remove(folder, name) and name.endswith(SUFFIX)
    hash_shards.discard(path)
    files.remove_folder(f"{path}/{COUNTS}")
    if not stay:
        files.remove(folder, LOCK)  # a process that waits for it finds the folder gone, and makes another
        with suppress(OSError):  # files that the store did not make are still there
            os.rmdir(path)
    return cleared
