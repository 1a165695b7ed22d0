"""Takes captured calls from the program's threads; seals and stores them in one thread of its own.

A caller appends to a deque and adds to a number. It takes no lock, because a signal handler or a finaliser may run in
the middle of it and submit a call too: that would wait for the lock for ever. The thread is started by the first call
of a process, gathers calls for a moment, writes them, and updates the indexes every half a second. In `sync` mode, and
where there can be no threads, callers write themselves.
"""

from __future__ import annotations

import _thread
from _queue import Empty, SimpleQueue  # not `queue`: gevent replaces its classes, and this thread is a real one
from _thread import get_ident
from collections import deque
from os import getpid

from ...core.clock import monotonic, thread_time
from ...core.signals import belongs_to_program
from ...store import own_writes
from ..host_guard import describe, log_once
from . import callbacks, exit_status, process_life
from . import thread as native_thread
from .pauses import Pauses
from .requests import Request
from .store_calls import CallStorer
from .work_lock import WorkLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ...config.settings import Settings
    from ...config.targets import Target
    from ...store import Store
    from ..recording.admission import Gate
    from ..recording.ledger import Ledger
    from .backlog import CapturedCall
    from .callbacks import PeriodicTask
    from .store_calls import Seal, ShapeOf

QUEUE_BYTES = 64 * 1024 * 1024
# Seconds that the thread waits for more calls, at most until the indexes are due. Within a batch, bundles that newer
# ones make surplus are not written, and the program is interrupted once for writing and indexes together.
GATHER_LEAST, GATHER_MOST = 0.1, 0.4
EXIT_WAIT = 10.0  # seconds that the end of a process may wait for the writer, unless the configuration says otherwise
_OVERDUE = 0.05  # seconds after which a round that goes on updates the indexes, not only its end
_LEAVES = 0.1  # seconds that a fork waits for the idle thread to end
_FLUSH = 2.0  # seconds that `flush` waits
_IDLE = 0.5  # seconds that the thread sleeps without a look around
_PATIENCE = 0.2  # seconds to wait for the lock of an index, so that one stuck process does not hold up the queue
_LAST_PATIENCE = 1.0  # the same when somebody waits for the result
_IN_CALLER = 0.05  # the same in a caller


class Writer:
    """Writes the calls that `submit` is given; `seal` turns a call into a header and the stored bytes of its parts.

    The writer's thread adds itself to `own_threads`, in which captured functions run uncaptured. `spent` is called with
    the seconds that writing took, `periodic` runs in the writer's thread. One per process and store; a forked child
    restarts it. `settle` is called with each call that is done with; it returns the seconds that it has accounted for,
    which `spent` is not told again.
    """

    def __init__(
        self,
        store: Store,
        seal: Seal,
        *,
        sync: bool = False,
        spent: Callable[[float], None] | None = None,
        settle: Callable[[Any], float] | None = None,
        periodic: PeriodicTask | None = None,
        exit_wait: float = EXIT_WAIT,
        queue_bytes: int = QUEUE_BYTES,
        own_threads: set[int] | None = None,
        shape_of: ShapeOf | None = None,
    ) -> None:
        self.store = store
        self._storer = CallStorer(
            store, seal, shape_of or callbacks.no_shape, self._pause, self._between_calls, self._done_with
        )
        self._sync = sync
        self._exit_wait = exit_wait
        self._spent = spent or callbacks.spend_nothing
        self._settle = settle or callbacks.settle_nothing
        self._periodic = periodic
        self._own_threads: set[int] = own_threads if own_threads is not None else set()
        self._limit = queue_bytes
        self._hurry = queue_bytes // 8  # bytes in the queue that end gathering
        self._closed = False
        self._reset()
        process_life.register(self)
        process_life.leave_at_forks(self)
        own_writes.register(self)

    def _reset(self) -> None:
        self._pid = getpid()
        self._queue: deque[CapturedCall] = deque()
        # Two numbers in place of a locked one. `+=` of a small number on an attribute is not interrupted by a thread
        # switch: the interpreter switches at calls and backward jumps only. Callers add to the first, the holder of
        # the work lock to the second.
        self._bytes_in = 0
        self._bytes_out = 0
        self._work_lock = WorkLock()
        self._starting = _thread.allocate_lock()  # taken once and never released: the thread is started once
        self._wake: SimpleQueue[Request | None] = SimpleQueue()
        self._pauses = Pauses()
        self._asleep = False
        self._gathering = False
        self._ident: int | None = None  # of the writer's thread
        self._native = 0
        self._running = False
        self._threadless = False
        self._accounted = 0.0  # seconds of this round's work that `settle` has accounted for

    def restart(self) -> None:
        """In a forked child: start with an empty queue and no thread; the parent writes what it has queued."""
        closed = self._closed
        native_thread.running.clear()
        self._reset()
        self._closed = closed
        self._storer.restart()
        if self._periodic is not None:
            self._periodic.restart()

    def leave_for_fork(self) -> None:
        """End the thread if it is idle."""
        if self._running and self._asleep and self._pid == getpid():
            request = Request(last=False, leaves=True)
            self._wake.put(request)
            if request.wait(_LEAVES):
                native_thread.wait_until_gone(self._native)

    def watch(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        """Store calls of this target and write the counts of `ledger` to its index; close `gate` when that fails."""
        self._storer.watch(target, settings, ledger, gate)

    def submit(self, call: CapturedCall) -> bool:
        """Queue a call; False when the queue is full or the writer is closed. Raises only what is the program's own."""
        if self._closed or self._ident == get_ident():
            return False
        # C code may fork without running Python's hooks. The check is a system call, which takes as long as the rest of
        # this method, so it is made for some calls only: when the queue's length is a multiple of 16, thus also empty.
        if not len(self._queue) & 15 and self._pid != getpid():
            self.restart()
        if self._sync or self._threadless:
            began = thread_time()
            self._write_in_caller(call)
            self._spent(thread_time() - began)
            return True
        size = call.size
        waiting = self._bytes_in - self._bytes_out
        if waiting > 0 and waiting + size > self._limit:
            return False
        self._bytes_in += size
        self._queue.append(call)
        if waiting > self._hurry and self._gathering:
            self._gathering = False
            self._wake.put(None)
        elif self._asleep or not self._running:
            self._alert()
        return True

    def wake(self) -> None:
        """Have counts reach the index soon, in a process that may never submit a call.

        Raises only what is the program's own.
        """
        try:
            if not self._closed:
                self._alert()
        except Exception as error:  # of starting a thread, or of writing where there are none
            if belongs_to_program(error):
                raise
            log_once("the writer", describe(error))

    def _alert(self) -> None:
        if self._asleep:
            self._asleep = False
            self._wake.put(None)
        elif not self._running:
            self._start()

    def _start(self) -> None:
        if self._starting.acquire(False):
            process_life.register_with_multiprocessing(self)
            self._running = native_thread.start(self._run)
            self._threadless = not self._running
            if self._threadless:
                self._work_here(_IN_CALLER)

    # ---- in the caller

    def _write_in_caller(self, call: CapturedCall) -> None:
        self._storer.write(call)
        self._prune()
        if not self._running and not self._threadless:
            self._start()  # for the indexes alone
        elif self._threadless and monotonic() >= self._storer.indexes.next_update:
            self._work_here(_IN_CALLER)

    def _work_here(self, patience: float) -> None:
        """Write the queue and update the indexes in this thread, unless another one is doing it."""
        if self._acquire():
            try:
                self._drain()
                self._storer.indexes.update(patience)
            finally:
                self._work_lock.release()
            self._prune()

    # ---- in the thread

    def _run(self) -> None:
        self._ident = get_ident()
        self._own_threads.add(self._ident)
        self._native = _thread.get_native_id()
        native_thread.running.add(self._ident)
        while True:
            request = self._wait()
            began = thread_time()
            last = request is not None and request.last
            is_left = native_thread.are_all() if request is None else request.leaves
            if is_left:  # from here on a call starts another thread
                self._starting, self._running = _thread.allocate_lock(), False
            asked = request is not None or is_left
            self._pauses.begin(allowed=not asked)
            try:
                self._work(asked, last or is_left)
                self._prune()
                self._report(last or is_left)
            except BaseException as error:  # the thread goes on, whatever the program's logging or types raise
                log_once("the writer", describe(error))
            accounted, self._accounted = self._accounted, 0.0
            self._spent(thread_time() - began - accounted)
            if last or is_left:
                self._own_threads.discard(self._ident)  # the system may give the number to a thread of the program
                native_thread.running.discard(self._ident)
            if request is not None:
                request.reply.put(not self._queue)
            if last or is_left:
                return

    def _report(self, last: bool) -> None:
        if self._periodic is None:
            return
        if not last:
            self._periodic.run_if_due()
            return
        self._periodic.end()
        if not self._closed:
            self._periodic.restart()

    def _work(self, asked: bool, last: bool) -> None:
        with self._work_lock:
            self._drain(0.0 if asked else GATHER_MOST)
            if asked or monotonic() >= self._storer.indexes.next_update:
                self._storer.indexes.update(_LAST_PATIENCE if asked else _PATIENCE, last=last)

    def _wait(self) -> Request | None:
        """Sleep until there is something to do, then gather for a moment. Returns the request of a waiting thread."""
        self._asleep = True
        request = None
        if not self._queue and not self._storer.has_unpruned:
            request = self._request_within(min(max(self._storer.indexes.next_update - monotonic(), 0.0), _IDLE))
        self._asleep = False
        if request is None and self._queue:
            self._gathering = True
            until_update = self._storer.indexes.next_update - monotonic()
            request = self._request_within(min(max(GATHER_LEAST, until_update), GATHER_MOST))
            self._gathering = False
        return request

    def _request_within(self, seconds: float) -> Request | None:
        try:
            return self._wake.get(True, seconds)
        except Empty:
            return None

    # ---- the work

    def _pause(self) -> None:
        """Let the program's threads run; not in callers, and not when a thread waits for the result."""
        if self._ident == get_ident() and self._wake.empty():
            self._pauses.pause()

    def _drain(self, gather: float = 0.0) -> None:
        """Write the queue. Calls that come meanwhile are gathered for so many seconds, if need be for the next round.

        Without gathering, a program that captures as fast as this thread writes would keep it in one endless round, in
        which each call is written as soon as it comes, though most are surplus a moment later.
        """
        queue, take_at = self._queue, 0.0

        def take_queued() -> Sequence[CapturedCall]:
            nonlocal take_at
            now = monotonic()
            if not queue or now < take_at:
                return ()
            take_at = now + gather
            return [queue.popleft() for _ in range(len(queue))]

        self._storer.store_all(take_queued)
        self._storer.prune()

    def _done_with(self, call: CapturedCall, is_alone: bool) -> None:
        accounted = self._settle(call)
        if is_alone:
            self._spent(-accounted)
        else:
            self._accounted += accounted
            self._bytes_out += call.size

    def _between_calls(self) -> None:
        """While much is queued: keep the indexes and the report of this process up to date.

        After few calls, the end of the round does that, once for all of them.
        """
        if monotonic() >= self._storer.indexes.next_update + _OVERDUE:
            self._storer.prune()
            self._storer.indexes.update(_PATIENCE)
            if self._ident == get_ident() and self._periodic is not None:
                self._periodic.run_if_due()

    def _prune(self) -> None:
        """Prune for the bundles that callers have written; the thread that gets the lock does it for all."""
        while self._storer.has_unpruned and self._acquire():
            try:
                self._storer.prune()
            finally:
                self._work_lock.release()

    def _acquire(self) -> bool:
        """Take the work lock if it is free. In `sync` mode wait a moment, so that a call returns pruned."""
        return self._work_lock.try_acquire(_IN_CALLER if self._sync else 0.0)

    # ---- the end

    def flush(self, timeout: float = _FLUSH) -> bool:
        """Wait until all calls are stored and in the indexes; False when that took longer than `timeout` seconds."""
        if self._closed:
            return not self._queue
        if self._running and self._pid == getpid():
            return self._ask(last=False).wait(timeout)
        self._work_here(min(timeout, _LAST_PATIENCE))
        return not self._queue

    def flush_pending(self) -> None:
        """For a reader in this process: flush if calls are queued or being written."""
        unfinished = self._queue or self._work_lock.is_taken or self._storer.has_unpruned
        if unfinished and self._ident != get_ident() and not self._work_lock.is_mine:
            self.flush()

    def _ask(self, *, last: bool) -> Request:
        request = Request(last)
        self._wake.put(request)
        return request

    def close(self, timeout: float | None = None) -> bool:
        """Accept no more calls, store the queue, count the calls given up, and stop.

        Waits as long as there is progress, at most `timeout` seconds (by default `exit_wait`). All I/O is done in the
        writer's thread, which is left behind when the disk hangs.
        """
        if self._closed:
            return True
        self._closed = True
        process_life.unregister(self)
        wait = self._exit_wait if timeout is None else timeout
        in_thread = self._running and self._pid == getpid()
        self._storer.begin_end(wait, counts_first=in_thread and not self._sync)
        done = self._ask(last=True).wait_while_there_is_progress(self._storer) if in_thread else self._close_here(wait)
        lost = self._storer.unsettled + len(self._queue)
        if lost:
            calls = "1 captured call was" if lost == 1 else f"{lost:,} captured calls were"
            log_once("the process ended", f"{calls} not written in time", "raise `exit_wait`")
        if done:
            self.store.forget_folders()
        return done

    def _close_here(self, wait: float) -> bool:
        """In a process that has no thread for it: where there are none, or nothing was called."""
        if self._acquire():
            try:
                self._drain()
                self._storer.indexes.update(min(wait, _LAST_PATIENCE), last=True)
            finally:
                self._work_lock.release()
        return not self._queue

    def end(self) -> None:
        """At the end of the process. Raises nothing: a signal handler that raises meanwhile ends the wait."""
        interrupted = exit_status.is_interrupted()
        try:
            self.close()
        except BaseException as error:
            log_once("the writer", describe(error))
        if interrupted:
            exit_status.set_interrupted()
