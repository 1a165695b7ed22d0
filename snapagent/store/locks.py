"""The lock of a folder: `flock` on the folder itself, which makes no file.

Where the file system does not lock folders (NFS), the file `.lock` is locked in its place, with filelock. Where version
0.1.0 has left that file, it is locked as well, because processes of that version lock nothing else.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.clock import monotonic, sleep
from ..core.descriptors import wait_for_streams
from ..core.signals import raised_by_signal_handler
from ..core.system import fcntl, os
from .failures import LOCKED, StoreFailure
from .layout import LOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from filelock import UnixFileLock

_POLL = 0.005  # seconds between two attempts
_UNSUPPORTED = frozenset({errno.EBADF, errno.EINVAL, errno.EISDIR, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})

_unreleased: list[UnixFileLock] = []  # held by this process after the system refused to release them


@contextmanager
def held(folder: int, path: str, timeout: float) -> Iterator[None]:
    """Hold the lock of an opened folder, whose `path` is that of its lock file and for messages.

    Raises StoreFailure `locked` after `timeout` seconds, or where locks do not work; OSError.
    """
    until = monotonic() + timeout
    is_locked = _acquire(folder, path, until)
    lock = None
    try:
        if not is_locked or _has_lock_file(folder):
            lock = _acquire_file(path, until)
        yield
    finally:
        if lock is not None:
            _release_file(lock)
        if is_locked:
            _release(folder)


@contextmanager
def held_without_file(folder: int, path: str, timeout: float) -> Iterator[None]:
    """The same for a folder that may be part of a repository: no lock file is made or looked at.

    Where the file system does not lock folders, nothing is held.
    """
    is_locked = _acquire(folder, path, monotonic() + timeout)
    try:
        yield
    finally:
        if is_locked:
            _release(folder)


def _has_lock_file(folder: int) -> bool:
    try:
        os.stat(LOCK, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _acquire_file(path: str, until: float) -> UnixFileLock:
    """The lock of the lock file, which is made where it is missing."""
    if _half_imported():
        raise StoreFailure(LOCKED, path)
    try:
        from filelock import Timeout, UnixFileLock
    except ImportError as error:  # as when there are no file descriptors left to read it with
        raise StoreFailure(LOCKED, path) from error
    _release_leftovers()
    patience = max(until - monotonic(), 0.0)
    lock = UnixFileLock(
        f"{path}/{LOCK}", patience, 0o600, thread_local=False, poll_interval=_POLL, fallback_to_soft=False
    )
    wait_for_streams()
    try:
        lock.acquire()
    except (Timeout, NotImplementedError) as error:
        raise StoreFailure(LOCKED, path) from error
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            raise StoreFailure(LOCKED, path) from error
        raise
    return lock


def _half_imported() -> bool:
    """True when a thread that no longer exists was importing filelock when this process was forked.

    Its import lock is never released: the child must write its counts to a file, for others to add.
    """
    spec = getattr(sys.modules.get("filelock"), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _release_file(lock: UnixFileLock) -> None:
    try:
        lock.release()
    except OSError as error:
        _unreleased.append(lock)  # the next lock of this process tries again: others wait until it is released
        if raised_by_signal_handler(error):
            raise


def _release_leftovers() -> None:
    for _ in range(len(_unreleased)):
        try:
            lock = _unreleased.pop()
        except IndexError:  # another thread took it
            return
        _release_file(lock)


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
