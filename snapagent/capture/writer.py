"""The writer: takes captured calls from the program's threads, and seals and stores them in one thread of its own.

A caller appends to a deque and adds to a number: no lock, nothing that a signal handler or a finaliser could find
taken. The thread is started by the first call of a process, gathers calls for a moment, writes them, and tells the
indexes every half a second. In `sync` mode, and where there can be no threads, callers write themselves.
"""

from __future__ import annotations

import _thread
import signal  # noqa: F401 - telling the program's exceptions from ours needs it, at a moment when no file can be opened
from _queue import Empty, SimpleQueue  # not `queue`: gevent replaces what is there, and our thread is a real one
from collections import deque
from os import getpid
from time import monotonic, perf_counter, thread_time, time

from ..store import locking
from ..store.counts import Counts
from ..store.failures import LOCKED, PERSISTENT, StoreFailure
from . import native_thread, process_life
from .breaker import Breaker
from .host_guard import belongs_to_host, describe, log_once
from .policies import BACKING_OFF, QUOTA_MET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    from ..bundle import Header
    from ..settings import Settings
    from ..store import Entry, FunctionIndex, Store, Stored
    from ..targets import Target
    from .ledger import Ledger
    from .policies import Gate

    class Call(Protocol):
        """A captured call: `started` is seconds since the epoch, `size` bytes."""

        @property
        def target(self) -> Target: ...
        @property
        def settings(self) -> Settings: ...
        @property
        def started(self) -> float: ...
        @property
        def size(self) -> int: ...
        @property
        def outcome_kind(self) -> str: ...


QUEUE_BYTES = 64 * 1024 * 1024
GATHER = 0.02  # seconds that the thread waits for more calls before it writes
EVERY = 0.5  # seconds between two updates of the indexes
EXIT_DEADLINE = 2.0  # seconds that the end of a process may wait for us
_EXIT_RESERVE = 0.2  # share of that for the indexes; the rest is for bundles
_SHARE = 20  # an update that takes long makes the next one wait so many times as long
_PATIENCE = 0.2  # seconds that the lock of an index is waited for, so that one stuck process does not hold up the queue
_LAST_PATIENCE = 1.0
_IN_CALLER = 0.02
_LONGEST_DETOUR = 30.0  # seconds that an index is left alone when its lock is stuck
_FUNCTION_FAILURES = 5  # failures in a row that open the breaker of one function
_STORE_FAILURES = 3  # the same for the disk

EXIT_DEADLINE_MET = "exit_deadline"
INTERNAL_ERROR = "internal_error"


class _Function:
    """One target as the writer sees it."""

    def __init__(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        self.target = target
        self.settings = settings
        self.ledger = ledger
        self.gate = gate
        self.breaker = Breaker(_FUNCTION_FAILURES)
        self.detour = 0.0
        self.not_before = 0.0


class Writer:
    """Writes what `submit` is given; `seal` turns a call into a header and the stored bytes of its parts.

    `spent` is told the seconds that writing took. One per process and store; a forked child restarts it.
    """

    def __init__(
        self,
        store: Store,
        seal: Callable[[Any], tuple[Header, Mapping[str, bytes]]],
        *,
        sync: bool = False,
        spent: Callable[[float], None] | None = None,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self.store = store
        self._seal = seal
        self._sync = sync
        self._spent = spent or _nothing
        self._limit = queue_bytes
        self._functions: dict[str, _Function] = {}
        self._closed = False
        self._begin()
        process_life.follow(self)

    def _begin(self) -> None:
        self._pid = getpid()
        self._queue: deque[Call] = deque()
        self._bytes_in = 0  # each of these two has one kind of writer, and no thread switch can fall into `+=`
        self._bytes_out = 0
        self._written: deque[tuple[_Function, Entry, Stored]] = deque()
        self._busy = _thread.allocate_lock()  # only ever tried: whoever has it does the others' work as well
        self._starting = _thread.allocate_lock()
        self._wake: SimpleQueue[_Request | None] = SimpleQueue()
        self._asleep = False
        self._ident: int | None = None  # of our thread
        self._running = False
        self._threadless = False
        self._drain_until = float("inf")
        self._deadline = float("inf")
        self._next_update = 0.0
        self._store_breaker = Breaker(_STORE_FAILURES)
        self._unusable = ""  # why the disk's breaker is open
        self._unusable_until = 0.0

    def restart(self) -> None:
        """In a forked child: nothing is queued, no thread runs, and what the parent counted is the parent's."""
        closed = self._closed
        self._begin()
        self._closed = closed
        self.store.restart()
        for function in self._functions.values():
            function.ledger.restart()

    def watch(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        """Store the calls of this target, and tell its index what `ledger` counts; close `gate` when that cannot be."""
        self._functions[str(target)] = _Function(target, settings, ledger, gate)
        if settings.quota != float("inf"):
            gate.heard(self.store.captured(target))

    def submit(self, call: Call) -> bool:
        """Take a call; False when the queue is full or the writer is closed. Raises only what is the program's own."""
        if self._closed or self._ident == _thread.get_ident():
            return False
        if self._pid != getpid():  # forked by something that runs no hooks
            self.restart()
        if self._sync or self._threadless:
            self._write_in_caller(call)
            return True
        size = call.size
        waiting = self._bytes_in - self._bytes_out
        if waiting > 0 and waiting + size > self._limit:
            return False
        self._bytes_in += size
        self._queue.append(call)
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
        self._write(self._functions[str(call.target)], [call])
        self._settle()
        if not self._running and not self._threadless:
            self._start()  # for the indexes alone
        elif self._threadless and monotonic() >= self._next_update:
            self._work_here(_IN_CALLER)

    def _work_here(self, patience: float) -> None:
        """Write what is queued and update the indexes in this thread, unless another one is at it."""
        if self._busy.acquire(False):
            try:
                self._drain()
                self._update(patience)
            finally:
                self._busy.release()
            self._settle()

    # ---- in the thread

    def _run(self) -> None:
        self._ident = _thread.get_ident()
        while True:
            request = self._wait()
            began = thread_time()
            last = request is not None and request.last
            try:
                with self._busy:
                    self._drain()
                    if request is not None or monotonic() >= self._next_update:
                        self._update(_LAST_PATIENCE if request is not None else _PATIENCE, last=last)
                self._settle()
            except BaseException as error:  # the thread must live on, whatever the program's logging or types raise
                log_once("the writer", describe(error))
            self._spent(thread_time() - began)
            if request is not None:
                request.reply.put(not self._queue)
            if last:
                return

    def _wait(self) -> _Request | None:
        """Sleep until there is something to do; then gather for a moment. Returns who waits for the result."""
        self._asleep = True
        request = None if self._queue or self._written else self._awaited(max(self._next_update - monotonic(), 0.0))
        self._asleep = False
        if request is None and self._queue:
            request = self._awaited(GATHER)
        return request

    def _awaited(self, seconds: float) -> _Request | None:
        try:
            return self._wake.get(True, seconds)
        except Empty:
            return None

    # ---- the work

    def _drain(self) -> None:
        """Write what is queued, function by function."""
        queue = self._queue
        while queue:
            groups: dict[str, list[Call]] = {}
            for _ in range(min(len(queue), 1000)):
                call = queue.popleft()
                self._bytes_out += call.size
                groups.setdefault(str(call.target), []).append(call)
            for name, calls in groups.items():
                self._write(self._functions[name], calls)
            self._put_away()

    def _write(self, function: _Function, calls: Sequence[Call]) -> None:
        """Seal and store calls of one function; each is counted, whatever becomes of it."""
        try:
            if self._is_unusable():
                raise StoreFailure(self._unusable)
            shelf = self.store.open(function.target, function.settings, time())
            places = self.store.claim(function.target, function.settings, len(calls))
        except StoreFailure as failure:
            _pass_on(failure)
            self._store_failed(failure.reason)
            for _ in calls:
                self._count_failed(function, failure.reason)
            return
        for _ in calls[places:]:
            function.ledger.count_skipped(QUOTA_MET, admitted=True)
        wanted = _Wanted(function.settings.keep, function.settings.keep_outcomes)
        numbered = [(call, self.store.next_counter()) for call in calls[:places]]
        for call, counter in sorted(numbered, key=lambda one: (one[0].started, one[1]), reverse=True):
            if wanted.lacks(call.outcome_kind):
                if monotonic() > self._drain_until:
                    function.ledger.count_skipped(EXIT_DEADLINE_MET, admitted=True)
                    log_once("the process ended", f"not all captured calls were written within {EXIT_DEADLINE:g} s")
                    continue
                if not self._write_one(function, call, counter):
                    shelf.quota.give_back()
                    continue
            wanted.has(call.outcome_kind)
            function.ledger.count_captured()

    def _write_one(self, function: _Function, call: Call, counter: int) -> bool:
        try:
            if self._is_unusable():
                raise StoreFailure(self._unusable)
            header, payload = self._seal(call)
            self.store.make_room(sum(map(len, payload.values())), time())
            entry, stored = self.store.write(function.target, header, payload, call.started, self.store.token, counter)
        except StoreFailure as failure:
            _pass_on(failure)
            self._store_failed(failure.reason)
            self._count_failed(function, failure.reason)
            return False
        except Exception as error:
            _pass_on(error)
            log_once(f"could not store a call of {function.target}", describe(error))
            self._count_failed(function, INTERNAL_ERROR)
            pause = function.breaker.failed()
            if pause is not None and function.gate.closed is None:
                function.gate.close(BACKING_OFF, pause)
            return False
        function.breaker.succeeded()
        self._store_breaker.succeeded()
        self._written.append((function, entry, stored))
        return True

    def _is_unusable(self) -> bool:
        return bool(self._unusable) and monotonic() < self._unusable_until

    def _count_failed(self, function: _Function, reason: str) -> None:
        function.ledger.count_failed(reason)
        function.gate.give_back()

    def _store_failed(self, reason: str) -> None:
        """After some failures of the disk in a row all targets turn their calls away for a while."""
        if self._is_unusable():
            return
        self._log_failure(reason)
        pause = self._store_breaker.failed() if reason in PERSISTENT else None
        if pause is None:
            return
        self._unusable, self._unusable_until = reason, monotonic() + pause
        for function in list(self._functions.values()):
            if function.gate.closed is None:
                function.gate.close(reason, pause)

    def _log_failure(self, reason: str) -> None:
        log_once(f"could not write to {self.store.base_path}", reason, "'snapagent why' counts such calls")

    def _settle(self) -> None:
        """Retention for what callers have written; whoever gets the lock does it for all."""
        while self._written and self._busy.acquire(False):
            try:
                self._put_away()
            finally:
                self._busy.release()

    def _put_away(self) -> None:
        now = time()
        touched: dict[str, _Function] = {}
        while self._written:
            function, entry, stored = self._written.popleft()
            self.store.put_away(function.target, entry, stored, function.settings)
            touched[str(function.target)] = function
        for function in touched.values():
            try:
                self.store.trim(function.target, function.settings, now)
            except StoreFailure as failure:  # the next bundle, or the next update, tries again
                _pass_on(failure)

    def _update(self, patience: float, *, last: bool = False) -> None:
        """Tell the indexes what was counted and stored since the last time."""
        began = perf_counter()
        for function in list(self._functions.values()):
            counts = function.ledger.take()
            shelf = self.store.shelf(function.target)
            if last or counts or (shelf.has_news and monotonic() >= function.not_before):
                self._update_one(function, counts, patience, last)
        self._next_update = monotonic() + max(EVERY, (perf_counter() - began) * _SHARE)

    def _update_one(self, function: _Function, counts: Counts, patience: float, last: bool) -> None:
        shelf = self.store.shelf(function.target)
        if not counts and not shelf.has_news:
            return
        if not last and monotonic() < function.not_before:
            shelf.owe(counts)
            return
        mine = function.ledger.totals().captured
        try:
            if last:
                updated = self._last_update(function, counts, patience)
            else:
                updated = self.store.update(function.target, counts, function.settings, timeout=patience)
        except StoreFailure as failure:
            _pass_on(failure)
            function.detour = min(max(function.detour * 2, 2 * EVERY), _LONGEST_DETOUR)
            function.not_before = monotonic() + function.detour
            if failure.reason != LOCKED:
                self._log_failure(failure.reason)
            return
        function.detour = 0.0
        function.gate.heard(max(updated.captured - mine, 0))

    def _last_update(self, function: _Function, counts: Counts, patience: float) -> FunctionIndex:
        """The update after which the process may be gone at any moment: counts are safe before a lock is waited for."""
        if locking.is_ready():
            try:
                return self.store.update(function.target, counts, function.settings, timeout=0.0, last=True)
            except StoreFailure as failure:
                _pass_on(failure)
                counts = Counts()  # they are owed now
        self.store.leave(function.target, counts)
        patience = min(patience, max(self._deadline - monotonic(), 0.0))
        return self.store.update(function.target, Counts(), function.settings, timeout=patience, last=True)

    # ---- the end

    def flush(self, timeout: float = EXIT_DEADLINE) -> bool:
        """Wait until everything is stored and the indexes know it; False when that took longer than `timeout`."""
        if self._closed:
            return not self._queue
        if self._running and self._pid == getpid():
            return self._ask(timeout, last=False)
        self._work_here(min(timeout, _LAST_PATIENCE))
        return not self._queue

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
        self._deadline = monotonic() + timeout
        self._drain_until = self._deadline - timeout * _EXIT_RESERVE
        if self._running and self._pid == getpid():
            return self._ask(timeout, last=True)
        if self._busy.acquire(False):
            try:
                self._drain()
                self._update(min(timeout, _LAST_PATIENCE), last=True)
            finally:
                self._busy.release()
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


class _Wanted:
    """Which calls of a batch, seen from the newest to the oldest, are not made surplus by those already stored."""

    def __init__(self, keep: float, keep_outcomes: int) -> None:
        self._keep = keep
        self._keep_outcomes = keep_outcomes
        self._newest = 0
        self._room: dict[str, int] = {}

    def lacks(self, kind: str) -> bool:
        return self._newest < self._keep or self._room.get(kind, self._keep_outcomes) > 0

    def has(self, kind: str) -> None:
        if self._newest < self._keep:
            self._newest += 1
            self._room[kind] = 0
        else:
            self._room[kind] = max(self._room.get(kind, self._keep_outcomes) - 1, 0)


def _pass_on(error: BaseException) -> None:
    """Raise what a signal handler of the program raised while we wrote in its thread."""
    for one in (error, error.__cause__):
        if one is not None and belongs_to_host(one):
            raise one


def _nothing(seconds: float) -> None:
    """Nobody asks what writing costs."""
