"""The lock around the writer's work: callers try it and do not wait, because its holder does their work as well."""

from __future__ import annotations

import _thread
from _thread import get_ident

_STUCK = 30.0  # seconds after which a caller that holds the lock cannot be working any more


class WorkLock:
    """Held by the thread that writes, prunes or updates indexes."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._holder = 0  # the thread that has it

    def try_acquire(self, patience: float = 0.0) -> bool:
        """Take the lock; False when another thread has it. Waits `patience` seconds, unless this thread has it."""
        waits = patience > 0.0 and self._holder != get_ident()
        taken = self._lock.acquire(True, patience) if waits else self._lock.acquire(False)
        if taken:
            self._holder = get_ident()
        return taken

    def __enter__(self) -> None:
        while not self._lock.acquire(True, _STUCK):
            # A signal handler raised in a caller between `acquire` and its `try`: nobody will release that lock.
            self._lock = _thread.allocate_lock()
        self._holder = get_ident()

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        if self._holder != get_ident():  # a signal handler forked this process meanwhile: it has another lock
            return
        self._holder = 0
        self._lock.release()

    @property
    def is_taken(self) -> bool:
        return self._lock.locked()

    @property
    def is_mine(self) -> bool:
        """True in the thread that holds it."""
        return self._holder == get_ident()
