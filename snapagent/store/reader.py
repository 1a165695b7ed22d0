"""Read a store: functions, headers, bundles, the newest one, one by its hash. Nothing here unpickles or writes.

Every method that takes a `target` takes a Target, `module:qualname`, the dotted form, or the name of a folder.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from ..bundle import BundleFile, Header, SigningKey
from ..core.clock import time
from ..core.system import os
from ..errors import BundleNotFoundError, CorruptBundleError, StoreError, TargetNotFoundError
from . import files, index, pending_counts
from .bundle_files import (
    HeaderSummary,
    check_length,
    check_place,
    header_of,
    read_bundle,
    read_header,
    read_summary,
)
from .compression import inflate
from .folder_contents import BundleEntries, entries_of
from .folderless import FolderlessReader
from .index import LISTED, UNFINISHED, BrokenIndex, Counts, FunctionIndex, IndexedBundle
from .layout import SUFFIX, BundleEntry, folder_name, is_function_folder, parse_bundle_name
from .trust import OWNER, Trust
from .verify import Problem, problems


def _no_progress(name: str) -> None:
    """For callers that show no progress."""


class FunctionFolder(NamedTuple):
    """A folder of the store. `target` is `module:qualname`, or None when nothing in the folder names it.

    There is no folder where a function was called and none of its calls stored, in a store of many functions.
    """

    name: str
    target: str | None
    path: str

    @property
    def known_as(self) -> str:
        """The name that finds it: the target, but the folder's own name where the folder was renamed."""
        return self.target if self.target is not None and folder_name(self.target) == self.name else self.name


class StoreReader:
    """The bundles under `base_path`.

    `owners` are user ids whose files are trusted besides those of the current user and root.
    """

    def __init__(
        self,
        base_path: str | os.PathLike[str],
        *,
        keys: Sequence[SigningKey] = (),
        trust: str = OWNER,
        owners: Sequence[int] = (),
    ) -> None:
        self.base_path = os.fspath(base_path).rstrip("/") or "/"
        self.keys = tuple(keys)
        self.trust = Trust(trust, self.keys, tuple(owners))
        self._folderless = FolderlessReader(self.base_path)

    def folder(self, target: object) -> str:
        """The path of a function's folder, there or not."""
        return f"{self.base_path}/{folder_name(target)}"

    def functions(self) -> Iterator[FunctionFolder]:
        """The functions by the name of their folder; none when there is no store.

        Raises StoreError when the store is not a folder.
        """
        try:
            names = set(filter(is_function_folder, files.list_folders(self.base_path)))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unlistable(self.base_path, error) from error
        folderless = self._folderless.by_folder()
        for name in sorted(names | folderless.keys()):
            path = f"{self.base_path}/{name}"
            yield FunctionFolder(name, self._target_of(path) if name in names else folderless[name][0], path)

    def function(self, target: object) -> FunctionFolder | None:
        """One function, or None when it was never called. Other folders are not read."""
        path = self.folder(target)
        name = os.path.basename(path)
        if is_function_folder(name) and not os.path.islink(path) and os.path.isdir(path):
            return FunctionFolder(name, self._target_of(path), path)
        folderless = self._folderless.by_folder().get(name)
        return FunctionFolder(name, folderless[0], path) if folderless is not None else None

    def _target_of(self, path: str) -> str | None:
        """The target of a folder, from the index or else from the first header that can be read."""
        try:
            with files.opened_folder(path) as folder:
                found = index.load(folder)
                if found is not None and found.target is not None:
                    return found.target
        except (OSError, BrokenIndex):
            pass
        try:
            headers = (header for _, header in _headers(_bundles(path)) if isinstance(header, Header))
            header = next(headers, None)
        except StoreError:
            return None
        return header.target if header is not None else pending_counts.target_of(path)

    def bundles(self, target: object) -> BundleEntries:
        """The bundles of a function by their file names, the oldest first; none when it has no folder.

        Raises StoreError when the folder may not be listed.
        """
        return _bundles(self.folder(target))

    def entries(self, target: object) -> list[BundleEntry]:
        """The same as a list: for few, or when all are needed."""
        return list(self.bundles(target))

    def header(self, entry: BundleEntry) -> Header:
        """Raises CorruptBundleError, UnsupportedFormatError, BundleNotFoundError."""
        try:
            return header_of(entry)
        except OSError as error:
            raise self._gone(entry) from error

    def loadable_header(self, entry: BundleEntry, *, torn: bool = False) -> Header:
        """The header of a bundle that is to be loaded: whole by its length, and in the folder of its own function.

        With `torn` the length is not checked. Raises as `header`.
        """
        try:
            with files.opened_folder(os.path.dirname(entry.path)) as folder:
                header, size = read_header(folder, entry.name, entry.path)
                if not torn:
                    check_length(folder, entry.name, entry.path, header, size)
        except OSError as error:
            raise self._gone(entry) from error
        check_place(entry, header)
        return header

    def headers(self, target: object) -> Iterator[tuple[BundleEntry, Header | CorruptBundleError]]:
        """Each bundle of a function, the oldest first, with its header or the error that reading it raised."""
        return _headers(self.bundles(target))

    def summaries(
        self, entries: Iterable[BundleEntry]
    ) -> Iterator[tuple[BundleEntry, HeaderSummary | CorruptBundleError, int]]:
        """Summaries of bundles of one function, and their sizes in bytes. Each is read when the iterator gets there."""
        path, folder = "", -1
        with ExitStack() as opened:
            for entry in entries:
                try:
                    if folder < 0:
                        path = os.path.dirname(entry.path)
                        folder = opened.enter_context(files.opened_folder(path))
                    summary, size = read_summary(folder, entry.name, entry.path)
                except OSError:
                    continue  # retention removed it meanwhile
                except CorruptBundleError as error:
                    yield entry, error, _size(entry)
                else:
                    yield entry, summary, size

    def read(self, entry: BundleEntry) -> BundleFile:
        """The bundle, whole, checked by its digest and by the trust policy.

        Raises CorruptBundleError, UnsupportedFormatError, UntrustedBundleError, BundleNotFoundError.
        """
        try:
            with files.opened_folder(os.path.dirname(entry.path)) as folder:
                return read_bundle(folder, entry.name, entry.path, self.trust)
        except OSError as error:
            raise self._gone(entry) from error

    def _gone(self, entry: BundleEntry) -> BundleNotFoundError:
        path = os.path.dirname(entry.path)
        return BundleNotFoundError(os.path.basename(path), entry.name, _bundles(path).names)

    def part(self, bundle: BundleFile, name: str, path: str = "") -> bytes:
        """The pickled bytes of a part, inflated. `path` is for messages. Raises KeyError when there is no such part."""
        part = next((part for part in bundle.header.parts if part.name == name), None)
        if part is None:
            raise KeyError(name)
        return inflate(part, bundle.payload[name], path or bundle.header.target)

    def newest(self, target: object) -> BundleEntry:
        """Raises TargetNotFoundError when the function has no bundles."""
        path = self.folder(target)
        try:
            with files.opened_folder(path) as folder:
                name = index.newest_name(folder) if pending_counts.index_is_current(folder, path) else None
                entry = parse_bundle_name(name, path) if name is not None else None
                if entry is not None and files.exists(folder, entry.name):
                    return entry
        except OSError:
            pass
        return self._existing(target)[-1]

    def _existing(self, target: object) -> BundleEntries:
        """The entries of a function. Raises TargetNotFoundError, with the nearest names, when it has none."""
        entries = self.bundles(target)
        if not entries:
            from ..core.near_names import near_matches

            own = folder_name(target)
            known = [function.known_as for function in self.functions() if function.name != own]
            raise TargetNotFoundError(str(target), near_matches(str(target), known), self.base_path, len(known))
        return entries

    def by_name(self, target: object, name: str) -> BundleEntry:
        """The bundle with this file name, with or without its suffix. Raises BundleNotFoundError."""
        path = self.folder(target)
        entry = parse_bundle_name(name if name.endswith(SUFFIX) else name + SUFFIX, path)
        if entry is not None and os.path.lexists(entry.path):
            return entry
        raise BundleNotFoundError(str(target), f"the name {name!r}", self._existing(target).names)

    def by_hash(self, target: object, prefix: str) -> BundleEntry:
        """The newest bundle whose hash begins with `prefix`, which may have its `h1:` or `h2:` or not.

        Raises TargetNotFoundError; BundleNotFoundError; AmbiguousHashError when different hashes begin with it.
        """
        from .by_hash import find  # a process that captures needs none

        return find(target, self.folder(target), prefix, lambda: self._existing(target))

    def verify(
        self, folders: Collection[str] | None = None, *, on_file: Callable[[str], None] = _no_progress
    ) -> Iterator[Problem]:
        """Every bundle and file that is torn, altered, refused, misplaced, foreign or left over.

        `folders` are names to limit the check to. `on_file` is called with each file of a function's folder.
        """
        return problems(self.base_path, self.trust, time(), folders, on_file)

    def index(self, target: object) -> FunctionIndex:
        """Counts and newest bundles of a function. What the index lacks is added from count files and headers.

        A function that was never called has an index of zeros.
        """
        path = self.folder(target)
        found = self._index_in(path)
        folderless = self._folderless.by_folder().get(os.path.basename(path))
        if folderless is None:
            return found
        name, counts = folderless
        return found.replace(target=found.target or name).counting(counts)

    def _index_in(self, path: str) -> FunctionIndex:
        try:
            with files.opened_folder(path) as folder:
                fresh = pending_counts.index_is_current(folder, path)
                try:
                    found = index.load_usable(folder)
                except OSError:  # the folder says enough without it
                    found = None
        except OSError:
            return FunctionIndex(None)
        pending, _ = pending_counts.collect(path, found.merged if found is not None else ())
        if found is None or not fresh:
            return self._rebuilt(path, found, pending)
        return found.counting(pending)

    def _rebuilt(self, path: str, found: FunctionIndex | None, pending: Counts) -> FunctionIndex:
        try:
            entries = _bundles(path)
        except StoreError:
            entries = BundleEntries(path)
        known = {bundle.name: bundle for bundle in found.bundles} if found is not None else {}
        listed: list[IndexedBundle] = []
        size, target = 0, found.target if found is not None else None
        for entry in reversed(entries[-LISTED:]):
            bundle = known.get(entry.name)
            if bundle is None:
                try:
                    with files.opened_folder(path) as folder:
                        summary, size = read_summary(folder, entry.name, entry.path)
                except (OSError, CorruptBundleError):
                    continue
                bundle, target = IndexedBundle.of(entry.name, summary, size), target or summary.target
            listed.append(bundle)
        number = len(entries)
        found = (found or FunctionIndex(target)).counting(pending)
        # Bundles without a count are of processes that were killed before they could write it. Calls that are counted
        # as unfinished, or by older versions without an outcome, may be those of these bundles: none counts twice.
        missing = max(number - found.captured, 0)
        unexplained = found.calls - found.captured - sum((*found.skipped.values(), *found.failed.values()))
        left = max(missing - max(unexplained, 0), 0)
        finished = min(left, found.skipped.get(UNFINISHED, 0))
        found = found.counting(Counts(left - finished, missing, {UNFINISHED: -finished}))
        return found.replace(target=target, stored=number).listing(listed)


def _bundles(path: str) -> BundleEntries:
    """The bundles of a folder. A folder that is missing, a link or a file in its place have none."""
    try:
        return entries_of(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return BundleEntries(path)
        raise _unlistable(path, error) from error


def _unlistable(path: str, error: OSError) -> StoreError:
    if isinstance(error, PermissionError):
        remedy = "; run this as its owner, or have its owner let you read it"
    else:
        remedy = "; name the folder that holds the captures" if isinstance(error, NotADirectoryError) else ""
    return StoreError(f"{path!r} cannot be listed: {error.strerror}{remedy}")


def _headers(entries: Iterable[BundleEntry]) -> Iterator[tuple[BundleEntry, Header | CorruptBundleError]]:
    for entry in entries:
        try:
            yield entry, header_of(entry)
        except CorruptBundleError as error:
            yield entry, error
        except OSError:
            continue  # retention removed it meanwhile


def _size(entry: BundleEntry) -> int:
    try:
        return os.lstat(entry.path).st_size
    except OSError:
        return 0
