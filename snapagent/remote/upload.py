"""Uploading what lies in the spool: checked, created under its key, entered in the ledger, and only then dropped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread

from ..bundle import BundleFile, SigningKey, decode
from ..core.records import Record
from ..errors import CorruptBundleError
from ..store.failures import StoreFailure
from .failures import RemoteError, Unavailable
from .keys import key_of, misfit
from .ledger import Ledger
from .objects import Objects
from .spool import Accepted, Spool

UPLOADED, THERE = "uploaded", "there"
UNSIGNED, FOREIGN_KEY, CORRUPT, MISPLACED = "unsigned", "foreign_key", "corrupt", "misplaced"
THREADS = 4
_GIVE_UP_AFTER = THREADS  # failures in a row after which a round ends: the others would meet the same
_SHORTEST_PAUSE = 0.02  # seconds between two uploads after the object store has asked for fewer
_LONGEST_PAUSE = 2.0
_SLICE = 0.2  # seconds between two looks for a wish to stop


class Outcome(Record):
    """What became of a bundle in a round: `uploaded`, `there`, or the reason why it was set aside."""

    item: Accepted
    result: str

    @property
    def is_stored(self) -> bool:
        return self.result in (UPLOADED, THERE)


class Uploader:
    """For one object store and one spool. Several threads, of which none outlives a round unless a request hangs."""

    def __init__(
        self, objects: Objects, spool: Spool, ledger: Ledger, keys: Sequence[SigningKey], unsigned: bool = False
    ) -> None:
        self._objects = objects
        self._spool = spool
        self._ledger = ledger
        self._keys = keys
        self._unsigned = unsigned
        self._pace = Pace()

    def round(
        self, items: Sequence[Accepted], seconds: float, stop: Event | None, report: Callable[[Outcome], None]
    ) -> Round:
        """Try each of `items` once, for at most so many seconds or until `stop` is set.

        `report` is called from several threads, also by requests that were left behind.
        """
        begun = Round(self, items, report)
        begun.run(seconds, stop, self._pace)
        return begun

    def upload(self, item: Accepted) -> Outcome:
        """Raises RemoteError; OSError or StoreFailure when the disk fails."""
        try:
            bundle, data = self._checked(item)
            key = key_of(bundle.header, item.name)
        except _SetAside as aside:
            self._spool.drop(item)
            return Outcome(item, aside.reason)
        created = True
        if not self._ledger.has(item.folder, item.name):  # it is there when a process was killed before it dropped it
            created = self._objects.create(key, data)
            self._ledger.add(key, time.time())
        self._spool.drop(item)
        return Outcome(item, UPLOADED if created else THERE)

    def _checked(self, item: Accepted) -> tuple[BundleFile, bytes]:
        try:
            data = self._spool.read(item)
            bundle = decode(data, item.name)
        except (OSError, CorruptBundleError) as error:
            raise _SetAside(CORRUPT) from error
        if misfit(bundle.header, item.folder, item.name) is not None:
            raise _SetAside(MISPLACED)
        if not self._unsigned and bundle.mac == "-":
            raise _SetAside(UNSIGNED)
        if not self._unsigned and self._keys and not bundle.signed_by(self._keys):
            raise _SetAside(FOREIGN_KEY)
        return bundle, data


class _SetAside(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Pace:
    """The pause between two uploads: none, until the object store asks for fewer.

    Then the rate is halved, once a round, and each upload that goes well doubles it again.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def slower(self) -> None:
        self.seconds = min(max(2 * self.seconds, _SHORTEST_PAUSE), _LONGEST_PAUSE)

    def faster(self) -> None:
        self.seconds = self.seconds / 2 if self.seconds > _SHORTEST_PAUSE / 4 else 0.0


class Round:
    """One try of each of some bundles, the newest first. `failure` is the last one, None when all went well."""

    def __init__(self, uploader: Uploader, items: Sequence[Accepted], report: Callable[[Outcome], None]) -> None:
        self.stored = 0
        self.done = 0
        self.failures = 0
        self.failure: Exception | None = None
        self.is_hanging = False  # whether a request was left behind
        self._uploader = uploader
        self._report = report
        self._todo = deque(items)
        self._in_a_row = 0
        self._was_slowed = False
        self._lock = Lock()
        self._ended = False

    def run(self, seconds: float, stop: Event | None, pace: Pace) -> None:
        until = time.monotonic() + seconds
        threads = [Thread(target=self._work, args=(pace,), daemon=True) for _ in range(min(THREADS, len(self._todo)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and time.monotonic() < until and not (stop is not None and stop.is_set()):
                thread.join(_SLICE)
        self._ended = True
        self.is_hanging = any(thread.is_alive() for thread in threads)

    def _work(self, pace: Pace) -> None:
        while not self._ended:
            with self._lock:
                if not self._todo or self._in_a_row >= _GIVE_UP_AFTER or _is_final(self.failure):
                    return
                item = self._todo.popleft()
                pause = pace.seconds
            if pause:
                time.sleep(pause * THREADS)
            try:
                outcome = self._uploader.upload(item)
            except (RemoteError, OSError, StoreFailure) as error:
                self._failed(error, pace)
            else:
                self._succeeded(outcome, pace)

    def _failed(self, error: Exception, pace: Pace) -> None:
        with self._lock:
            self.failures += 1
            self._in_a_row += 1
            if not _is_final(self.failure):
                self.failure = error
            if isinstance(error, Unavailable) and error.slow_down and not self._was_slowed:
                self._was_slowed = True
                pace.slower()

    def _succeeded(self, outcome: Outcome, pace: Pace) -> None:
        with self._lock:
            self.done += 1
            if outcome.is_stored:
                self.stored += 1
                self._in_a_row = 0
                pace.faster()
        self._report(outcome)


def _is_final(error: Exception | None) -> bool:
    return isinstance(error, RemoteError) and error.needs_somebody
