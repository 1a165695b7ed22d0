"""`.counts/`: counts and marks of processes that the index does not hold yet.

`<token>.json` holds counts of a process that ended while another one held the lock. Whoever updates the index next adds
the file, names it in the index as merged, and removes it. A reader adds it in memory. So a kill at any moment neither
loses counts nor counts them twice.

`<token>.open` is the mark of a process that may have published bundles which the index does not list. A reader that
finds one lists the folder itself. The mark of a killed process counts as abandoned after a while: the next update then
lists the folder and removes the mark.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from ..core.system import os
from . import files
from .failures import StoreFailure
from .index import Counts, is_fresh
from .layout import COUNTS, TEMPORARY

_LIMIT = 1024 * 1024  # bytes
_MARK = ".open"
_ABANDONED = 60.0  # seconds: a process that lives updates the index sooner


@contextmanager
def _own(folder: str, *, make: bool = False) -> Iterator[int]:
    """The folder of the counts, for writing. It and the function's folder around it must belong to this user."""
    with files.own_folder(folder, make=make), files.own_folder(f"{folder}/{COUNTS}", make=make) as opened:
        yield opened


def write(folder: str, name: str, counts: Counts, target: str) -> None:
    """Write `counts` of a target under a name that nobody else uses."""
    data = json.dumps({"target": target, **counts.as_dict()}).encode()
    with _own(folder, make=True) as opened:
        files.publish(opened, f"{name}.json", data)


def collect(folder: str, merged: Collection[str]) -> tuple[Counts, list[str]]:
    """The sum of all files that are not `merged` already, and the names of all. Unreadable files count as zero."""
    total = Counts()
    found: list[str] = []
    try:
        with files.opened_folder(f"{folder}/{COUNTS}") as opened:
            for name in files.list_names(opened):
                if name.endswith(".json") and not name.startswith(TEMPORARY):
                    found.append(name)
                    if name not in merged:
                        total += _read(opened, name)
    except OSError:
        pass
    return total, found


def _read(opened: int, name: str) -> Counts:
    try:
        return Counts.from_json(json.loads(files.read_regular(name, _LIMIT, folder=opened)[0]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Counts()


def target_of(folder: str) -> str | None:
    """The target that the count files name: of a function that was called, and has neither an index nor a bundle."""
    with suppress(OSError), files.opened_folder(f"{folder}/{COUNTS}") as opened:
        for name in files.list_names(opened):
            if name.endswith(".json") and not name.startswith(TEMPORARY):
                with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                    return str(json.loads(files.read_regular(name, _LIMIT, folder=opened)[0])["target"])
    return None


def remove(folder: str, names: list[str]) -> None:
    """Remove files that were added to the index."""
    if names:
        with _own(folder) as opened:
            for name in names:
                files.remove(opened, name)


def mark_open(folder: str, token: str) -> bool:
    """Mark that this process is about to publish. False when the mark cannot be written."""
    with files.tolerated(), suppress(StoreFailure), _own(folder, make=True) as opened:
        files.publish(opened, f"{token}{_MARK}", b"")
        return True
    return False


def remove_mark(folder: str, token: str) -> None:
    """The index lists all that this process has published."""
    with files.tolerated(), suppress(StoreFailure):  # a mark that stays makes readers slower, no more
        remove(folder, [f"{token}{_MARK}"])


def has_marks(folder: str) -> bool:
    """True when a process may have published bundles that the index does not list."""
    return any(True for _ in _marks(folder))


def index_is_current(folder: int, path: str) -> bool:
    """True when the index covers all that the folder at `path`, opened as `folder`, holds."""
    return is_fresh(folder) and not has_marks(path)


def abandoned(folder: str, now: float) -> list[str]:
    """The names of marks that are too old to be of a process that still runs."""
    return [name for name, when in _marks(folder) if abs(now - when) >= _ABANDONED]


def _marks(folder: str) -> Iterator[tuple[str, float]]:
    with suppress(OSError), files.opened_folder(f"{folder}/{COUNTS}") as opened, os.scandir(opened) as found:
        for item in found:
            if item.name.endswith(_MARK) and not item.name.startswith(TEMPORARY):
                with suppress(FileNotFoundError):
                    yield item.name, item.stat(follow_symlinks=False).st_mtime


def sweep(folder: str, now: float, older_than: float = files.ORPHAN_AGE) -> int:
    """Remove the drafts of killed processes. Returns how many went."""
    with files.tolerated(), suppress(StoreFailure), _own(folder) as opened:
        return files.sweep(opened, files.list_names(opened), now, older_than)
    return 0
