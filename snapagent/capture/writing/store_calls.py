"""Seals and stores captured calls, counts the outcome of each, applies retention and updates the indexes.

Nothing here starts or locks threads. `write` may run in several threads at once, all else in one at a time: the writer
sees to that.

Each function gets its first bundle before any function gets its second: a process that ends while much is queued has
then shown something of everything that it called.
"""

from __future__ import annotations

from collections import deque

from ...core.clock import monotonic, thread_time, time
from ...core.signals import belongs_to_program
from ...store.failures import LOCKED, PERSISTENT, StoreFailure
from ...store.files import lock_is_ready
from ...store.index import Counts
from ...store.retention import Retention
from ...store.writer import retention_rules
from ..host_guard import describe, log_once
from ..recording.admission import BACKING_OFF, QUOTA_MET, Breaker
from ..recording.recorder import INTERNAL_ERROR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol

    from ...bundle import Header
    from ...config.settings import Settings
    from ...config.targets import Target
    from ...store import BundleEntry, FunctionIndex, IndexedBundle, Store
    from ...store.files import BatchFolder
    from ..recording.admission import Gate
    from ..recording.ledger import Ledger

    class CapturedCall(Protocol):
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

    Seal = Callable[[Any], tuple[Header, Mapping[str, bytes]]]
    ShapeOf = Callable[[Any], str]


EVERY = 0.4  # seconds between two updates of the indexes: a process that is killed loses at most half a second
_SHARE = 50  # an update makes the next one wait so many times as long as it kept the processor busy
_LONGEST_DELAY = 30.0  # seconds between two attempts on an index whose lock is stuck
_COUNTS_FIRST = 0.05  # seconds of processor time that saving counts before the last bundles may take
_FUNCTION_FAILURES = 5  # failures in a row that open the breaker of one function
_UNKNOWN = "?"  # in place of a shape: no shape is so
_STORE_FAILURES = 3  # the same for the disk


def _nothing(*_: object) -> None:
    """Default of the callbacks."""


class WatchedTarget:
    """What the writer needs of one target: its settings, counts and gate, its breaker, and when its index is due."""

    def __init__(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        self.target = target
        self.settings = settings
        self.ledger = ledger
        self.gate = gate
        self.breaker = Breaker(_FUNCTION_FAILURES)
        self.restart()

    def restart(self) -> None:
        self.has_bundle = False  # of this process
        self.delay = 0.0
        self.not_before = 0.0

    @property
    def newest_first(self) -> bool:
        """The order of writing: older calls that retention would remove at once are not written at all.

        Where `keep` is infinite the oldest is first, because a full store frees space by removing the oldest.
        """
        return self.settings.keep != float("inf")


class _Group:
    """Calls of one function that wait to be written, and what its retention has seen of them.

    Each call has its number in this process, by which file names of the same moment are ordered.
    """

    def __init__(self, function: WatchedTarget) -> None:
        self.function = function
        self.calls: list[tuple[CapturedCall, int]] = []
        # A call that retention would remove at once is counted as captured and never written.
        self.retention = Retention(retention_rules(function.settings))

    def in_order(self) -> list[tuple[CapturedCall, int]]:
        """The calls in the order of writing."""
        return sorted(self.calls, key=lambda one: (one[0].started, one[1]), reverse=self.function.newest_first)

    def split_first(self) -> _Group:
        """A group of the call that is to be written first, which leaves this one."""
        first = _Group(self.function)
        first.retention = self.retention
        first.calls = self.in_order()[:1]
        self.calls.remove(first.calls[0])
        return first


class CallStorer:
    """Stores calls of the targets that it watches; `seal` turns a call into a header and the bytes of its parts.

    `shape_of` gives the shape of a call that is not sealed, where retention asks for it.
    `between_steps` is called between two steps of the work, each of which takes less than about a millisecond, and
    `between_calls` between two calls of `store_all`. `done` is told each call that is done with, and
    whether its caller wrote it alone.
    """

    def __init__(
        self,
        store: Store,
        seal: Seal,
        shape_of: ShapeOf,
        between_steps: Callable[[], None],
        between_calls: Callable[[], None] = _nothing,
        done: Callable[[CapturedCall, bool], None] = _nothing,
    ) -> None:
        self.store = store
        self._seal = seal
        self._shape_of = shape_of
        self._between_steps = between_steps
        self._between_calls = between_calls
        self._done_with = done
        self._watched: dict[str, WatchedTarget] = {}
        self._reset()

    def _reset(self) -> None:
        self._written: deque[tuple[WatchedTarget, BundleEntry, IndexedBundle]] = (
            deque()
        )  # retention has not seen these yet
        self._written_bytes = 0  # of these
        self._backlog: dict[str, _Group] = {}  # by target
        self._without_bundle: list[str] = []  # targets of the backlog of which this process has written nothing yet
        self._is_writing_firsts = False
        self.progress = 0  # calls and indexes done so far
        self._taken = 0  # calls from the queue
        self._settled = 0  # of these: written, or counted for another reason
        self.drain_until = float("inf")  # monotonic clock: calls that are not written by then are given up
        self.deadline = float("inf")
        # At exit: a slow or hanging disk may not let the last update finish, so counts are saved before any bundle.
        self.counts_first = False
        self.next_update = 0.0
        self._breaker = Breaker(_STORE_FAILURES)
        self._unusable = ""  # why the breaker of the disk is open
        self._unusable_until = 0.0

    def restart(self) -> None:
        """In a forked child: forget what the parent has written and counted, because the parent reports it."""
        self._reset()
        self.store.restart()
        for function in self._watched.values():
            function.restart()
            function.ledger.restart()

    def begin_end(self, deadline: float, drain_until: float, *, counts_first: bool) -> None:
        """The process ends at `deadline` of the monotonic clock: from `drain_until` on no more calls are written."""
        self.deadline, self.drain_until, self.counts_first = deadline, drain_until, counts_first
        for function in list(self._watched.values()):
            function.ledger.is_closing = True

    @property
    def unsettled(self) -> int:
        """The number of calls that `store_all` took and that are neither written nor counted for another reason."""
        return self._taken - self._settled

    def watch(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        """Store calls of this target and write the counts of `ledger` to its index; close `gate` when that fails."""
        self._watched[str(target)] = WatchedTarget(target, settings, ledger, gate)
        if settings.quota != float("inf"):
            gate.update_elsewhere(self.store.captured(target))

    @property
    def has_unpruned(self) -> bool:
        """Whether there are written bundles that the store has not entered in its index and pruned for."""
        return bool(self._written)

    def write(self, call: CapturedCall) -> None:
        """Seal and store one call. It is counted as captured, skipped or failed."""
        group = _Group(self._watched[str(call.target)])
        group.calls.append((call, self.store.next_counter()))
        self._write(group, is_alone=True)

    def store_all(self, take_queued: Callable[[], Sequence[CapturedCall]]) -> None:
        """Seal and store calls until no more are queued. Each is counted as captured, skipped, failed, or given up."""
        self._take_queued = take_queued
        self._sort_in()
        while self._backlog:
            self._write(self._backlog.pop(next(iter(self._backlog))))
            self._sort_in()

    def _sort_in(self) -> None:
        """Add what is queued to the backlog, and write the first bundle of each function that has none."""
        for call in self._take_queued():
            self._taken += 1
            name = str(call.target)
            group = self._backlog.get(name)
            if group is None:
                group = self._backlog[name] = _Group(self._watched[name])
                if not group.function.has_bundle:
                    self._without_bundle.append(name)
            group.calls.append((call, self.store.next_counter()))
        if self._is_writing_firsts:
            return
        self._is_writing_firsts = True
        try:
            while self._without_bundle:
                self._write_first(self._without_bundle.pop(0))
        finally:
            self._is_writing_firsts = False

    def _write_first(self, name: str) -> None:
        group = self._backlog.get(name)
        if group is not None and not group.function.has_bundle:
            first = group.split_first()
            if not group.calls:
                del self._backlog[name]
            self._write(first)

    def _write(self, group: _Group, *, is_alone: bool = False) -> None:
        function = group.function
        try:
            if self._is_over:
                return  # the ledger counts what was admitted and has no outcome as lost
            if self._is_unusable():
                raise StoreFailure(self._unusable)
            self.store.open(function.target, function.settings, time())
        except Exception as error:
            reason = self._reason(function, error)
            for call, _ in group.calls:
                self._count_failed(function, reason)
                self._done(call, is_alone)
            return
        rest = group.in_order()[::-1]
        try:
            with self.store.writing(function.target) as folder:
                while rest:
                    call, counter = rest.pop()
                    if self.counts_first:
                        self._save_counts()
                    if not self._write_or_leave_out(group, folder, call, counter):
                        continue  # given up
                    self._done(call, is_alone)
                    if is_alone:  # its caller does not hold the writer's lock
                        return
                    if self._written_bytes > self.store.batch_bytes:
                        self.prune()
                    self._between_calls()
                    self._sort_in()
        except BaseException:  # of the program: a signal handler raised in a caller that writes
            self._put_back(group, rest)
            raise

    def _put_back(self, group: _Group, rest: list[tuple[CapturedCall, int]]) -> None:
        name = str(group.function.target)
        waiting = self._backlog.get(name)
        if rest and waiting is not None:
            waiting.calls += rest
        elif rest:
            group.calls = rest
            self._backlog[name] = group

    def _write_or_leave_out(self, group: _Group, folder: BatchFolder, call: CapturedCall, counter: int) -> bool:
        """Write a call, unless newer ones make it surplus. It counts as captured either way; False: it is given up."""
        function, retention = group.function, group.retention
        looked_at: list[str] = []  # the shape, where retention asks for it before the call is sealed
        is_kept = retention.keeps(call.outcome_kind, lambda: self._look_at_shape(call, looked_at))
        if self._is_over and (is_kept or function.gate.limited):
            return False
        if not self._claim(function):
            return True
        if is_kept:
            header = self._write_one(function, folder, call, counter)
            if header is None:
                self.store.folder_writer(function.target).quota.refund()
                return True
            retention.add(call.outcome_kind, header.shape, *looked_at)
        function.ledger.count_captured()
        return True

    def _look_at_shape(self, call: CapturedCall, looked_at: list[str]) -> str:
        """The shape, which is added to `looked_at`. One that is unknown, so that the call is kept, where it fails."""
        if self._is_over:
            return _UNKNOWN
        self._between_steps()
        try:
            looked_at.append(self._shape_of(call))
        except Exception as error:  # sealing fails as well, and counts it
            _raise_programs_own(error)
            return _UNKNOWN
        return looked_at[0]

    def _claim(self, function: WatchedTarget) -> bool:
        """Take a place of the quota just before it is used: a process that ends has none to give back."""
        try:
            if self.store.claim(function.target, function.settings, 1):
                return True
        except Exception as error:
            self._count_failed(function, self._reason(function, error))
            return False
        function.ledger.count_skipped(QUOTA_MET, admitted=True)
        return False

    @property
    def _is_over(self) -> bool:
        """True when the time for writing is over, because the process ends."""
        return self.drain_until != float("inf") and monotonic() > self.drain_until

    def _done(self, call: CapturedCall, is_alone: bool) -> None:
        self.progress += 1
        if not is_alone:
            self._settled += 1
        self._done_with(call, is_alone)

    def _save_counts(self) -> None:
        """Save the counts so far in files beside the indexes, which takes no lock."""
        self.counts_first = False
        until = thread_time() + _COUNTS_FIRST
        for function in list(self._watched.values()):
            if thread_time() > until:  # the last update brings the rest
                return
            counts = function.ledger.take()
            if counts:
                try:
                    self.store.write_pending_counts(function.target, counts)
                except StoreFailure as failure:  # the store keeps them for the last update
                    _raise_programs_own(failure)

    def _write_one(
        self, function: WatchedTarget, folder: BatchFolder, call: CapturedCall, counter: int
    ) -> Header | None:
        """Seal and write a call. Returns its header; None when it failed, and is counted so."""
        try:
            if self._is_unusable():
                raise StoreFailure(self._unusable)
            self._between_steps()
            header, payload = self._seal(call)
            self._between_steps()
            entry, stored = self.store.write(
                folder, header, payload, call.started, self.store.token, counter, self._written_bytes
            )
        except Exception as error:
            self._count_failed(function, self._reason(function, error))
            return None
        function.has_bundle = True
        function.breaker.succeeded()
        self._breaker.succeeded()
        self._written.append((function, entry, stored))
        self._written_bytes += stored.size
        return header

    def _reason(self, function: WatchedTarget, error: Exception) -> str:
        """Count a failure with the breakers; the reason for the counts. Raises what is the program's own."""
        _raise_programs_own(error)
        if isinstance(error, StoreFailure):
            self._store_failed(error.reason)
            return error.reason
        log_once(f"could not store a call of {function.target}", describe(error))
        pause = function.breaker.failed()
        if pause is not None and function.gate.closed is None:
            function.gate.close(BACKING_OFF, pause)
        return INTERNAL_ERROR

    def _is_unusable(self) -> bool:
        return bool(self._unusable) and monotonic() < self._unusable_until

    def _count_failed(self, function: WatchedTarget, reason: str) -> None:
        function.ledger.count_failed(reason)
        function.gate.refund()

    def _store_failed(self, reason: str) -> None:
        """After `_STORE_FAILURES` in a row that will last (a full disk), close all gates for a while."""
        if self._is_unusable():
            return
        self._log_failure(reason)
        pause = self._breaker.failed() if reason in PERSISTENT else None
        if pause is None:
            return
        self._unusable, self._unusable_until = reason, monotonic() + pause
        for function in list(self._watched.values()):
            if function.gate.closed is None:
                function.gate.close(reason, pause)

    def _log_failure(self, reason: str) -> None:
        log_once(f"could not write to {self.store.base_path}", reason, "'snapagent why' counts such calls")

    def prune(self) -> None:
        """Tell the store of the written bundles, and have it remove those that are surplus now."""
        now = time()
        self._written_bytes = 0
        touched: dict[str, WatchedTarget] = {}
        while self._written:
            function, entry, stored = self._written.popleft()
            self.store.record(function.target, entry, stored, function.settings)
            touched[str(function.target)] = function
        for function in touched.values():
            self._between_steps()
            try:
                self.store.remove_surplus(function.target, function.settings, now)
            except StoreFailure as failure:  # the next bundle, or the next update, tries again
                _raise_programs_own(failure)

    def update(self, patience: float, *, last: bool = False) -> None:
        """Bring the indexes up to date; `patience` is the seconds to wait for the lock of each.

        The next update is put off in proportion to the processor time of this one, so that many targets do not make
        updates a constant load.
        """
        began = thread_time()
        for function in list(self._watched.values()):
            counts = function.ledger.take()
            folder_writer = self.store.folder_writer(function.target)
            if last or counts or (folder_writer.has_pending and monotonic() >= function.not_before):
                self._update_one(function, counts, patience, last)
                self.progress += 1
        self.next_update = monotonic() + max(EVERY, (thread_time() - began) * _SHARE)

    def _update_one(self, function: WatchedTarget, counts: Counts, patience: float, last: bool) -> None:
        folder_writer = self.store.folder_writer(function.target)
        if not counts and not folder_writer.has_pending:
            return
        if not last and monotonic() < function.not_before:
            folder_writer.add_counts(counts)
            return
        self._between_steps()
        mine = function.ledger.totals().captured
        try:
            if last:
                updated = self._last_update(function, counts, patience)
            else:
                updated = self.store.update(function.target, counts, function.settings, timeout=patience)
        except StoreFailure as failure:
            _raise_programs_own(failure)
            function.delay = min(max(function.delay * 2, 2 * EVERY), _LONGEST_DELAY)
            function.not_before = monotonic() + function.delay
            if failure.reason != LOCKED:
                self._log_failure(failure.reason)
            return
        function.delay = 0.0
        function.gate.update_elsewhere(max(updated.captured - mine, 0))

    def _last_update(self, function: WatchedTarget, counts: Counts, patience: float) -> FunctionIndex:
        """The update at exit, during which the process may be killed at any moment.

        If there is time and the lock library is loaded, one update without waiting may do it all: importing the library
        now could take longer than the process has. Else the counts are first saved in a file beside the index, then the
        lock is waited for with the time that is left.
        """
        if lock_is_ready() and monotonic() < self.drain_until:
            try:
                return self.store.update(function.target, counts, function.settings, timeout=0.0, last=True)
            except StoreFailure as failure:
                _raise_programs_own(failure)
                counts = Counts()  # the store has kept them
        self.store.write_pending_counts(function.target, counts)
        patience = min(patience, max(self.deadline - monotonic(), 0.0))
        return self.store.update(function.target, Counts(), function.settings, timeout=patience, last=True)


def _raise_programs_own(error: BaseException) -> None:
    """Raise `error` or its cause when a signal handler of the program raised it during a write in the caller."""
    for one in (error, error.__cause__):
        if one is not None and belongs_to_program(one):
            raise one
