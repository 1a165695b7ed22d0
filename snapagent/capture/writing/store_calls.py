"""What the writer does with calls: seals and stores them, counts what becomes of each, and tells the indexes.

None of this knows of threads; `write` may run in several at once, the rest is for one at a time.
"""

from __future__ import annotations

from collections import deque
from time import monotonic, thread_time, time

from ...store.failures import LOCKED, PERSISTENT, StoreFailure
from ...store.files import lock_is_ready
from ...store.index import Counts
from ..host_guard import belongs_to_host, describe, log_once
from ..recording.admission import BACKING_OFF, QUOTA_MET, Breaker

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

    Seal = Callable[[Any], tuple[Header, Mapping[str, bytes]]]


EVERY = 0.4  # seconds between two updates of the indexes: a process that is killed loses at most half a second
_SHARE = 50  # an update makes the next one wait so many times as long as it kept the processor busy
_LONGEST_DETOUR = 30.0  # seconds that an index is left alone when its lock is stuck
_FUNCTION_FAILURES = 5  # failures in a row that open the breaker of one function
_STORE_FAILURES = 3  # the same for the disk

EXIT_DEADLINE_MET = "exit_deadline"
INTERNAL_ERROR = "internal_error"


class Function:
    """One target as the writer sees it."""

    def __init__(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        self.target = target
        self.settings = settings
        self.ledger = ledger
        self.gate = gate
        self.breaker = Breaker(_FUNCTION_FAILURES)
        self.detour = 0.0
        self.not_before = 0.0


class Storing:
    """Stores calls of the functions that it watches; `seal` turns a call into a header and the bytes of its parts.

    `breathe` is called between two steps, each of which takes less than about a millisecond.
    """

    def __init__(self, store: Store, seal: Seal, breathe: Callable[[], None]) -> None:
        self.store = store
        self._seal = seal
        self._breathe = breathe
        self._functions: dict[str, Function] = {}
        self._begin()

    def _begin(self) -> None:
        self._written: deque[tuple[Function, BundleEntry, IndexedBundle]] = deque()
        self._unheard = 0  # their bytes
        self.drain_until = float("inf")  # of the monotonic clock: what is not written by then is counted and dropped
        self.deadline = float("inf")
        self.counts_first = False  # the process is ending, and nobody knows whether the disk lets us finish
        self.next_update = 0.0
        self._breaker = Breaker(_STORE_FAILURES)
        self._unusable = ""  # why the breaker of the disk is open
        self._unusable_until = 0.0

    def restart(self) -> None:
        """In a forked child: what the parent wrote and counted is the parent's to tell."""
        self._begin()
        self.store.restart()
        for function in self._functions.values():
            function.ledger.restart()

    def watch(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        """Store calls of this target, and tell its index what `ledger` counts; close `gate` when that cannot be."""
        self._functions[str(target)] = Function(target, settings, ledger, gate)
        if settings.quota != float("inf"):
            gate.heard(self.store.captured(target))

    @property
    def has_written(self) -> bool:
        """Whether there are bundles that retention and the indexes have not heard of."""
        return bool(self._written)

    def write(self, calls: Sequence[Call]) -> None:
        """Seal and store calls, function by function; each is counted, whatever becomes of it."""
        groups: dict[str, list[Call]] = {}
        for call in calls:
            groups.setdefault(str(call.target), []).append(call)
        for name, group in groups.items():
            self._write(self._functions[name], group)

    def _write(self, function: Function, calls: Sequence[Call]) -> None:
        try:
            if self._is_unusable():
                raise StoreFailure(self._unusable)
            folder_writer = self.store.open(function.target, function.settings, time())
            places = self.store.claim(function.target, function.settings, len(calls))
        except Exception as error:
            reason = self._reason(function, error)
            for _ in calls:
                self._count_failed(function, reason)
            return
        for _ in calls[places:]:
            function.ledger.count_skipped(QUOTA_MET, admitted=True)
        wanted = _Wanted(function.settings.keep, function.settings.keep_outcomes)
        numbered = [(call, self.store.next_counter()) for call in calls[:places]]
        # The newest first, so that what they make surplus is not written; where all is kept the oldest first, because
        # a store that is full makes room by removing the oldest.
        newest_first = function.settings.keep != float("inf")
        with self.store.writing(function.target) as folder:
            for call, counter in sorted(numbered, key=lambda one: (one[0].started, one[1]), reverse=newest_first):
                if self.counts_first:
                    self._leave_counts()
                if wanted.lacks(call.outcome_kind):
                    if monotonic() > self.drain_until:
                        function.ledger.count_skipped(EXIT_DEADLINE_MET, admitted=True)
                        log_once("the process ended", "not all captured calls were written in time")
                        continue
                    if not self._write_one(function, folder, call, counter):
                        folder_writer.quota.refund()
                        continue
                wanted.has(call.outcome_kind)
                function.ledger.count_captured()
                # A single call may be written by its caller, who has not the right to put away.
                if self._unheard > self.store.batch_bytes and len(calls) > 1:
                    self.put_away()

    def _leave_counts(self) -> None:
        """Make safe beside the indexes what was counted so far."""
        self.counts_first = False
        for function in list(self._functions.values()):
            counts = function.ledger.take()
            if counts:
                try:
                    self.store.write_pending_counts(function.target, counts)
                except StoreFailure as failure:  # they are owed, and part of the last update
                    _pass_on(failure)

    def _write_one(self, function: Function, folder: BatchFolder, call: Call, counter: int) -> bool:
        try:
            if self._is_unusable():
                raise StoreFailure(self._unusable)
            self._breathe()
            header, payload = self._seal(call)
            self._breathe()
            entry, stored = self.store.write(
                folder, header, payload, call.started, self.store.token, counter, self._unheard
            )
        except Exception as error:
            self._count_failed(function, self._reason(function, error))
            return False
        function.breaker.succeeded()
        self._breaker.succeeded()
        self._written.append((function, entry, stored))
        self._unheard += stored.size
        return True

    def _reason(self, function: Function, error: Exception) -> str:
        """The word for what went wrong, after the breakers have heard of it. Raises what is the program's own."""
        _pass_on(error)
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

    def _count_failed(self, function: Function, reason: str) -> None:
        function.ledger.count_failed(reason)
        function.gate.give_back()

    def _store_failed(self, reason: str) -> None:
        """After some failures of the disk in a row all targets turn their calls away for a while."""
        if self._is_unusable():
            return
        self._log_failure(reason)
        pause = self._breaker.failed() if reason in PERSISTENT else None
        if pause is None:
            return
        self._unusable, self._unusable_until = reason, monotonic() + pause
        for function in list(self._functions.values()):
            if function.gate.closed is None:
                function.gate.close(reason, pause)

    def _log_failure(self, reason: str) -> None:
        log_once(f"could not write to {self.store.base_path}", reason, "'snapagent why' counts such calls")

    def put_away(self) -> None:
        """Retention for what was written."""
        now = time()
        self._unheard = 0
        touched: dict[str, Function] = {}
        while self._written:
            function, entry, stored = self._written.popleft()
            self.store.record(function.target, entry, stored, function.settings)
            touched[str(function.target)] = function
        for function in touched.values():
            self._breathe()
            try:
                self.store.remove_surplus(function.target, function.settings, now)
            except StoreFailure as failure:  # the next bundle, or the next update, tries again
                _pass_on(failure)

    def update(self, patience: float, *, last: bool = False) -> None:
        """Tell the indexes what was counted and stored since the last time."""
        began = thread_time()
        for function in list(self._functions.values()):
            counts = function.ledger.take()
            folder_writer = self.store.folder_writer(function.target)
            if last or counts or (folder_writer.has_pending and monotonic() >= function.not_before):
                self._update_one(function, counts, patience, last)
        self.next_update = monotonic() + max(EVERY, (thread_time() - began) * _SHARE)

    def _update_one(self, function: Function, counts: Counts, patience: float, last: bool) -> None:
        folder_writer = self.store.folder_writer(function.target)
        if not counts and not folder_writer.has_pending:
            return
        if not last and monotonic() < function.not_before:
            folder_writer.add_counts(counts)
            return
        self._breathe()
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

    def _last_update(self, function: Function, counts: Counts, patience: float) -> FunctionIndex:
        """The update after which the process may be gone at any moment.

        Counts are made safe beside the index before anything is waited for, or when there is little time left.
        """
        if lock_is_ready() and monotonic() < self.drain_until:
            try:
                return self.store.update(function.target, counts, function.settings, timeout=0.0, last=True)
            except StoreFailure as failure:
                _pass_on(failure)
                counts = Counts()  # they are owed now
        self.store.write_pending_counts(function.target, counts)
        patience = min(patience, max(self.deadline - monotonic(), 0.0))
        return self.store.update(function.target, Counts(), function.settings, timeout=patience, last=True)


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
