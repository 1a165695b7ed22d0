"""Counts of functions that have no folder: they were called, and no call of theirs was stored.

A large program calls thousands of functions, and its budget pays for captures of a few. A folder with an index for each
of the others would take as long as those captures, so one file counts for all of them: `.counts/functions.json` of the
store. A small store has a folder for each function that was called. `.counts/<token>-<number>.json` has the counts of a
process that ended while another one held the lock; whoever updates the file next adds these, names them in it as
merged, and removes them.

A function that gets a folder takes its counts along: the next update of its index adds them, after they were taken out
of the file. A process that is killed between the two loses them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from ..core.system import os
from . import files
from .failures import failing_at
from .index import Counts
from .layout import COUNTS, TEMPORARY, folder_name

FILE = "functions.json"
FEW_FOLDERS = 50  # a store with fewer has one for each function that was called
_VERSION = 1
_LIMIT = 64 * 1024 * 1024  # bytes
_encoder = json.JSONEncoder(separators=(",", ":"), check_circular=False)


class _Content(NamedTuple):
    functions: dict[str, Counts]  # by target
    merged: tuple[str, ...] = ()  # names of files whose counts are included, but which may still exist


def _load(folder: int, name: str) -> _Content:
    """What a file says; one that is missing or cannot be read says nothing."""
    try:
        fields = json.loads(files.read_regular(name, _LIMIT, folder=folder)[0])
        functions = {str(target): Counts.from_json(counts) for target, counts in fields["functions"].items()}
        return _Content(functions, tuple(str(one) for one in fields["merged"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _Content({})


def _save(folder: int, name: str, content: _Content, token: str) -> None:
    fields = {
        "version": _VERSION,
        "functions": {target: counts.as_dict() for target, counts in content.functions.items()},
        "merged": content.merged,
    }
    files.publish(folder, name, _encoder.encode(fields).encode("ascii"), token=f"{token}-")


def _whole(folder: int) -> tuple[_Content, list[str]]:
    """The counts of all files, and the names of those that are or are now merged."""
    content = _load(folder, FILE)
    others = [name for name in files.list_names(folder) if _is_other(name)]
    for name in others:
        if name not in content.merged:
            _add(content.functions, _load(folder, name).functions)
    return content, others


def _is_other(name: str) -> bool:
    return name.endswith(".json") and name != FILE and not name.startswith(TEMPORARY)


def _add(functions: dict[str, Counts], added: Mapping[str, Counts]) -> None:
    for target, counts in added.items():
        before = functions.get(target)
        functions[target] = counts if before is None else before + counts


class FolderlessReader:
    """The counts as they are now. Files that have not changed since the last time are not read again."""

    def __init__(self, base_path: str) -> None:
        self._path = f"{base_path}/{COUNTS}"
        self._read: tuple[object, dict[str, tuple[str, Counts]]] = None, {}

    def by_folder(self) -> Mapping[str, tuple[str, Counts]]:
        """Targets and their counts, by the name of the folder that each would have."""
        state, found = self._read
        try:
            with files.opened_folder(self._path) as folder:
                now = tuple(_states(folder))
                if now != state:
                    content, _ = _whole(folder)
                    found = {folder_name(target): (target, counts) for target, counts in content.functions.items()}
                    self._read = now, found
        except OSError:
            return {}
        return found


def _states(folder: int) -> Iterator[tuple[object, ...]]:
    """What changes whenever one of the files does."""
    for name in sorted(files.list_names(folder)):
        if name == FILE:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            yield name, found.st_ino, found.st_mtime_ns, found.st_size
        elif _is_other(name):
            yield (name,)


class FolderlessWriter:
    """Counts for a process that writes. Not for two threads at once. `update` and `save` raise StoreFailure."""

    def __init__(self, base_path: str, token: str) -> None:
        self._base_path = base_path
        self._path = f"{base_path}/{COUNTS}"
        self._token = token
        self._pending: dict[str, Counts] = {}  # what no file has yet
        self._saved_files = 0
        self._has_unmerged = False  # the last of these may not be merged yet
        self._folders_left: int | None = None
        self._names: Collection[str] | None = None  # in the store; listed once for all that `add` takes together
        self._known: Collection[str] | None = None  # targets in the file, as far as this process knows

    @property
    def has_unsaved(self) -> bool:
        """True when no file has all that was added."""
        return bool(self._pending)

    @property
    def is_due(self) -> bool:
        """True when the file that counts for all lacks something."""
        return self.has_unsaved or self._has_unmerged

    def stays_without(self, folder: str) -> bool:
        """Whether a function without a bundle, whose folder would have this name, gets none."""
        if self._names is None:
            self._names = _names(self._base_path)
        if folder in self._names:
            return False
        if self._folders_left is None:
            self._folders_left = FEW_FOLDERS - len(self._names)
        self._folders_left -= 1
        return self._folders_left < 0

    def known(self) -> Collection[str]:
        """The targets that the file counts, as far as this process knows."""
        if self._known is None:
            self._known = ()
            with files.tolerated(), files.opened_folder(self._path) as folder:
                self._known = _load(folder, FILE).functions.keys()
        return self._known

    def add(self, counts: Mapping[str, Counts]) -> None:
        """Add counts of targets to what the next `update` or `save` writes."""
        _add(self._pending, counts)
        self._names = None

    def update(self, leaving: Collection[str], timeout: float) -> dict[str, Counts]:
        """Write what is pending to the file. Takes out the targets that leave it, and returns their counts."""
        with failing_at(self._path), files.locked(self._path, timeout, make=True) as folder:
            content, others = _whole(folder)
            _add(content.functions, self._pending)
            left = {target: content.functions.pop(target) for target in leaving if target in content.functions}
            _save(folder, FILE, _Content(content.functions, tuple(others)), self._token)
            self._pending, self._has_unmerged = {}, False
            self._known = content.functions.keys()
            for name in others:
                files.remove(folder, name)
        return left

    def save(self) -> None:
        """Write what is pending to a file of its own, without the lock."""
        with failing_at(self._path), files.own_folder(self._path, make=True) as folder:
            self._saved_files += 1
            _save(folder, f"{self._token}-{self._saved_files}.json", _Content(self._pending), self._token)
            self._pending, self._has_unmerged = {}, True


def _names(path: str) -> Collection[str]:
    with files.tolerated():
        return frozenset(files.list_names(path))
    return ()
