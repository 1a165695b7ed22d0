"""`.counts/<token>.json`: counts that a process could not add to the index, left for the next one that can.

A process writes its file when it ends while somebody else holds the lock; whoever updates the index next adds the file,
says so in the index, and removes it. A reader adds it in memory. So no kill at any moment loses it or counts it twice.

`.counts/<token>.open` stands there while a process may have published bundles that the index does not know. A reader
who finds one looks into the folder itself. What a killed process left open is looked at by the others after a while.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from . import files
from .failures import StoreFailure
from .index import Counts
from .layout import COUNTS, TEMPORARY

_LIMIT = 1024 * 1024  # bytes
_OPEN = ".open"
_GIVEN_UP = 60.0  # seconds after which a process has told what it published, if it lives


@contextmanager
def _own(folder: str, *, make: bool = False) -> Iterator[int]:
    """The folder of the counts, for writing; the function's folder around it must be ours too. As files.own_folder."""
    with files.own_folder(folder, make=make), files.own_folder(f"{folder}/{COUNTS}", make=make) as sidecars:
        yield sidecars


def leave(folder: str, name: str, counts: Counts) -> None:
    """Write `counts` under a name that nobody else uses."""
    data = json.dumps(counts.as_dict()).encode()
    with _own(folder, make=True) as sidecars:
        files.publish(sidecars, f"{name}.json", data)


def collect(folder: str, merged: Collection[str]) -> tuple[Counts, list[str]]:
    """The sum of what was left, but for what is `merged` already, and all names. What cannot be read counts nothing."""
    total = Counts()
    found: list[str] = []
    try:
        with files.opened_folder(f"{folder}/{COUNTS}") as sidecars:
            for name in os.listdir(sidecars):
                if name.endswith(".json") and not name.startswith(TEMPORARY):
                    found.append(name)
                    if name not in merged:
                        total += _counts(sidecars, name)
    except OSError:
        pass
    return total, found


def _counts(sidecars: int, name: str) -> Counts:
    try:
        fields = json.loads(files.read(name, _LIMIT, folder=sidecars)[0])
        return Counts() + Counts(
            int(fields["calls"]),
            int(fields["captured"]),
            {str(reason): int(number) for reason, number in fields["skipped"].items()},
            {str(reason): int(number) for reason, number in fields["failed"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Counts()


def drop(folder: str, names: list[str]) -> None:
    """Remove files that were added to the index."""
    if names:
        with _own(folder) as sidecars:
            for name in names:
                files.remove(sidecars, name)


def announce(folder: str, token: str) -> bool:
    """Say that this process is about to publish; False when that cannot be said."""
    with files.tolerated(), suppress(StoreFailure), _own(folder, make=True) as sidecars:
        files.publish(sidecars, f"{token}{_OPEN}", b"")
        return True
    return False


def all_told(folder: str) -> bool:
    """Whether the index knows what every process has published, if it is otherwise up to date."""
    return not any(True for _ in _open(folder))


def given_up(folder: str, now: float) -> list[str]:
    """What processes have left open that must have been killed."""
    return [name for name, when in _open(folder) if abs(now - when) >= _GIVEN_UP]


def _open(folder: str) -> Iterator[tuple[str, float]]:
    with suppress(OSError), files.opened_folder(f"{folder}/{COUNTS}") as sidecars, os.scandir(sidecars) as found:
        for item in found:
            if item.name.endswith(_OPEN) and not item.name.startswith(TEMPORARY):
                with suppress(FileNotFoundError):
                    yield item.name, item.stat(follow_symlinks=False).st_mtime


def sweep(folder: str, now: float, older_than: float = files.ORPHAN_AGE) -> int:
    """Remove the drafts of killed processes. Returns how many went."""
    with files.tolerated(), suppress(StoreFailure), _own(folder) as sidecars:
        return files.sweep(sidecars, os.listdir(sidecars), now, older_than)
    return 0


def told(folder: str, token: str) -> None:
    """The index knows what this process has published."""
    with files.tolerated(), suppress(StoreFailure):  # a mark that stays makes readers slower, no more
        drop(folder, [f"{token}{_OPEN}"])
