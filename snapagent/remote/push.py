"""`push`: from a store's folder through the spool into an object store, once or for as long as a pod lives."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from threading import Event, RLock

from ..bundle import SigningKey
from ..core.records import Record
from ..errors import CorruptBundleError
from ..store import files
from ..store.bundle_files import read_header
from ..store.failures import LOCKED, StoreFailure
from ..store.layout import PUSH
from .failures import RemoteError
from .keys import key_of
from .ledger import AGAIN_AFTER, Ledger
from .limits import Buckets, Rate
from .objects import Objects
from .patience import FIRST, LONGEST, Backoff
from .scan import Scanner
from .spool import Accepted, Spool
from .status import PushStatus, new_status, write_status
from .upload import CORRUPT, UPLOADED, Outcome, Round, Uploader

_UNLIMITED = Rate(math.inf)
_TELL_EVERY = 1.0  # seconds between two reports
_UNTIL_SOMEBODY = 300.0  # seconds between two tries when somebody must first set something right
_AT_ONCE = 16  # bundles between two looks at what is new while watching
_PURGE_EVERY = 3600.0  # seconds
_SHORT = 4.0  # seconds: the longest wait of a run that ends by itself


class PushOptions(Record):
    """`interval`, `drain` and `patience` are seconds, `max_spool` bytes. `unsigned`: signatures are not asked for.

    `patience` is how long a run that does not watch goes on while nothing at all can be uploaded.
    """

    unsigned: bool = False
    max_spool: float = 64e6
    rate: Rate = _UNLIMITED
    interval: float = 2.0
    drain: float = 20.0
    patience: float = 15.0
    first_wait: float = FIRST


class AnotherPush(Exception):
    """A push of this folder is running."""


class Push:
    """One run. `say` is called with a line for people, at most once per cause.

    Raises AnotherPush; StoreFailure or OSError when the folder cannot be used.
    """

    def __init__(
        self,
        base_path: str,
        objects: Objects,
        keys: Sequence[SigningKey] = (),
        options: PushOptions | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._base_path = base_path
        self._options = options or PushOptions()
        self._say = say
        self._said: set[str] = set()
        self._stack = ExitStack()
        self._lock(base_path)
        self._spool = Spool(base_path)
        self._ledger = Ledger(base_path, str(objects.url), time.time())
        self._scanner = Scanner(base_path)
        self._uploader = Uploader(objects, self._spool, self._ledger, keys, self._options.unsigned)
        self._buckets = Buckets(_UNLIMITED)
        self._known: dict[str, set[str]] = {}  # folder -> bundles that need no second look
        self._present: dict[str, set[str]] = {}
        self._open: set[str] = set()  # folders with bundles that wait for room or for their turn
        self._no_room: dict[str, set[str]] = {}  # folder -> bundles that met a full spool
        self._taken: dict[tuple[str, str, str], float] = {}  # folder, kind and hash of what was taken, and when
        self._equal: dict[str, set[str]] = {}  # folder -> bundles that were not taken because of an equal call
        self._counts: Counter[str] = Counter()  # what those sets have ever held: gone names are let go of
        self._next_purge = 0.0
        self._set_aside: Counter[str] = Counter()
        self._changing = RLock()  # what follows is changed by the threads of a round, too
        self._next_report = 0.0
        self.is_hanging = False
        self._waiting = {(item.folder, item.name): item.size for item in self._spool.items()}
        self._spooled = sum(self._waiting.values())
        number = len(self._waiting)
        self.status = new_status(str(objects.url)).replace(accepted=number, waiting=number, waiting_bytes=self._spooled)

    def _lock(self, base_path: str) -> None:
        with files.own_folder(f"{base_path}/{PUSH}", make=True):
            pass
        try:
            self._stack.enter_context(files.locked(f"{base_path}/{PUSH}", 0.0))
        except StoreFailure as error:
            if error.reason == LOCKED:
                raise AnotherPush from error
            raise

    def __enter__(self) -> Push:
        return self

    def __exit__(self, *_: object) -> None:
        self._told(ended=True)
        self._stack.close()

    def once(self) -> PushStatus:
        """Upload all that is there now. Raises RemoteError when nothing can be uploaded; what is accepted waits."""
        backoff = Backoff(self._options.first_wait, _SHORT)
        progress = time.monotonic()
        while True:
            self._accept(time.time())
            items = self._spool.items()
            if not items:
                return self._told(ended=True)
            made = self._round(items, math.inf, None)  # which ends by failures when nothing goes through
            if made.done:
                progress = time.monotonic()
                backoff.succeeded()
            if made.failure is None:
                continue
            wait = backoff.next()
            if _needs_somebody(made.failure) or time.monotonic() + wait - progress > self._options.patience:
                self._told(ended=True)
                raise made.failure
            time.sleep(wait)

    def watch(self, stop: Event) -> PushStatus:
        """Upload what comes until `stop` is set, then for at most `drain` seconds what is left."""
        self.status = self.status.replace(watching=True)
        self._buckets = Buckets(self._options.rate)
        backoff = Backoff(self._options.first_wait, LONGEST)
        resume = 0.0
        while not stop.is_set():
            with suppress(OSError, StoreFailure):  # a full disk, for instance: the next look may go better
                self._accept(time.time())
            if self._waiting and time.monotonic() >= resume:
                made = self._round(self._spool.items()[:_AT_ONCE], math.inf, stop)
                if made.done:
                    backoff.succeeded()
                resume = time.monotonic() + self._wait(made.failure, backoff)
            self._told()
            is_behind = self._waiting and time.monotonic() >= resume
            stop.wait(0.0 if is_behind else self._options.interval)
        return self._drained()

    def _wait(self, failure: Exception | None, backoff: Backoff) -> float:
        if failure is None:
            self._said.clear()
            return 0.0
        self._say_once(failure)
        return _UNTIL_SOMEBODY if _needs_somebody(failure) else backoff.next()

    def _drained(self) -> PushStatus:
        until = time.monotonic() + self._options.drain
        backoff = Backoff(self._options.first_wait / 4, _SHORT)
        with suppress(OSError, StoreFailure):
            self._accept(time.time())
        while (left := until - time.monotonic()) > 0 and (items := self._spool.items()):
            made = self._round(items, left, None)
            if made.failure is not None:
                self._say_once(made.failure)
                if _needs_somebody(made.failure):
                    break
                time.sleep(min(backoff.next(), max(until - time.monotonic(), 0.0)))
        return self._told(ended=True)

    def _say_once(self, failure: Exception) -> None:
        cause = failure.cause if isinstance(failure, RemoteError) else str(failure)
        if cause not in self._said:
            self._said.add(cause)
            self._say(str(failure))

    def _round(self, items: Sequence[Accepted], seconds: float, stop: Event | None) -> Round:
        made = self._uploader.round(items, seconds, stop, self._finished)
        self.is_hanging = made.is_hanging
        if made.failure is not None:
            with self._changing:
                failures = self.status.failures + made.failures
                self.status = self.status.replace(failures=failures, last_failure=str(made.failure))
        return made

    def _finished(self, outcome: Outcome) -> None:
        """One bundle has left the spool. A request that was left behind may tell of it once more."""
        item = outcome.item
        with self._changing:
            if self._waiting.pop((item.folder, item.name), None) is None:
                return
            self._spooled -= item.size
            if outcome.result == UPLOADED:
                self.status = self.status.replace(uploaded=self.status.uploaded + 1)
            elif outcome.is_stored:
                self.status = self.status.replace(there=self.status.there + 1)
            else:
                self._count_aside(outcome.result)
                self._look_again(item.folder)
            self._told()

    def _look_again(self, folder: str) -> None:
        """What was not taken because of an equal call, which turned out to be unusable, gets another chance."""
        if folder in self._equal:
            self._taken = {call: when for call, when in self._taken.items() if call[0] != folder}
            names = self._equal.pop(folder)
            self._counts["equal"] -= len(names)
            self._known[folder] -= names
            self._open.add(folder)

    def _count_aside(self, reason: str) -> None:
        self._set_aside[reason] += 1
        self.status = self.status.replace(set_aside=dict(self._set_aside))

    def _told(self, ended: bool = False) -> PushStatus:
        """Bring the status file up to date, once a second at most."""
        now = time.monotonic()
        with self._changing:
            self.status = self.status.replace(
                waiting=len(self._waiting),
                waiting_bytes=self._spooled,
                equal=self._counts["equal"],
                no_room=self._counts["no_room"],
            )
            if ended or now >= self._next_report:
                self._next_report = now + _TELL_EVERY
                self.status = self.status.replace(told=time.time(), ended=ended)
                write_status(self._base_path, self.status)
            return self.status

    def _accept(self, now: float) -> None:
        """Take what is new into the spool: of each function the newest first, as far as its rate and the room go."""
        with self._changing:
            for folder, names in self._scanner.changed(now).items():
                self._present[folder] = names
                self._known[folder] = self._known.get(folder, set()) & names
                self._ledger.forget(folder, names)
                for seen in (self._equal, self._no_room):
                    if folder in seen:
                        seen[folder] &= names
                self._open.add(folder)
            if now >= self._next_purge:
                self._next_purge = now + _PURGE_EVERY
                self._taken = {call: when for call, when in self._taken.items() if now - when < AGAIN_AFTER}
            for folder in sorted(self._open):
                if self._accept_of(folder, now):
                    self._open.discard(folder)

    def _accept_of(self, folder: str, now: float) -> bool:
        """True when no bundle of this function is left to be looked at again."""
        known = self._known[folder]
        for name in sorted(self._present[folder] - known, reverse=True):
            if not self._buckets.has_token(folder, now):  # asked first: it costs no look at the disk
                return False
            call = self._wanted(folder, name, now)
            if call is not None:
                if self._spooled >= self._options.max_spool:
                    self._count_name("no_room", self._no_room, folder, name)
                    return False
                if self._take(folder, name):
                    self._buckets.take(folder, now)
                    self._taken[call] = now
            known.add(name)
        return True

    def _wanted(self, folder: str, name: str, now: float) -> tuple[str, str, str] | None:
        """Folder, kind and hash; None for what is uploaded, gone or torn, or when an equal call was taken today."""
        if self._ledger.has(folder, name):
            return None
        path = f"{self._base_path}/{folder}"
        try:
            with files.opened_folder(path) as opened:
                header, _ = read_header(opened, name, f"{path}/{name}")
        except FileNotFoundError:
            self.status = self.status.replace(gone=self.status.gone + 1)
            return None
        except CorruptBundleError:
            self._count_aside(CORRUPT)
            return None
        call = (folder, *key_of(header, name).call)
        if now - self._taken.get(call, -AGAIN_AFTER) < AGAIN_AFTER or self._ledger.has_equal(call, now):
            self._count_name("equal", self._equal, folder, name)
            return None
        return call

    def _count_name(self, what: str, seen: dict[str, set[str]], folder: str, name: str) -> None:
        names = seen.setdefault(folder, set())
        self._counts[what] += name not in names
        names.add(name)

    def _take(self, folder: str, name: str) -> bool:
        item = self._spool.accept(folder, name)
        if item is None:
            self.status = self.status.replace(gone=self.status.gone + 1)
            return False
        self._waiting[(folder, name)] = item.size
        self._spooled += item.size
        self.status = self.status.replace(accepted=self.status.accepted + 1)
        return True


def _needs_somebody(failure: Exception) -> bool:
    return isinstance(failure, RemoteError) and failure.needs_somebody


def is_complete(status: PushStatus) -> bool:
    """True when nothing was set aside and nothing is left."""
    return not status.waiting and not status.set_aside
