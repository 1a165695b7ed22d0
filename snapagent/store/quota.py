"""Places of a quota that all processes share, taken without a lock.

`.quota` has one byte for each capture taken so far. Appending is atomic, so the offset at which a process finds its own
byte is its place in the queue of all processes: exactly `quota` of them are below the limit.
"""

from __future__ import annotations

import os
from contextlib import suppress

from . import files, index
from .layout import QUOTA, TEMPORARY


class Quota:
    """The places of one function, as one process takes them."""

    def __init__(self) -> None:
        self._refunded = 0

    def claim(self, folder: int, wanted: int, limit: float, token: str) -> int:
        """How many of `wanted` captures may be taken. A file that is lost is made again from the index."""
        refunded = min(self._refunded, wanted)
        self._refunded -= refunded
        new = wanted - refunded
        if not new:
            return wanted
        if not files.exists(folder, QUOTA):
            _create(folder, token)
        end = files.append(folder, QUOTA, b"." * new)
        return refunded + int(min(max(limit - (end - new), 0), new))

    def give_back(self) -> None:
        """A capture that had a place failed; the next one of this process takes it."""
        self._refunded += 1


def _create(folder: int, token: str) -> None:
    """A file with a byte for each capture that is known; the first to link it into place wins."""
    try:
        found = index.load(folder)
    except index.BrokenIndex:
        found = None
    captured = found.captured if found is not None else 0
    draft = f"{TEMPORARY}{token}-{os.urandom(4).hex()}{QUOTA}"  # a signal handler may come here while we are here
    try:
        files.publish(folder, draft, b"." * captured, token="-")
        with suppress(FileExistsError):
            os.link(draft, QUOTA, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    finally:
        files.remove(folder, draft)
