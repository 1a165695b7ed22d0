"""A quota of captures that all processes share, claimed without a lock.

`.quota` has one byte for each capture taken so far. Appending is atomic, so the offset at which a process finds its own
byte is its place in the order of all captures: exactly `quota` of them are below the limit.
"""

from __future__ import annotations

from . import files, index
from .layout import QUOTA


class Quota:
    """The quota of one function, as one process claims from it."""

    def __init__(self) -> None:
        self._refunded = 0

    def claim(self, folder: int, number: int, limit: float) -> int:
        """How many of `number` captures may be taken. A lost file is rebuilt from the index."""
        refunded = min(self._refunded, number)
        self._refunded -= refunded
        new = number - refunded
        if not new:
            return number
        if not files.exists(folder, QUOTA):
            _create(folder)
        end = files.append(folder, QUOTA, b"." * new)
        return refunded + int(min(max(limit - (end - new), 0), new))

    def refund(self) -> None:
        """A claimed capture failed; the next one of this process takes its place."""
        self._refunded += 1


def _create(folder: int) -> None:
    """A file with a byte for each capture that the index counts."""
    found = index.load_usable(folder)
    files.create_once(folder, QUOTA, b"." * (found.captured if found is not None else 0))
