"""Seals and stores captured calls, counts the outcome of each, and applies retention.

Nothing here starts or locks threads. `write` may run in several threads at once, all else in one at a time: the writer
sees to that.
"""

from __future__ import annotations

from collections import deque
from functools import partial

from ...core.clock import monotonic, time
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

    from ...bundle import Header, WrittenHeader
    from ...config.settings import Settings
    from ...config.targets import Target
    from ...store import IndexedBundle, Store
    from ...store.files import BatchFolder
    from ..recording.admission import Gate
    from ..recording.ledger import Ledger
    from .backlog import CapturedCall

    Result = tuple[Header | WrittenHeader, Mapping[str, bytes]] | Exception
    Seal = Callable[[Any], Sequence[Result]]  # of calls of one function
    Unsealed = tuple[CapturedCall, int, list[str]]  # with its number and the shapes that it goes by
    Bundle = tuple[IndexedBundle, bytes] | Exception
    Sealed = tuple[CapturedCall, int, Bundle, list[str]]
    ShapeOf = Callable[[Any], str]

_TOGETHER = 0.005  # seconds after which the calls that were sealed are written
_UNKNOWN = "?"  # in place of a shape: no shape is so


def _nothing(*_: object) -> None:
    """Default of the callbacks."""


class CallStorer:
    """Stores calls of the targets that it watches; `seal` turns calls into headers and the bytes of their parts.

    What `seal` gives is in the order of the calls, with an exception in the place of a call that it failed for.
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
        self._batch_bytes = store.batch_bytes
        self._seal = seal
        self._shape_of = shape_of
        self._between_steps = between_steps
        self._between_calls = between_calls
        self._done_with = done
        self._watched: dict[str, WatchedTarget] = {}
        self._reset()

    def _reset(self) -> None:
        self._written: deque[tuple[WatchedTarget, IndexedBundle]] = deque()  # retention has not seen these yet
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
        self.indexes.put_off()
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
        group = Group(self._watched[str(call.target)], is_alone=True)
        group.calls.append((call, self.store.next_counter()))
        self._write(group)

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

    def _write(self, group: Group) -> None:
        function = group.function
        try:
            if self.end.is_over:
                return  # the ledger counts what was admitted and has no outcome as lost
            self._failures.check_usable()
            self.store.open(function.name, function.rules, time())
        except Exception as error:
            self._failures.count(function, error, len(group.calls))
            for call, _ in group.calls:
                self._done(group, call)
            return
        rest = group.in_order()[::-1]
        try:
            with self.store.writing(function.name) as folder:
                while rest:
                    if self._counts_first:
                        self._counts_first = False
                        self.indexes.save_counts()
                    self._write_next(group, folder, rest)
                    if group.is_alone:
                        return
                    self._between_calls()
                    self._sort_in()
        except BaseException:  # of the program: a signal handler raised in a caller that writes
            self._backlog.put_back(group, rest)
            raise

    def _write_next(self, group: Group, folder: BatchFolder, rest: list[tuple[CapturedCall, int]]) -> None:
        """Write the next calls, the last of `rest`. Small ones are first sealed, then written.

        In turns, each of the two would drive the code and data of the other from the processor's caches, which takes
        a tenth of the time.
        """
        sealed: deque[Sealed] = deque()
        try:
            self._seal_next(group, rest, sealed)
            while sealed:
                self._write_one(group, folder, *sealed.popleft())
                if self._written_bytes > self._batch_bytes and not group.is_alone:
                    self.prune()
                if self.end.is_over:  # what is sealed and not written is given up
                    return
        except BaseException:
            rest += [(call, counter) for call, counter, *_ in reversed(sealed)]
            raise

    def _seal_next(self, group: Group, rest: list[tuple[CapturedCall, int]], sealed: deque[Sealed]) -> None:
        """Move calls from `rest` to `sealed`. Those that are not to be written are counted, or given up."""
        function = group.function
        size, now = 0, monotonic()
        until = now + _TOGETHER
        while rest and size < function.sealed_together and now <= until:
            batch: list[Unsealed] = []
            for _ in range(min(function.side_by_side, len(rest))):
                call, counter = rest.pop()
                shapes: list[str] = []  # of the call, where retention asks for it before the call is sealed
                if self._is_wanted(group, call, shapes):
                    batch.append((call, counter, shapes))
                    size += call.size
            began = now
            if batch:
                self._seal_batch(group, batch, rest, sealed)
            now = monotonic()
            function.took(now - began)

    def _is_wanted(self, group: Group, call: CapturedCall, shapes: list[str]) -> bool:
        """Whether the call is to be written. One that is not has been counted, or is given up."""
        function, retention = group.function, group.retention
        is_kept = retention is None or retention.keeps(call.outcome_kind, partial(self._shape, call, shapes))
        if (is_kept or function.gate.limited) and not self.end.has_time_for(function.gate.reserve(call.size)):
            return False  # given up
        if function.gate.limited and not self._claim(function):
            self._done(group, call)
            return False
        if not is_kept:  # newer ones make it surplus
            function.ledger.count_captured()
            self._done(group, call)
        return is_kept

    def _seal_batch(
        self, group: Group, batch: list[Unsealed], rest: list[tuple[CapturedCall, int]], sealed: deque[Sealed]
    ) -> None:
        """Seal calls of one function side by side. Those that fail go to `sealed` with the error, to be counted."""
        try:
            results = self._results([call for call, _, _ in batch])
        except BaseException:
            if not group.is_alone:
                rest += [(call, counter) for call, counter, _ in reversed(batch)]
            raise
        for (call, counter, shapes), result in zip(batch, results, strict=True):
            sealed.append((call, counter, self._prepared(call, counter, result, shapes), shapes))

    def _results(self, calls: list[CapturedCall]) -> Sequence[Result]:
        try:
            self._failures.check_usable()
            self._between_steps()
            return self._seal(calls)
        except Exception as error:
            return [error] * len(calls)

    def _prepared(
        self,
        call: CapturedCall,
        counter: int,
        result: Result,
        shapes: list[str],
    ) -> Bundle:
        if isinstance(result, Exception):
            return result
        header, payload = result
        shapes.append(header.shape)
        try:
            return self.store.prepare(header, payload, call.started, counter)
        except Exception as error:
            return error

    def _shape(self, call: CapturedCall, shapes: list[str]) -> str:
        """The shape, which is added to `shapes`. One that is unknown, so that the call is kept, where it fails."""
        if self.end.is_over:
            return _UNKNOWN
        self._between_steps()
        try:
            shapes.append(self._shape_of(call))
        except Exception as error:  # sealing fails as well, and counts it
            raise_programs_own(error)
            return _UNKNOWN
        return shapes[0]

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

    def _done(self, group: Group, call: CapturedCall) -> None:
        self._done_calls += 1
        if not group.is_alone:
            self._settled += 1
        self._done_with(call, group.is_alone)

    def _write_one(
        self, group: Group, folder: BatchFolder, call: CapturedCall, counter: int, bundle: Bundle, shapes: list[str]
    ) -> None:
        function = group.function
        if isinstance(bundle, Exception):
            self._failed(group, call, bundle)
            return
        try:
            self._failures.check_usable()
            self._between_steps()
            self.store.write(folder, *bundle, self._written_bytes)
        except Exception as error:
            self._failed(group, call, error)
            return
        function.has_bundle = True
        self._failures.succeeded(function)
        self._written.append((function, bundle[0]))
        self._written_bytes += bundle[0].size
        if group.retention is not None:
            group.retention.add(call.outcome_kind, *shapes)
        function.ledger.count_captured()
        self._done(group, call)

    def _failed(self, group: Group, call: CapturedCall, error: Exception) -> None:
        self._failures.count(group.function, error)
        self.store.folder_writer(group.function.name).quota.refund()
        self._done(group, call)

    def prune(self) -> None:
        """Tell the store of the written bundles, and have it remove those that are surplus now."""
        now = time()
        self._written_bytes = 0
        written: dict[WatchedTarget, list[IndexedBundle]] = {}
        while self._written:
            function, bundle = self._written.popleft()
            written.setdefault(function, []).append(bundle)
        for function, bundles in written.items():
            self.store.record(function.name, bundles, function.rules)
        for function in written:
            self._between_steps()
            try:
                self.store.remove_surplus(function.name, function.rules, now)
            except StoreFailure as failure:  # the next bundle, or the next update, tries again
                raise_programs_own(failure)
