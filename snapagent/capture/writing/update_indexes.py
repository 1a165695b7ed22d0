"""Brings the indexes of the watched targets up to date, twice a second and when the process ends."""

from __future__ import annotations

from ...core.clock import monotonic, thread_time
from ...store.failures import LOCKED, StoreFailure
from ...store.index import UNFINISHED, Counts
from ..recording.ledger import LOST_AT_EXIT
from .failures import raise_programs_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...store import FunctionIndex, Store
    from .failures import FailureHandler
    from .process_end import ProcessEnd
    from .watched_target import WatchedTarget

EVERY = 0.4  # seconds between two updates of the indexes: a process that is killed loses at most half a second
_SHARE = 50  # an update makes the next one wait so many times as long as it kept the processor busy
_LONGEST_DELAY = 30.0  # seconds between two attempts on an index whose lock is stuck
_NOTHING = Counts()
_COUNTS_FIRST = 0.05  # seconds of processor time that saving counts before the last bundles may take


class IndexUpdater:
    """Writes counts of ledgers, and what the store knows of its folders, to the indexes.

    `between_steps` is called before each index. `updated` is how many were brought up to date so far.
    """

    def __init__(
        self,
        store: Store,
        watched: Mapping[str, WatchedTarget],
        failures: FailureHandler,
        end: ProcessEnd,
        between_steps: Callable[[], None],
    ) -> None:
        self._store = store
        self._watched = watched
        self._failures = failures
        self._end = end
        self._between_steps = between_steps
        self.updated = 0
        self.next_update = 0.0  # monotonic clock

    def update(self, patience: float, *, last: bool = False) -> None:
        """Bring the indexes up to date; `patience` is the seconds to wait for the lock of each.

        The next update is put off in proportion to the processor time of this one, so that many targets do not make
        updates a constant load.
        """
        began = thread_time()
        taken = self._take()
        moved = self._update_folderless(taken, patience, last)
        for function, counts in taken:
            counts += moved.get(function.name, _NOTHING)
            folder_writer = self._store.folder_writer(function.target)
            if last or counts or (folder_writer.has_pending and monotonic() >= function.not_before):
                self._update_one(function, counts, patience, last)
                self.updated += 1
        self.next_update = monotonic() + max(EVERY, (thread_time() - began) * _SHARE)

    def put_off(self) -> None:
        """The process ends: the counts are saved first and all indexes updated last, so none before half a second."""
        self.next_update = monotonic() + EVERY

    def _take(self) -> list[tuple[WatchedTarget, Counts]]:
        """The new counts of functions that have a folder; those of functions without one are left to the store."""
        taken: list[tuple[WatchedTarget, Counts]] = []
        without_folder: dict[str, Counts] = {}
        for function in self._used():
            counts = function.ledger.take()
            if counts and self._stays_without_folder(function, counts):
                without_folder[function.name] = counts
            elif counts or function.has_folder:
                taken.append((function, counts))
        self._store.folderless.add(without_folder)
        return taken

    def _stays_without_folder(self, function: WatchedTarget, counts: Counts) -> bool:
        """Whether no call of the function is stored, nor waits to be: what counts it may become a bundle."""
        if function.has_folder:
            return False
        is_final = not (function.has_bundle or UNFINISHED in counts.skipped or LOST_AT_EXIT in counts.failed)
        function.has_folder = not (is_final and self._store.stays_without_folder(function.name))
        return not function.has_folder

    def _update_folderless(
        self, taken: list[tuple[WatchedTarget, Counts]], patience: float, last: bool
    ) -> Mapping[str, Counts]:
        """Update the counts of functions without a folder. Returns those of functions that have one now."""
        folderless = self._store.folderless
        known = folderless.known()
        leaving = [function.name for function, _ in taken if function.name in known] if known else []
        if not (leaving or folderless.is_due):
            return {}
        self._between_steps()
        try:
            if not self._end.is_over:
                return folderless.update(leaving, 0.0 if last else patience)
        except StoreFailure as failure:
            raise_programs_own(failure)
            if failure.reason != LOCKED:
                self._failures.log(failure.reason)
        if last:
            self._save_folderless()
        return {}

    def _save_folderless(self) -> None:
        """Save what is left of these counts without a lock, because no other update may follow."""
        if self._store.folderless.has_unsaved:
            try:
                self._store.folderless.save()
            except StoreFailure as failure:
                raise_programs_own(failure)
                self._failures.log(failure.reason)

    def _used(self) -> list[WatchedTarget]:
        """The targets that have counts in this process; most targets of a large program are never called."""
        return [function for function in list(self._watched.values()) if function.ledger.is_used]

    def _update_one(self, function: WatchedTarget, counts: Counts, patience: float, last: bool) -> None:
        folder_writer = self._store.folder_writer(function.target)
        if not counts and not folder_writer.has_pending:
            return
        if not last and monotonic() < function.not_before:
            folder_writer.add_counts(counts)
            return
        self._between_steps()
        mine = function.ledger.captured
        try:
            if last:
                updated = self._last_update(function, counts, patience)
            else:
                updated = self._store.update(function.target, counts, function.settings, timeout=patience)
        except StoreFailure as failure:
            raise_programs_own(failure)
            function.delay = min(max(function.delay * 2, 2 * EVERY), _LONGEST_DELAY)
            function.not_before = monotonic() + function.delay
            if failure.reason != LOCKED:
                self._failures.log(failure.reason)
            return
        function.delay = 0.0
        function.gate.update_elsewhere(max(updated.captured - mine, 0))

    def _last_update(self, function: WatchedTarget, counts: Counts, patience: float) -> FunctionIndex:
        """The update at exit, during which the process may be killed at any moment.

        If there is time, one update without waiting may do it all. Else the counts are first saved in a file beside the
        index, then the lock is waited for with the time that is left.
        """
        if not self._end.is_over:
            try:
                return self._store.update(function.target, counts, function.settings, timeout=0.0, last=True)
            except StoreFailure as failure:
                raise_programs_own(failure)
                counts = Counts()  # the store has kept them
        self._store.write_pending_counts(function.target, counts)
        patience = min(patience, self._end.left)
        return self._store.update(function.target, Counts(), function.settings, timeout=patience, last=True)

    def save_counts(self) -> None:
        """Save the counts so far at exit, before the last bundles and without a lock.

        A slow or hanging disk may not let the last update finish.
        """
        until = thread_time() + _COUNTS_FIRST
        taken = self._take()
        self._save_folderless()
        for function, counts in taken:
            if thread_time() > until:  # the last update brings the rest
                self._store.folder_writer(function.target).add_counts(counts)
            elif counts:
                try:
                    self._store.write_pending_counts(function.target, counts)
                except StoreFailure as failure:  # the store keeps them for the last update
                    raise_programs_own(failure)
