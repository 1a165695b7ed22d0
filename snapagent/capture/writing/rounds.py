"""The work of a writer, in rounds: write the queued calls, remove what is surplus, bring the indexes up to date.

One thread at a time works, for all: the one that holds the work lock. That is mostly the writer's own, which pauses to
let the program's threads run; callers work in `sync` mode, and where there can be no threads.
"""

from __future__ import annotations

from _thread import get_ident
from collections import deque

from ...core.clock import monotonic
from . import callbacks
from .pauses import Pauses
from .store_calls import CallStorer
from .work_lock import WorkLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ...store import Store
    from .backlog import CapturedCall
    from .callbacks import PeriodicTask
    from .store_calls import Seal, ShapeOf

_IN_CALLER = 0.05  # seconds that a caller waits for a lock
_PATIENCE = 0.2  # seconds to wait for the lock of an index, so that one stuck process does not hold up the queue
_LAST_PATIENCE = 1.0  # the same when somebody waits for the result
_OVERDUE = 0.05  # seconds after which a round that goes on updates the indexes, not only its end


class Rounds:
    """The rounds of one writer. `is_awaited` says whether a thread waits for the end of this round or of the next."""

    def __init__(
        self,
        store: Store,
        seal: Seal,
        shape_of: ShapeOf | None,
        is_awaited: Callable[[], bool],
        *,
        sync: bool,
        spent: Callable[[float], None],
        settle: Callable[[Any], float] | None,
        periodic: PeriodicTask | None,
    ) -> None:
        self.storer = CallStorer(
            store, seal, shape_of or callbacks.no_shape, self._pause, self._between_calls, self._done_with
        )
        self._is_awaited = is_awaited
        self._sync = sync
        self._spent = spent
        self._settle = settle or callbacks.settle_nothing
        self._periodic = periodic
        self._reset()

    def _reset(self) -> None:
        self.queue: deque[CapturedCall] = deque()
        self.bytes_out = 0  # of calls that were in the queue and are done with; only the holder of the lock adds
        self.lock = WorkLock()
        self.thread: int | None = None  # the writer's own
        self.pauses = Pauses()
        self._accounted = 0.0  # seconds of this round's work that `settle` has accounted for

    def restart(self) -> None:
        """In a forked child: start with an empty queue, and with no thread."""
        self._reset()
        self.storer.restart()
        if self._periodic is not None:
            self._periodic.restart()

    @property
    def is_finished(self) -> bool:
        """True when all calls so far are written, and pruned for."""
        return not (self.queue or self.lock.is_taken or self.storer.has_unpruned)

    @property
    def until_update(self) -> float:
        """Seconds until the indexes are due; negative when they are overdue."""
        return self.storer.indexes.next_update - monotonic()

    @property
    def unsettled(self) -> int:
        """The number of calls that were queued and are neither written nor counted for another reason."""
        return self.storer.unsettled + len(self.queue)

    # ---- in the writer's thread

    def work(self, gather: float, *, asked: bool, last: bool) -> None:
        """One round; calls that come meanwhile are gathered for `gather` seconds. `asked`: a thread waits for it."""
        self.pauses.begin(allowed=not asked)
        with self.lock:
            self.drain(gather)
            if asked or self.until_update <= 0.0:
                self.storer.indexes.update(_LAST_PATIENCE if asked else _PATIENCE, last=last)
        self._prune()

    def report(self, last: bool, *, is_closed: bool) -> None:
        """Run the periodic task; after the `last` round of a thread end it, and restart it unless `is_closed`."""
        if self._periodic is None:
            return
        if not last:
            self._periodic.run_if_due()
            return
        self._periodic.end()
        if not is_closed:
            self._periodic.restart()

    def take_accounted(self) -> float:
        """Seconds of the work since the last time that `settle` has accounted for."""
        accounted, self._accounted = self._accounted, 0.0
        return accounted

    def _pause(self) -> None:
        """Let the program's threads run; not in callers, and not when a thread waits for the result."""
        if self.thread == get_ident() and not self._is_awaited():
            self.pauses.pause()

    # ---- in callers

    def write(self, call: CapturedCall) -> None:
        """Write one call in the thread that made it."""
        self.storer.write(call)
        self._prune()

    def work_here(self, patience: float = _IN_CALLER, *, last: bool = False) -> None:
        """Write the queue and update the indexes in this thread, unless another one is doing it."""
        if self._acquire():
            try:
                self.drain()
                self.storer.indexes.update(min(patience, _LAST_PATIENCE), last=last)
            finally:
                self.lock.release()
            if not last:
                self._prune()

    def _acquire(self) -> bool:
        """Take the work lock if it is free. In `sync` mode wait a moment, so that a call returns pruned."""
        return self.lock.try_acquire(_IN_CALLER if self._sync else 0.0)

    # ---- in both

    def drain(self, gather: float = 0.0) -> None:
        """Write the queue. Calls that come meanwhile are gathered for so many seconds, if need be for the next round.

        Without gathering, a program that captures as fast as this thread writes would keep it in one endless round, in
        which each call is written as soon as it comes, though most are surplus a moment later.
        """
        queue, take_at = self.queue, 0.0

        def take_queued() -> Sequence[CapturedCall]:
            nonlocal take_at
            now = monotonic()
            if not queue or now < take_at:
                return ()
            take_at = now + gather
            return [queue.popleft() for _ in range(len(queue))]

        self.storer.store_all(take_queued)
        self.storer.prune()

    def _done_with(self, call: CapturedCall, is_alone: bool) -> None:
        accounted = self._settle(call)
        if is_alone:
            self._spent(-accounted)
        else:
            self._accounted += accounted
            self.bytes_out += call.size

    def _between_calls(self) -> None:
        """While much is queued: keep the indexes and the report of this process up to date.

        After few calls, the end of the round does that, once for all of them.
        """
        if self.until_update <= -_OVERDUE:
            self.storer.prune()
            self.storer.indexes.update(_PATIENCE)
            if self.thread == get_ident() and self._periodic is not None:
                self._periodic.run_if_due()

    def _prune(self) -> None:
        """Prune for the bundles that callers have written; the thread that gets the lock does it for all."""
        while self.storer.has_unpruned and self._acquire():
            try:
                self.storer.prune()
            finally:
                self.lock.release()
