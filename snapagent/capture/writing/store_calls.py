"""Seals and stores captured calls, counts the outcome of each, applies retention and updates the indexes.

Nothing here starts or locks threads. `write` may run in several threads at once, all else in one at a time: the writer
sees to that.
"""

from __future__ import annotations

from collections import deque
from time import monotonic, thread_time, time

from ...core.signals import belongs_to_program
from ...store.failures import LOCKED, PERSISTENT, StoreFailure
from ...store.files import lock_is_ready
from ...store.index import Counts
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


EVERY = 0.4  # seconds between two updates of the indexes: a process that is killed loses at most half a second
_SHARE = 50  # an update makes the next one wait so many times as long as it kept the processor busy
_LONGEST_DELAY = 30.0  # seconds between two attempts on an index whose lock is stuck
_COUNTS_FIRST = 0.05  # seconds of processor time that saving counts before the last bundles may take
_FUNCTION_FAILURES = 5  # failures in a row that open the breaker of one function
_STORE_FAILURES = 3  # the same for the disk

EXIT_DEADLINE_MET = "exit_deadline"


class WatchedTarget:
    """What the writer needs of one target: its settings, counts and gate, its breaker, and when its index is due."""

    def __init__(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        self.target = target
        self.settings = settings
        self.ledger = ledger
        self.gate = gate
        self.breaker = Breaker(_FUNCTION_FAILURES)
        self.delay = 0.0
        self.not_before = 0.0


class CallStorer:
    """Stores calls of the targets that it watches; `seal` turns a call into a header and the bytes of its parts.

    `between_steps` is called between two steps of the work, each of which takes less than about a millisecond.
    """

    def __init__(self, store: Store, seal: Seal, between_steps: Callable[[], None]) -> None:
        self.store = store
        self._seal = seal
        self._between_steps = between_steps
        self._watched: dict[str, WatchedTarget] = {}
        self._reset()

    def _reset(self) -> None:
        self._written: deque[tuple[WatchedTarget, BundleEntry, IndexedBundle]] = (
            deque()
        )  # retention has not seen these yet
        self._written_bytes = 0  # of these
        self.drain_until = float("inf")  # monotonic clock: calls that are not written by then are counted and dropped
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
            function.ledger.restart()

    def watch(self, target: Target, settings: Settings, ledger: Ledger, gate: Gate) -> None:
        """Store calls of this target and write the counts of `ledger` to its index; close `gate` when that fails."""
        self._watched[str(target)] = WatchedTarget(target, settings, ledger, gate)
        if settings.quota != float("inf"):
            gate.update_elsewhere(self.store.captured(target))

    @property
    def has_unpruned(self) -> bool:
        """Whether there are written bundles that the store has not entered in its index and pruned for."""
        return bool(self._written)

    def write(self, calls: Sequence[CapturedCall]) -> None:
        """Seal and store calls, target by target. Each is counted as captured, skipped or failed."""
        groups: dict[str, list[CapturedCall]] = {}
        for call in calls:
            groups.setdefault(str(call.target), []).append(call)
        for name, group in groups.items():
            self._write(self._watched[name], group)

    def _write(self, function: WatchedTarget, calls: Sequence[CapturedCall]) -> None:
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
        retention = _BatchRetention(function.settings.keep, function.settings.keep_outcomes)
        numbered = [(call, self.store.next_counter()) for call in calls[:places]]
        # The newest first: older ones that retention would remove at once are not written at all. Where `keep` is
        # infinite the oldest first, because a full store frees space by removing the oldest.
        newest_first = function.settings.keep != float("inf")
        with self.store.writing(function.target) as folder:
            for call, counter in sorted(numbered, key=lambda one: (one[0].started, one[1]), reverse=newest_first):
                if self.counts_first:
                    self._save_counts()
                if retention.keeps(call.outcome_kind):
                    if monotonic() > self.drain_until:
                        function.ledger.count_skipped(EXIT_DEADLINE_MET, admitted=True)
                        log_once("the process ended", "not all captured calls were written in time")
                        continue
                    if not self._write_one(function, folder, call, counter):
                        folder_writer.quota.refund()
                        continue
                retention.add(call.outcome_kind)
                function.ledger.count_captured()
                # A single call may be written by its caller, which does not hold the writer's lock.
                if self._written_bytes > self.store.batch_bytes and len(calls) > 1:
                    self.prune()

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

    def _write_one(self, function: WatchedTarget, folder: BatchFolder, call: CapturedCall, counter: int) -> bool:
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
            return False
        function.breaker.succeeded()
        self._breaker.succeeded()
        self._written.append((function, entry, stored))
        self._written_bytes += stored.size
        return True

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


class _BatchRetention:
    """Which calls of a batch, given from the newest to the oldest, retention would keep.

    The newest `keep`, and of each outcome kind that these lack the newest `keep_outcomes`. A call that it would remove
    at once is counted as captured and never written.
    """

    def __init__(self, keep: float, keep_outcomes: int) -> None:
        self._keep = keep
        self._keep_outcomes = keep_outcomes
        self._newest = 0
        self._left: dict[str, int] = {}  # of `keep_outcomes`

    def keeps(self, kind: str) -> bool:
        return self._newest < self._keep or self._left.get(kind, self._keep_outcomes) > 0

    def add(self, kind: str) -> None:
        if self._newest < self._keep:
            self._newest += 1
            self._left[kind] = 0
        else:
            self._left[kind] = max(self._left.get(kind, self._keep_outcomes) - 1, 0)


def _raise_programs_own(error: BaseException) -> None:
    """Raise `error` or its cause when a signal handler of the program raised it during a write in the caller."""
    for one in (error, error.__cause__):
        if one is not None and belongs_to_program(one):
            raise one
