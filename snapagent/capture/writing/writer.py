"""Takes captured calls from the program's threads; a thread of its own seals and stores them.

A caller appends to a deque and adds to a number. It takes no lock, because a signal handler or a finaliser may run in
the middle of it and submit a call too: that would wait for the lock for ever. The thread is started by the first call
of a process, gathers calls for a moment, writes them, and updates the indexes every half a second: see `rounds`. In
`sync` mode, and where there can be no threads, callers write themselves.
"""

from __future__ import annotations

import _thread
from _queue import Empty, SimpleQueue  # not `queue`: gevent replaces its classes, and this thread is a real one
from _thread import get_ident
from os import getpid

from ...core.clock import thread_time
from ...core.signals import belongs_to_program
from ...store import own_writes
from ..host_guard import describe, log_once
from . import callbacks, exit_status, process_life
from . import thread as native_thread
from .requests import Request
from .rounds import Rounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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
_LEAVES = 0.1  # seconds that a fork waits for the idle thread to end
_FLUSH = 2.0  # seconds that `flush` waits
_IDLE = 0.5  # seconds that the thread sleeps without a look around


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
        self._spent = spent or callbacks.spend_nothing
        self._rounds = Rounds(
            store,
            seal,
            shape_of,
            self._is_awaited,
            sync=sync,
            spent=self._spent,
            settle=settle,
            periodic=periodic,
        )
        self._sync = sync
        self._exit_wait = exit_wait
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
        self._queue = self._rounds.queue
        # Two numbers in place of a locked one. `+=` of a small number on an attribute is not interrupted by a thread
        # switch: the interpreter switches at calls and backward jumps only. Callers add to this one, and the thread
        # that works to `bytes_out` of the rounds.
        self._bytes_in = 0
        self._starting = _thread.allocate_lock()  # taken once and never released: the thread is started once
        self._wake: SimpleQueue[Request | None] = SimpleQueue()
        self._asleep = False
        self._gathering = False
        self._ident: int | None = None  # of the writer's thread
        self._native = 0
        self._running = False
        self._threadless = False

    def restart(self) -> None:
        """In a forked child: start with an empty queue and no thread; the parent writes what it has queued."""
        native_thread.running.clear()
        self._rounds.restart()
        self._reset()

    def leave_for_fork(self) -> None:
        """End the thread if it is idle."""
        if self._running and self._asleep and self._pid == getpid():
            request = Request(last=False, leaves=True)
            self._wake.put(request)
            if request.wait(_LEAVES):
                native_thread.wait_until_gone(self._native)

    def watch(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        """Store calls of this target and write the counts of `ledger` to its index; close `gate` when that fails."""
        self._rounds.storer.watch(target, settings, ledger, gate)

    def submit(self, call: CapturedCall) -> bool:
        """Queue a call; False when the queue is full or the writer is closed. Raises only what is the program's own."""
        if self._closed:
            return False
        # C code may fork without running Python's hooks. The check is a system call, which takes as long as the rest of
        # this method, so it is made for some calls only: when the queue's length is a multiple of 16, thus also empty.
        if not len(self._queue) & 15 and self._pid != getpid():
            self.restart()
        if self._sync or self._threadless:
            return self._write_in_caller(call)
        size = call.size
        waiting = self._bytes_in - self._rounds.bytes_out
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
                self._rounds.work_here()

    def _write_in_caller(self, call: CapturedCall) -> bool:
        if self._ident == get_ident():
            return False
        began = thread_time()
        self._rounds.write(call)
        if not self._running and not self._threadless:
            self._start()  # for the indexes alone
        elif self._threadless and self._rounds.until_update <= 0.0:
            self._rounds.work_here()
        self._spent(thread_time() - began)
        return True

    # ---- in the thread

    def _run(self) -> None:
        self._ident = self._rounds.thread = get_ident()
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
            try:
                self._rounds.work(0.0 if asked else GATHER_MOST, asked=asked, last=last or is_left)
                self._rounds.report(last or is_left, is_closed=self._closed)
            except BaseException as error:  # the thread goes on, whatever the program's logging or types raise
                log_once("the writer", describe(error))
            self._spent(thread_time() - began - self._rounds.take_accounted())
            if last or is_left:
                self._own_threads.discard(self._ident)  # the system may give the number to a thread of the program
                native_thread.running.discard(self._ident)
            if request is not None:
                request.reply.put(not self._queue)
            if last or is_left:
                return

    def _wait(self) -> Request | None:
        """Sleep until there is something to do, then gather for a moment. Returns the request of a waiting thread."""
        self._asleep = True
        request = None
        if not self._queue and not self._rounds.storer.has_unpruned:
            request = self._request_within(min(max(self._rounds.until_update, 0.0), _IDLE))
        self._asleep = False
        if request is None and self._queue:
            self._gathering = True
            request = self._request_within(min(max(GATHER_LEAST, self._rounds.until_update), GATHER_MOST))
            self._gathering = False
        return request

    def _request_within(self, seconds: float) -> Request | None:
        try:
            return self._wake.get(True, seconds)
        except Empty:
            return None

    def _is_awaited(self) -> bool:
        """Whether a thread waits for the end of this round, or for the next one."""
        return not self._wake.empty()

    # ---- the end

    def flush(self, timeout: float = _FLUSH) -> bool:
        """Wait until all calls are stored and in the indexes; False when that took longer than `timeout` seconds."""
        if self._closed:
            return not self._queue
        if self._running and self._pid == getpid():
            return self._ask(last=False).wait(timeout)
        self._rounds.work_here(timeout)
        return not self._queue

    def flush_pending(self) -> None:
        """For a reader in this process: flush if calls are queued or being written."""
        rounds = self._rounds
        if not rounds.is_finished and self._ident != get_ident() and not rounds.lock.is_mine:
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
        storer = self._rounds.storer
        storer.begin_end(wait, counts_first=in_thread and not self._sync)
        if in_thread:
            done = self._ask(last=True).wait_while_there_is_progress(storer)
        else:  # there can be no thread, or nothing was called
            self._rounds.work_here(wait, last=True)
            done = not self._queue
        lost = self._rounds.unsettled
        if lost:
            calls = "1 captured call was" if lost == 1 else f"{lost:,} captured calls were"
            log_once("the process ended", f"{calls} not written in time", "raise `exit_wait`")
        if done:
            self.store.forget_folders()
        return done

    def end(self) -> None:
        """At the end of the process. Raises nothing: a signal handler that raises meanwhile ends the wait."""
        interrupted = exit_status.is_interrupted()
        try:
            self.close()
        except BaseException as error:
            log_once("the writer", describe(error))
        if interrupted:
            exit_status.set_interrupted()
