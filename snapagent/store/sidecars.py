"""`.counts/<token>.json`: counts that a process could not add to the index, left for the next one that can.

A process writes its file when it ends while somebody else holds the lock; whoever updates the index next adds the file,
says so in the index, and removes it. A reader adds it in memory. So no kill at any moment loses it or counts it twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection

from . import files
from .counts import Counts
from .layout import COUNTS, TEMPORARY

_LIMIT = 1024 * 1024  # bytes


def leave(folder: str, name: str, counts: Counts) -> None:
    """Write `counts` under a name that nobody else uses."""
    data = json.dumps(counts.as_dict()).encode()
    with files.own_folder(f"{folder}/{COUNTS}", make=True) as sidecars:
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
        with files.own_folder(f"{folder}/{COUNTS}") as sidecars:
            for name in names:
                files.remove(sidecars, name)
