"""Reading a store: functions, headers, bundles, the newest one, one by its hash. Nothing here unpickles or writes.

Every method that takes a `target` takes a Target, `module:qualname`, the dotted form, or the name of a folder.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from ..bundle import BundleFile, Header, SigningKey
from ..errors import AmbiguousHashError, BundleNotFoundError, CorruptBundleError, StoreError, TargetNotFoundError
from . import files, hash_shards, index, pending_counts
from .bundle_files import Brief, read_brief, read_bundle, read_header
from .compression import inflate
from .folder_contents import Entries, entries_of
from .index import LISTED, BrokenIndex, Counts, FunctionIndex, Stored
from .layout import SIDE_EFFECTS, SUFFIX, Entry, folder_name, parse_bundle_name
from .trust import OWNER, Trust
from .verify import Problem, problems

_HEXADECIMAL = frozenset("0123456789abcdef")
_TWINS = 32  # bundles of one short hash whose full hashes are compared


def _nobody_hears(name: str) -> None:
    """Where nothing tells how far a long look has come."""


class FunctionFolder(NamedTuple):
    """A folder of the store. `target` is `module:qualname`, or None when nothing in the folder says it."""

    name: str
    target: str | None
    path: str

    @property
    def known_as(self) -> str:
        """What to ask for: the target, but the folder's own name where somebody has renamed it."""
        return self.target if self.target is not None and folder_name(self.target) == self.name else self.name


class Library:
    """The bundles under `base_path`. `owners` are user ids whose files are trusted besides mine and root's."""

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

    def folder(self, target: object) -> str:
        """The path of a function's folder, there or not."""
        return f"{self.base_path}/{folder_name(target)}"

    def functions(self) -> Iterator[FunctionFolder]:
        """The folders of functions by name; none when there is no store. Raises StoreError when it is no folder."""
        try:
            with os.scandir(self.base_path) as found:
                names = sorted(item.name for item in found if item.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unlistable(self.base_path, error) from error
        for name in names:
            if not name.startswith(".") and name != SIDE_EFFECTS:
                path = f"{self.base_path}/{name}"
                yield FunctionFolder(name, self._target_of(path), path)

    def function(self, target: object) -> FunctionFolder | None:
        """The folder of one function, without a look at the others; None when there is none."""
        path = self.folder(target)
        name = os.path.basename(path)
        if name == SIDE_EFFECTS or name.startswith(".") or os.path.islink(path) or not os.path.isdir(path):
            return None
        return FunctionFolder(name, self._target_of(path), path)

    def _target_of(self, path: str) -> str | None:
        """What the index says, else the first header that can be read."""
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
        return header.target if header is not None else None

    def bundles(self, target: object) -> Entries:
        """The bundles of a function by their file names, the oldest first; none when it has no folder.

        Raises StoreError when the folder may not be listed.
        """
        return _bundles(self.folder(target))

    def entries(self, target: object) -> list[Entry]:
        """The same as a list: for few, or when all are needed."""
        return list(self.bundles(target))

    def header(self, entry: Entry) -> Header:
        """Raises CorruptBundleError, UnsupportedFormatError, BundleNotFoundError."""
        try:
            return _header(entry)
        except OSError as error:
            raise self._gone(entry) from error

    def headers(self, target: object) -> Iterator[tuple[Entry, Header | CorruptBundleError]]:
        """Each bundle of a function, the oldest first, with its header or what is wrong with it."""
        return _headers(self.bundles(target))

    def briefs(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Brief | CorruptBundleError, int]]:
        """What a list shows of these bundles of one function, and their sizes in bytes, each read when asked for."""
        path, folder = "", -1
        with ExitStack() as opened:
            for entry in entries:
                try:
                    if folder < 0:
                        path = os.path.dirname(entry.path)
                        folder = opened.enter_context(files.opened_folder(path))
                    brief, size = read_brief(folder, entry.name, entry.path)
                except OSError:
                    continue  # retention was quicker
                except CorruptBundleError as error:
                    yield entry, error, _size(entry)
                else:
                    yield entry, brief, size

    def read(self, entry: Entry) -> BundleFile:
        """The bundle, whole, checked by its digest and by the trust policy.

        Raises CorruptBundleError, UnsupportedFormatError, UntrustedBundleError, BundleNotFoundError.
        """
        try:
            with files.opened_folder(os.path.dirname(entry.path)) as folder:
                return read_bundle(folder, entry.name, entry.path, self.trust)
        except OSError as error:
            raise self._gone(entry) from error

    def _gone(self, entry: Entry) -> BundleNotFoundError:
        path = os.path.dirname(entry.path)
        return BundleNotFoundError(os.path.basename(path), entry.name, _bundles(path).names)

    def part(self, bundle: BundleFile, name: str, path: str = "") -> bytes:
        """The pickled bytes of a part, inflated. `path` is for messages. Raises KeyError when there is no such part."""
        part = next((part for part in bundle.header.parts if part.name == name), None)
        if part is None:
            raise KeyError(name)
        return inflate(part, bundle.payload[name], path or bundle.header.target)

    def newest(self, target: object) -> Entry:
        """Raises TargetNotFoundError when the function has no bundles."""
        path = self.folder(target)
        try:
            with files.opened_folder(path) as folder:
                name = index.newest_name(folder) if _is_current(folder, path) else None
                entry = parse_bundle_name(name, path) if name is not None else None
                if entry is not None and files.exists(folder, entry.name):
                    return entry
        except OSError:
            pass
        return self._some(target)[-1]

    def _some(self, target: object) -> Entries:
        """The entries of a function that has some; else TargetNotFoundError with the nearest names."""
        entries = self.bundles(target)
        if not entries:
            from ..config.targets import near_matches

            own = folder_name(target)
            known = [function.known_as for function in self.functions() if function.name != own]
            raise TargetNotFoundError(str(target), near_matches(str(target), known), self.base_path, len(known))
        return entries

    def by_name(self, target: object, name: str) -> Entry:
        """The bundle with this file name, with or without its suffix. Raises BundleNotFoundError."""
        path = self.folder(target)
        entry = parse_bundle_name(name if name.endswith(SUFFIX) else name + SUFFIX, path)
        if entry is not None and os.path.lexists(entry.path):
            return entry
        raise BundleNotFoundError(str(target), f"the name {name!r}", self._some(target).names)

    def by_hash(self, target: object, prefix: str) -> Entry:
        """The newest bundle whose hash begins so, with or without `h1:`.

        Raises TargetNotFoundError; BundleNotFoundError; AmbiguousHashError when different hashes begin so.
        """
        digits = prefix.strip().lower().removeprefix("h1:")
        path = self.folder(target)
        quick = self._with_digits(path, digits[:8]) if len(digits) >= 2 and _HEXADECIMAL.issuperset(digits) else None
        entry = self._newest_with(target, quick, digits) if quick else None
        if entry is None:
            known = self._some(target)
            entry = self._newest_with(target, known.with_digits(digits[:8]), digits)
            if entry is None:
                raise BundleNotFoundError(str(target), f"a hash that begins with {digits!r}", known.short_hashes())
        return entry

    def _with_digits(self, path: str, digits: str) -> list[Entry] | None:
        """Candidates found without listing the folder, or None when that cannot be trusted."""
        try:
            with files.opened_folder(path) as folder:
                if not _is_current(folder, path):
                    return None
                candidates = hash_shards.find(path, digits)
                if candidates is not None:
                    return [entry for entry in candidates if files.exists(folder, entry.name)]
                found = index.load(folder)
        except (OSError, BrokenIndex):
            return None
        if found is None or found.stored > len(found.bundles):
            return None
        entries = (parse_bundle_name(stored.name, path) for stored in reversed(found.bundles))
        return [entry for entry in entries if entry is not None and entry.short_hash.startswith(digits)]

    def _newest_with(self, target: object, entries: list[Entry], digits: str) -> Entry | None:
        """The newest of `entries` (short hashes begin right already) whose whole hash begins with `digits`."""
        different = {entry.short_hash: entry for entry in entries}
        if len(different) > 1:
            whole = {digits: _hash(self, entry) for digits, entry in list(different.items())[-_TWINS:]}
            hashes = sorted({whole.get(digits, f"h1:{digits}") for digits in different})
            raise _ambiguous(target, digits, hashes)
        twins = entries[-_TWINS:]
        if len(digits) <= 8:
            hashes = sorted({_hash(self, entry) for entry in twins}) if len(twins) > 1 else []
            if len(hashes) > 1:
                raise _ambiguous(target, digits, hashes)
            return twins[-1] if twins else None
        fitting = (entry for entry in reversed(entries) if _hash(self, entry).partition(":")[2].startswith(digits))
        return next(fitting, None)

    def verify(
        self, folders: Collection[str] | None = None, *, looked_at: Callable[[str], None] = _nobody_hears
    ) -> Iterator[Problem]:
        """Everything in the store that is torn, altered, refused, misplaced, foreign or left over.

        In the folders of these names alone when they are given. `looked_at` hears of each file of a function's folder.
        """
        return problems(self.base_path, self.trust, time.time(), folders, looked_at)

    def index(self, target: object) -> FunctionIndex:
        """Counts and newest bundles of a function, as exact as can be: what the index lacks is added from headers.

        A function that nobody captured has an index of zeros.
        """
        path = self.folder(target)
        try:
            with files.opened_folder(path) as folder:
                fresh = _is_current(folder, path)
                try:
                    found = index.load(folder)
                except (BrokenIndex, OSError):  # what the folder holds can be told without it
                    found = None
        except OSError:
            return FunctionIndex(None)
        left, _ = pending_counts.collect(path, found.merged if found is not None else ())
        if found is None or not fresh:
            return self._rebuilt(path, found, left)
        return found.counting(left)

    def _rebuilt(self, path: str, found: FunctionIndex | None, left: Counts) -> FunctionIndex:
        try:
            entries = _bundles(path)
        except StoreError:
            entries = Entries(path)
        known = {stored.name: stored for stored in found.bundles} if found is not None else {}
        listed: list[Stored] = []
        size, target = 0, found.target if found is not None else None
        for entry in reversed(entries[-LISTED:]):
            stored = known.get(entry.name)
            if stored is None:
                try:
                    with files.opened_folder(path) as folder:
                        header, size = read_brief(folder, entry.name, entry.path)
                except (OSError, CorruptBundleError):
                    continue
                stored, target = Stored.of(entry.name, header, size), target or header.target
            listed.append(stored)
        number = len(entries)
        found = (found or FunctionIndex(target)).counting(left)
        missing = max(number - found.captured, 0)  # of a process that was killed before it could tell
        told = found.calls - found.captured - sum((*found.skipped.values(), *found.failed.values()))  # of fate unknown
        calls = found.calls + max(missing - max(told, 0), 0)
        found = found.replace(calls=calls, captured=found.captured + missing)
        return found.replace(target=target, stored=number).listing(listed)


def _is_current(folder: int, path: str) -> bool:
    """Whether the index knows all that the folder holds."""
    return index.is_fresh(folder) and pending_counts.all_told(path)


def _hash(library: Library, entry: Entry) -> str:
    try:
        return library.header(entry).hash
    except (CorruptBundleError, BundleNotFoundError):
        return f"h1:{entry.short_hash}"


def _bundles(path: str) -> Entries:
    """What a folder holds. One that is not there has none, nor has a link or a file in its place."""
    try:
        return entries_of(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return Entries(path)
        raise _unlistable(path, error) from error


def _unlistable(path: str, error: OSError) -> StoreError:
    if isinstance(error, PermissionError):
        remedy = "; look as its owner, or have its owner let you read it"
    else:
        remedy = "; name the folder of the captures" if isinstance(error, NotADirectoryError) else ""
    return StoreError(f"{path!r} cannot be listed: {error.strerror}{remedy}")


def _header(entry: Entry) -> Header:
    with files.opened_folder(os.path.dirname(entry.path)) as folder:
        return read_header(folder, entry.name, entry.path)[0]


def _headers(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Header | CorruptBundleError]]:
    for entry in entries:
        try:
            yield entry, _header(entry)
        except CorruptBundleError as error:
            yield entry, error
        except OSError:
            continue  # retention was quicker


def _size(entry: Entry) -> int:
    try:
        return os.lstat(entry.path).st_size
    except OSError:
        return 0


def _ambiguous(target: object, digits: str, hashes: list[str]) -> AmbiguousHashError:
    from ..core.short_hashes import told_apart  # a process that captures needs none

    return AmbiguousHashError(str(target), digits, hashes, told_apart(hashes))
