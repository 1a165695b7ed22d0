"""Bundles that `push` has accepted and not uploaded yet: hard links under `.push/spool`, which retention cannot remove.

A link costs a directory entry, not a copy. From the moment it is there a bundle is uploaded even when its function's
folder is pruned or cleared, or when this process is killed: the next one begins with what lies in the spool.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress

from ..core.records import Record
from ..store import files
from ..store.bundle_files import MAX_FILE
from ..store.layout import PUSH, bundle_names

SPOOL = "spool"


class Accepted(Record):
    """A bundle in the spool; `size` in bytes."""

    folder: str
    name: str
    size: int


class Spool:
    """Under `base_path`. For one process; `read` and `drop` may be called from several threads. Raises OSError."""

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path
        self.path = f"{base_path}/{PUSH}/{SPOOL}"

    def items(self) -> list[Accepted]:
        """What waits, the newest first."""
        found = [item for folder in self._folders() for item in self._in(folder)]
        return sorted(found, key=lambda item: (item.name, item.folder), reverse=True)

    def _folders(self) -> list[str]:
        try:
            return os.listdir(self.path)
        except FileNotFoundError:
            return []

    def _in(self, folder: str) -> Iterator[Accepted]:
        with suppress(FileNotFoundError, NotADirectoryError), files.opened_folder(f"{self.path}/{folder}") as opened:
            names = list(bundle_names(os.listdir(opened)))
            for name, size in files.sizes_in(opened, names).items():
                yield Accepted(folder, name, size)

    def accept(self, folder: str, name: str) -> Accepted | None:
        """Take a bundle of the store; None when it is gone. From here on it does not depend on the store's folder."""
        with files.own_folder(f"{self.path}/{folder}", make=True) as spool:
            try:
                with files.opened_folder(f"{self._base_path}/{folder}") as source:
                    _link_or_copy(source, spool, name)
            except FileNotFoundError:
                return None
            found = os.stat(name, dir_fd=spool, follow_symlinks=False)
        return Accepted(folder, name, found.st_size)

    def read(self, item: Accepted) -> bytes:
        """Raises OSError for a link, a FIFO or a folder in its place."""
        with files.opened_folder(f"{self.path}/{item.folder}") as opened:
            data, _ = files.read_regular(item.name, MAX_FILE, folder=opened)
        return data

    def drop(self, item: Accepted) -> None:
        """It is uploaded, or cannot be."""
        with suppress(FileNotFoundError):
            with files.own_folder(f"{self.path}/{item.folder}") as opened:
                files.remove(opened, item.name)
            with suppress(OSError):  # others wait in this folder
                os.rmdir(f"{self.path}/{item.folder}")


def _link_or_copy(source: int, spool: int, name: str) -> None:
    try:
        os.link(name, name, src_dir_fd=source, dst_dir_fd=spool, follow_symlinks=False)
    except FileExistsError:  # accepted before a crash
        return
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        data, _ = files.read_regular(name, MAX_FILE, folder=source)
        files.publish(spool, name, data)
