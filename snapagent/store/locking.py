"""The lock around an index, and the only home of filelock.

Bundles need no lock: their names are unique. The lock is asked for in the writer's thread and on the command line,
never in a caller, and always with a time-out; it is never broken by age, and its file is never removed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.signals import raised_by_signal_handler
from . import files
from .failures import LOCKED, StoreFailure
from .layout import LOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from filelock import UnixFileLock


_unreleased: list[UnixFileLock] = []  # held by this process after the system refused to release them


def _release(lock: UnixFileLock) -> None:
    try:
        lock.release()
    except OSError as error:
        _unreleased.append(lock)  # or everybody else would wait until this process ends
        if raised_by_signal_handler(error):
            raise


def _release_leftovers() -> None:
    for _ in range(len(_unreleased)):
        try:
            lock = _unreleased.pop()
        except IndexError:  # another thread is at it
            return
        _release(lock)


@contextmanager
def locked(folder: str, timeout: float) -> Iterator[None]:
    """Hold the lock of `folder`. Raises StoreFailure `locked` after `timeout` seconds, or when there are no locks."""
    if _half_imported():
        raise StoreFailure(LOCKED, folder)
    try:
        from filelock import Timeout, UnixFileLock
    except ImportError as error:  # as when there are no file descriptors left to read it with
        raise StoreFailure(LOCKED, folder) from error
    _release_leftovers()
    lock = UnixFileLock(
        f"{folder}/{LOCK}", timeout, files.FILE_MODE, thread_local=False, poll_interval=0.005, fallback_to_soft=False
    )
    try:
        lock.acquire()
    except (Timeout, NotImplementedError) as error:
        raise StoreFailure(LOCKED, folder) from error
    except OSError as error:
        raise StoreFailure.of(error, folder) from error
    try:
        yield
    finally:
        _release(lock)


def is_ready() -> bool:
    """Whether taking a lock imports nothing any more."""
    return "filelock" in sys.modules


def _half_imported() -> bool:
    """Whether a thread that no longer exists was importing filelock when this process was forked.

    Its import lock would never be given back: such a child leaves its counts for others to add.
    """
    spec = getattr(sys.modules.get("filelock"), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
