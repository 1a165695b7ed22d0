"""The lock of a folder: `flock` on the folder itself, which makes no file.

Where the file system does not lock folders (NFS), the file `.lock` is locked in its place. Where version 0.1.0 has left
that file, it is locked as well, because processes of that version lock nothing else.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.clock import monotonic, sleep
from .failures import LOCKED, StoreFailure
from .layout import LOCK

_POLL = 0.005  # seconds between two attempts
_LOCK_FILE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_UNSUPPORTED = frozenset({errno.EBADF, errno.EINVAL, errno.EISDIR, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


@contextmanager
def held(folder: int, path: str, timeout: float) -> Iterator[None]:
    """Hold the lock of an opened folder, whose `path` is for messages.

    Raises StoreFailure `locked` after `timeout` seconds, or where locks do not work; OSError.
    """
    until = monotonic() + timeout
    locked = [folder] if _acquire(folder, path, until) else []
    file = -1
    try:
        file = _lock_file(folder, make=not locked)
        if file >= 0:
            if not _acquire(file, path, until):
                raise StoreFailure(LOCKED, path)
            locked.append(file)
        yield
    finally:
        for descriptor in locked:
            _release(descriptor)
        if file >= 0:
            os.close(file)


def _lock_file(folder: int, *, make: bool) -> int:
    """A descriptor of the lock file; -1 when there is none, unless `make`."""
    try:
        return os.open(LOCK, _LOCK_FILE | (os.O_CREAT if make else 0), 0o600, dir_fd=folder)
    except FileNotFoundError:
        if make:
            raise
        return -1


def _acquire(descriptor: int, path: str, until: float) -> bool:
    """False where the file system cannot lock this."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if monotonic() >= until:
                raise StoreFailure(LOCKED, path) from error
            sleep(_POLL)
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return False
            raise
        else:
            return True


def _release(descriptor: int) -> None:
    """Unlock by name: a child that was forked meanwhile has the same descriptor, so closing it here unlocks nothing."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except OSError:
        return  # closing the descriptor, which follows, unlocks it as well
