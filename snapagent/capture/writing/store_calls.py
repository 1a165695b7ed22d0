"""Seals and stores captured calls, counts the outcome of each, and applies retention.

Nothing here starts or locks threads. `write` may run in several threads at once, all else in one at a time: the writer
sees to that.
"""

from __future__ import annotations

from collections import deque

from ...core.clock import time
from ...store.failures import StoreFailure
from ..recording.admission import QUOTA_MET
from .backlog import Backlog, Group
from .failures import FailureHandler, raise_programs_own
from .process_end import ProcessEnd
from .update_indexes import IndexUpdater
from .watched_target import WatchedTarget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ...bundle import Header
    from ...config.settings import Settings
    from ...config.targets import Target
    from ...store import BundleEntry, IndexedBundle, Store
    from ...store.files import BatchFolder
    from ..recording.admission import Gate
    from ..recording.ledger import Ledger
    from .backlog import CapturedCall

    Seal = Callable[[Any], tuple[Header, Mapping[str, bytes]]]
    ShapeOf = Callable[[Any], str]

_UNKNOWN = "?"  # in place of a shape: no shape is so


def _nothing(*_: object) -> None:
    """Default of the callbacks."""


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
        self._backlog = Backlog(self._watched, self.store.next_counter)
        self._is_writing_firsts = False
        self._done_calls = 0
        self._taken = 0  # calls from the queue
        self._settled = 0  # of these: written, or counted for another reason
        self.end = ProcessEnd()
        self._counts_first = False  # at exit, counts are saved before any bundle
        self._failures = FailureHandler(self.store.base_path, self._watched)
        self.indexes = IndexUpdater(self.store, self._watched, self._failures, self.end, self._between_steps)

    def restart(self) -> None:
        """In a forked child: forget what the parent has written and counted, because the parent reports it."""
        self._reset()
        self.store.restart()
        for function in self._watched.values():
            function.restart()
            function.ledger.restart()

    def begin_end(self, wait: float, *, counts_first: bool) -> None:
        """The process ends within `wait` seconds."""
        self.end.begin(wait)
        self._counts_first = counts_first
        for function in list(self._watched.values()):
            function.ledger.is_closing = True

    @property
    def progress(self) -> int:
        """Calls and indexes done so far."""
        return self._done_calls + self.indexes.updated

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
        group = Group(self._watched[str(call.target)])
        group.calls.append((call, self.store.next_counter()))
        self._write(group, is_alone=True)

    def store_all(self, take_queued: Callable[[], Sequence[CapturedCall]]) -> None:
        """Seal and store calls until `take_queued` has no more. Each counts as captured, skipped, failed or lost."""
        self._take_queued = take_queued
        self._sort_in()
        for group in self._backlog.groups():
            self._write(group)
            self._sort_in()

    def _sort_in(self) -> None:
        """Add what is queued to the backlog, and write the first bundle of each function that has none."""
        calls = self._take_queued()
        self._taken += len(calls)
        self._backlog.add(calls)
        if self._is_writing_firsts:
            return
        self._is_writing_firsts = True
        try:
            for first in self._backlog.firsts():
                self._write(first)
        finally:
            self._is_writing_firsts = False

    def _write(self, group: Group, *, is_alone: bool = False) -> None:
        function = group.function
        try:
            if self.end.is_over:
                return  # the ledger counts what was admitted and has no outcome as lost
            self._failures.check_usable()
            self.store.open(function.target, function.settings, time())
        except Exception as error:
            self._failures.count(function, error, len(group.calls))
            for call, _ in group.calls:
                self._done(call, is_alone)
            return
        rest = group.in_order()[::-1]
        try:
            with self.store.writing(function.target) as folder:
                while rest:
                    call, counter = rest.pop()
                    if self._counts_first:
                        self._counts_first = False
                        self.indexes.save_counts()
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
            self._backlog.put_back(group, rest)
            raise

    def _write_or_leave_out(self, group: Group, folder: BatchFolder, call: CapturedCall, counter: int) -> bool:
        """Write a call, unless newer ones make it surplus. It counts as captured either way; False: it is given up."""
        function, retention = group.function, group.retention
        looked_at: list[str] = []  # the shape, where retention asks for it before the call is sealed
        is_kept = retention.keeps(call.outcome_kind, lambda: self._look_at_shape(call, looked_at))
        if self.end.is_over and (is_kept or function.gate.limited):
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
        if self.end.is_over:
            return _UNKNOWN
        self._between_steps()
        try:
            looked_at.append(self._shape_of(call))
        except Exception as error:  # sealing fails as well, and counts it
            raise_programs_own(error)
            return _UNKNOWN
        return looked_at[0]

    def _claim(self, function: WatchedTarget) -> bool:
        """Take a place of the quota just before it is used: a process that ends has none to give back."""
        try:
            if self.store.claim(function.target, function.settings, 1):
                return True
        except Exception as error:
            self._failures.count(function, error)
            return False
        function.ledger.count_skipped(QUOTA_MET, admitted=True)
        return False

    def _done(self, call: CapturedCall, is_alone: bool) -> None:
        self._done_calls += 1
        if not is_alone:
            self._settled += 1
        self._done_with(call, is_alone)

    def _write_one(
        self, function: WatchedTarget, folder: BatchFolder, call: CapturedCall, counter: int
    ) -> Header | None:
        """Seal and write a call. Returns its header; None when it failed, and is counted so."""
        try:
            self._failures.check_usable()
            self._between_steps()
            header, payload = self._seal(call)
            self._between_steps()
            entry, stored = self.store.write(
                folder, header, payload, call.started, self.store.token, counter, self._written_bytes
            )
        except Exception as error:
            self._failures.count(function, error)
            return None
        function.has_bundle = True
        self._failures.succeeded(function)
        self._written.append((function, entry, stored))
        self._written_bytes += stored.size
        return header

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
                raise_programs_own(failure)
