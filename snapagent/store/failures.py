"""The reasons why something could not be stored: one word each, for counts, logs and messages."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

DISK_FULL = "disk_full"
NOT_WRITABLE = "not_writable"
IO_ERROR = "io_error"
NO_FILE_DESCRIPTORS = "no_file_descriptors"
FILE_TOO_BIG = "file_too_big"
NOT_A_FOLDER = "not_a_folder"
FOREIGN_FOLDER = "foreign_folder"
BROKEN_KEY = "broken_key"
STORE_FULL = "store_full"
LOCKED = "locked"
OS_ERROR = "os_error"

_WORDS = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EROFS: NOT_WRITABLE,
    errno.EACCES: NOT_WRITABLE,
    errno.EPERM: NOT_WRITABLE,
    errno.EIO: IO_ERROR,
    errno.EMFILE: NO_FILE_DESCRIPTORS,
    errno.ENFILE: NO_FILE_DESCRIPTORS,
    errno.EFBIG: FILE_TOO_BIG,
    errno.ENOTDIR: NOT_A_FOLDER,
    errno.ELOOP: NOT_A_FOLDER,
}

PERSISTENT = frozenset(
    {DISK_FULL, NOT_WRITABLE, IO_ERROR, NO_FILE_DESCRIPTORS, NOT_A_FOLDER, FOREIGN_FOLDER, BROKEN_KEY}
)
"""Reasons that will most likely stop the next write too."""


class StoreFailure(Exception):
    """Something was not stored. `reason` is one word; nothing half-written is left behind."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason, place)
        self.reason = reason
        self.place = place

    def __str__(self) -> str:
        return f"{self.reason}: {self.place}" if self.place else self.reason

    @classmethod
    def of(cls, error: OSError, place: str = "") -> StoreFailure:
        return cls(_WORDS.get(error.errno or 0, OS_ERROR), place)


@contextmanager
def failing_at(place: str) -> Iterator[None]:
    """Raise StoreFailure in place of an OSError. `place` is the path to name."""
    try:
        yield
    except OSError as error:
        raise StoreFailure.of(error, place) from error
