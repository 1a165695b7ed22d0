"""The writer: takes captured calls from the program's threads, and seals and stores them in one thread of its own.

A caller appends to a deque and adds to a number: no lock, nothing that a signal handler or a finaliser could find
taken. The thread is started by the first call of a process, gathers calls for a moment, writes them, and tells the
indexes every half a second. In `sync` mode, and where there can be no threads, callers write themselves.
"""

from __future__ import annotations

import _thread
from _queue import Empty, SimpleQueue  # not `queue`: gevent replaces what is there, and our thread is a real one
from _thread import get_ident
from collections import deque
from contextlib import suppress
from os import getpid
from time import monotonic, thread_time

from ...store import own_writes
from ..host_guard import describe, log_once
from . import process_life
from . import thread as native_thread
from .store_calls import Storing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ...config.settings import Settings
    from ...config.targets import Target
    from ...store import Store
    from ..recording.admission import Gate
    from ..recording.ledger import Ledger
    from .store_calls import Call, Seal

    class Companion(Protocol):
        """Has something to do now and then, in our thread, and at the end."""

        def look(self) -> None: ...
        def restart(self) -> None: ...
        def end(self) -> None: ...


QUEUE_BYTES = 64 * 1024 * 1024
_BATCH = 1000  # calls that are written before retention hears of them
# Seconds that the thread waits for more calls, until it is time to bring the indexes up to date: what these calls make
# surplus is not written, and the program is disturbed once for both.
GATHER_LEAST, GATHER_MOST = 0.1, 0.4
_BREATH = 0.0005  # seconds that the thread leaves to the program's threads between two steps of its work
_BREATHING = 0.1  # seconds that it takes such breaths in one go, so that it keeps up with many calls
EXIT_DEADLINE = 2.0  # seconds that the end of a process may wait for us
_EXIT_RESERVE = 0.2  # share of that for the indexes; the rest is for bundles
_PATIENCE = 0.2  # seconds that the lock of an index is waited for, so that one stuck process does not hold up the queue
_LAST_PATIENCE = 1.0
_IN_CALLER = 0.05  # the same in a caller
_STUCK = 30.0  # seconds after which a caller that took the right to work cannot be working any more


class Writer:
    """Writes what `submit` is given; `seal` turns a call into a header and the stored bytes of its parts.

    Our thread is one of `own_threads`, in which captured functions run bare. `spent` is told the seconds that writing
    took; `companion` is taken along by our thread. One per process and store; a forked child restarts it.
    """

    def __init__(
        self,
        store: Store,
        seal: Seal,
        *,
        sync: bool = False,
        spent: Callable[[float], None] | None = None,
        companion: Companion | None = None,
        queue_bytes: int = QUEUE_BYTES,
        own_threads: set[int] | None = None,
    ) -> None:
        self.store = store
        self._storing = Storing(store, seal, self._breathe)
        self._sync = sync
        self._spent = spent or _nothing
        self._companion = companion
        self._own_threads: set[int] = own_threads if own_threads is not None else set()
        self._limit = queue_bytes
        self._hurry = queue_bytes // 8  # bytes that are not gathered for long
        self._closed = False
        self._begin()
        process_life.follow(self)
        own_writes.register(self)

    def _begin(self) -> None:
        self._pid = getpid()
        self._queue: deque[Call] = deque()
        self._bytes_in = 0  # each of these two has one kind of writer, and no thread switch can fall into `+=`
        self._bytes_out = 0
        self._busy = _thread.allocate_lock()  # whoever has it does the others' work as well
        self._holder = 0  # the thread that has it
        self._starting = _thread.allocate_lock()
        self._wake: SimpleQueue[_Request | None] = SimpleQueue()
        self._never: SimpleQueue[None] = SimpleQueue()
        self._asleep = False
        self._gathering = False
        self._ident: int | None = None  # of our thread
        self._running = False
        self._threadless = False
        self._breathes_until = 0.0  # of the monotonic clock

    def restart(self) -> None:
        """In a forked child: nothing is queued, no thread runs, and what the parent counted is the parent's."""
        closed = self._closed
        self._begin()
        self._closed = closed
        self._storing.restart()
        if self._companion is not None:
            self._companion.restart()

    def watch(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        """Store the calls of this target, and tell its index what `ledger` counts; close `gate` when that cannot be."""
        self._storing.watch(target, settings, ledger, gate)

    def submit(self, call: Call) -> bool:
        """Take a call; False when the queue is full or the writer is closed. Raises only what is the program's own."""
        if self._closed or self._ident == get_ident():
            return False
        # Forked by something that runs no hooks? Asked now and then: the system call takes as long as all the rest.
        if not len(self._queue) & 15 and self._pid != getpid():
            self.restart()
        if self._sync or self._threadless:
            began = monotonic()
            self._write_in_caller(call)
            self._spent(monotonic() - began)
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
        """See to it that counts reach the index soon, though no call may ever be submitted in this process."""
        if not self._closed:
            self._alert()

    def _alert(self) -> None:
        if self._asleep:
            self._asleep = False
            self._wake.put(None)
        elif not self._running:
            self._start()

    def _start(self) -> None:
        if self._starting.acquire(False):
            process_life.follow_multiprocessing(self)
            self._running = native_thread.start(self._run)
            self._threadless = not self._running
            if self._threadless:
                self._work_here(_IN_CALLER)

    # ---- in the caller

    def _write_in_caller(self, call: Call) -> None:
        self._storing.write([call])
        self._settle()
        if not self._running and not self._threadless:
            self._start()  # for the indexes alone
        elif self._threadless and monotonic() >= self._storing.next_update:
            self._work_here(_IN_CALLER)

    def _work_here(self, patience: float) -> None:
        """Write what is queued and update the indexes in this thread, unless another one is at it."""
        if self._take():
            try:
                self._drain()
                self._storing.update(patience)
            finally:
                self._give_back()
            self._settle()

    # ---- in the thread

    def _run(self) -> None:
        self._ident = get_ident()
        self._own_threads.add(self._ident)
        while True:
            request = self._wait()
            began = thread_time()
            last = request is not None and request.last
            self._breathes_until = monotonic() + _BREATHING if request is None else 0.0
            try:
                self._work(request is not None, last)
                self._settle()
                if self._companion is not None:
                    self._companion.look()
            except BaseException as error:  # the thread must live on, whatever the program's logging or types raise
                log_once("the writer", describe(error))
            self._spent(thread_time() - began)
            if request is not None:
                request.reply.put(not self._queue)
            if last:
                self._own_threads.discard(self._ident)  # a thread of the program may get the number next
                return

    def _work(self, asked: bool, last: bool) -> None:
        while not self._busy.acquire(True, _STUCK):
            self._busy = _thread.allocate_lock()  # a signal handler raised in a caller that had just taken it
        self._holder = get_ident()
        try:
            self._drain()
            if asked or monotonic() >= self._storing.next_update:
                self._storing.update(_LAST_PATIENCE if asked else _PATIENCE, last=last)
        finally:
            self._give_back()

    def _wait(self) -> _Request | None:
        """Sleep until there is something to do; then gather for a moment. Returns who waits for the result."""
        self._asleep = True
        request = None
        if not self._queue and not self._storing.has_written:
            request = self._awaited(max(self._storing.next_update - monotonic(), 0.0))
        self._asleep = False
        if request is None and self._queue:
            self._gathering = True
            until_update = self._storing.next_update - monotonic()
            request = self._awaited(min(max(GATHER_LEAST, until_update), GATHER_MOST))
            self._gathering = False
        return request

    def _awaited(self, seconds: float) -> _Request | None:
        try:
            return self._wake.get(True, seconds)
        except Empty:
            return None

    def _breathe(self) -> None:
        """Between two steps: let threads of the program run that wait for the interpreter lock.

        A system call that lets go of the lock for a microsecond does not help them: it takes a thread longer to wake
        up than us to have the lock back. Without this a request would wait until we have nothing left to do. In
        callers, and when somebody waits for us or much is queued, nothing happens.
        """
        if self._ident == get_ident() and monotonic() < self._breathes_until and self._wake.empty():
            with suppress(Empty):
                self._never.get(True, _BREATH)  # not `time.sleep`, which gevent replaces

    # ---- the work

    def _drain(self) -> None:
        """Write what is queued."""
        while self._queue:
            calls = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH))]
            self._bytes_out += sum(call.size for call in calls)
            self._storing.write(calls)
            self._storing.put_away()

    def _settle(self) -> None:
        """Retention for what callers have written; whoever gets the lock does it for all."""
        while self._storing.has_written and self._take():
            try:
                self._storing.put_away()
            finally:
                self._give_back()

    def _take(self) -> bool:
        """Take the right to work; False when somebody has it, who then works for this thread as well.

        In `sync` mode another thread is waited for, though not for long: retention is to be done when a call returns.
        """
        waits = self._sync and self._holder != get_ident()
        taken = self._busy.acquire(True, _IN_CALLER) if waits else self._busy.acquire(False)
        if taken:
            self._holder = get_ident()
        return taken

    def _give_back(self) -> None:
        self._holder = 0
        self._busy.release()

    # ---- the end

    def flush(self, timeout: float = EXIT_DEADLINE) -> bool:
        """Wait until everything is stored and the indexes know it; False when that took longer than `timeout`."""
        if self._closed:
            return not self._queue
        if self._running and self._pid == getpid():
            return self._ask(timeout, last=False)
        self._work_here(min(timeout, _LAST_PATIENCE))
        return not self._queue

    def flush_pending(self) -> None:
        """For a reader in this process: flush, when something is on its way."""
        on_its_way = self._queue or self._busy.locked() or self._storing.has_written
        if on_its_way and self._ident != get_ident() and self._holder != get_ident():
            self.flush()

    def _ask(self, timeout: float, *, last: bool) -> bool:
        request = _Request(last)
        self._wake.put(request)
        try:
            return request.reply.get(True, timeout)
        except Empty:
            return False

    def close(self, timeout: float = EXIT_DEADLINE) -> bool:
        """Take nothing more, store what there is within `timeout` seconds, count what that leaves out, and stop."""
        if self._closed:
            return True
        self._closed = True
        process_life.forget(self)
        if self._companion is not None:
            self._companion.end()
        self._storing.deadline = monotonic() + timeout
        self._storing.drain_until = self._storing.deadline - timeout * _EXIT_RESERVE
        self._storing.counts_first = self._running and not self._sync
        if self._running and self._pid == getpid():
            return self._ask(timeout, last=True)
        if self._take():
            try:
                self._drain()
                self._storing.update(min(timeout, _LAST_PATIENCE), last=True)
            finally:
                self._give_back()
        return not self._queue

    def end(self) -> None:
        """At the end of the process. Raises nothing."""
        try:
            self.close(EXIT_DEADLINE)
        except Exception as error:
            log_once("the writer", describe(error))


class _Request:
    """Somebody waits until all is written; after the `last` one the thread ends."""

    def __init__(self, last: bool) -> None:
        self.last = last
        self.reply: SimpleQueue[bool] = SimpleQueue()


def _nothing(seconds: float) -> None:
    """Nobody asks what writing costs."""
