"""The recordings of one wrapper in one test: looks calls up, records new ones, and remembers the order of calls."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from ...bundle import COMPLETE, Header
from ...config.settings import Settings
from ...core.records import Record
from ...errors import CorruptBundleError, SnapagentError
from ...placeholder import PRESENT, REDACTED
from ...sealing.raw_call import RawCall
from ...store import StoreReader
from ..live_call import LiveCall
from ..stored import StoredCall
from . import recording
from .layout import file_name, recordings_in
from .misses import as_recorded, as_stored, not_recorded_error
from .mode import Mode
from .secrets import Secrets
from .wrapped_call import WrappedCallable

Missed = TypeVar("Missed", bound=SnapagentError)

SEQUENCE, LAST = "sequence", "last"


class ServingRules(Record):
    """How one wrapper serves. `repeat` decides about calls beyond the recorded ones with the same arguments."""

    ignore: tuple[str, ...] = ()
    repeat: str = SEQUENCE
    facsimiles: Mapping[str, object] = MappingProxyType({})


class Attempt(Record):
    """One call of the wrapper: the file name of its recording, and the recording when there is one to serve."""

    frozen: recording.FrozenArguments
    name: str
    served: StoredCall | None


class Recordings:
    """Serves and records the calls of one side effect. Safe to use from several threads."""

    def __init__(
        self,
        wrapped: WrappedCallable,
        folder: str,
        library: StoreReader,
        mode: Mode,
        settings: Settings,
        rules: ServingRules,
        secrets: Secrets,
    ) -> None:
        self.wrapped = wrapped
        self.folder = folder
        self.mode = mode
        self.rules = rules
        self.log: list[str] = []  # file names in the order of the calls
        self.misses: list[SnapagentError] = []
        self._library = library
        self._settings = settings
        self._secrets = secrets
        self._sealing = recording.rules_for(settings, mode, library.base_path)
        self._seen: Counter[str] = Counter()
        self._drafts: dict[str, RawCall] = {}
        self._lock = threading.Lock()

    def look_up(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt:
        """Freeze the arguments and find their recording. Touches one file, however many there are.

        Raises:
            SideEffectNotRecorded: there is no recording, and recording is off.
            SnapagentError: a recording is broken, untrusted, or of another interpreter. All of these count as misses.
        """
        __tracebackhide__ = True
        try:
            return self._look_up(args, kwargs)
        except SnapagentError as error:
            raise self.missed(error) from error.__cause__

    def _look_up(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt:
        __tracebackhide__ = True
        frozen = self.freeze(args, kwargs)
        with self._lock:
            self._seen[frozen.digits] += 1
            occurrence = self._seen[frozen.digits]
        name = file_name(frozen.digits, occurrence)
        served = None if self.mode.renew else self._find(frozen.digits, occurrence)
        if served is None and frozen.first_digits and not self.mode.renew:
            served = self._find(frozen.first_digits, occurrence)
        if served is not None:
            name = os.path.basename(served.entry.path)
        elif not self.mode.record:
            name, folder = self.wrapped.name, self.folder
            raise not_recorded_error(self._library, name, folder, frozen, occurrence, self.mode.remedy)
        with self._lock:
            self.log.append(name)
        return Attempt(frozen, name, served)

    def freeze(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> recording.FrozenArguments:
        """The arguments as they are now."""
        wrapped = self.wrapped
        call = LiveCall(wrapped.target, wrapped.parameters, wrapped.defaults, args, kwargs)
        return recording.freeze(call, self.rules.ignore, self._settings, self._sealing, self._secrets)

    def _find(self, digits: str, occurrence: int) -> StoredCall | None:
        facsimiles = self.rules.facsimiles
        found = recording.find(self._library, f"{self.folder}/{file_name(digits, occurrence)}", facsimiles)
        while found is None and self.rules.repeat == LAST and occurrence > 1:
            occurrence -= 1
            found = recording.find(self._library, f"{self.folder}/{file_name(digits, occurrence)}", facsimiles)
        return found

    def outcome(self, served: StoredCall) -> tuple[Any, bool]:
        """The recorded result or exception, and whether it was raised. An outcome that cannot be loaded is a miss."""
        __tracebackhide__ = True
        try:
            return recording.outcome_of(served)
        except SnapagentError as error:
            raise self.missed(error) from error.__cause__

    def missed(self, error: Missed) -> Missed:
        """Remember a call that could not be served: the test fails even when the code under test swallows it."""
        with self._lock:
            self.misses.append(error)
        return error

    def record(self, attempt: Attempt, value: object, raised: bool = False, ended: str = COMPLETE) -> None:
        """Record how a real call ended. `commit` writes it when the test has passed."""
        call = recording.with_outcome(attempt.frozen, value, raised, self.wrapped.flavor, ended, self._settings)
        call = self._secrets.redacted(call, self._sealing)
        self._secrets.remember(call, self._sealing)
        with self._lock:
            self._drafts[attempt.name] = call
        self._warn_of_placeholders(call)

    def _warn_of_placeholders(self, call: RawCall) -> None:
        expected = {*PRESENT, REDACTED}
        missing = [note for note in call.outcome_notes if note.kind not in expected and _is_visible(note.path)]
        if missing:
            what = ", ".join(f"{note.path} ({note.type}: {note.reason})" for note in missing[:3])
            remedy = "give a stand-in for it: facsimiles={path: ...}"
            warnings.warn(
                f"{self.wrapped.name}: its result cannot be recorded whole: {what}; {remedy}", stacklevel=5
            )  # the caller of the wrapper

    @property
    def drafts(self) -> frozenset[str]:
        """File names of recordings that are not written yet."""
        return frozenset(self._drafts)

    def recorded_names(self) -> list[str]:
        """File names of the recorded calls in the order of the calls; while recording, of those of this run."""
        if self.mode.record:
            return list(dict.fromkeys(self.log))
        paths = recordings_in(self.folder)
        return [os.path.basename(path) for path in sorted(paths, key=lambda path: self._order(path))]

    def _order(self, path: str) -> tuple[str, int, str]:
        return (recording.timestamp_of(self._library, path), len(path), path)

    def shown_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Header, dict[str, Any]]:
        """Header and arguments of a live call, redacted as they would be stored."""
        return as_stored(self.freeze(args, kwargs).raw)

    def shown_recording(self, name: str) -> tuple[Header, dict[str, Any]]:
        """The same of a recorded call, written or not."""
        draft = self._drafts.get(name)
        found = as_stored(draft) if draft is not None else as_recorded(self._library, f"{self.folder}/{name}")
        if found is None:
            raise CorruptBundleError(f"{self.folder}/{name}", "it cannot be read")
        return found

    def commit(self) -> None:
        """Write what was recorded. The timestamps in the headers follow the order of this test's calls.

        Raises OSError. A recording is written whole or not at all.
        """
        began = int(
            time.time() * 1e5
        )  # steps of 10 us: headers keep microseconds, and a float of this size rounds below them
        order = {name: (began + number) / 1e5 for number, name in enumerate(dict.fromkeys(self.log))}
        for name, when in order.items():
            draft = self._drafts.get(name)
            if draft is not None:
                data = recording.file_bytes(draft, when, self._sealing)
            elif self._drafts and recording.exists(f"{self.folder}/{name}"):
                data = recording.with_timestamp(self._library, f"{self.folder}/{name}", when)
            else:
                continue
            recording.write(f"{self.folder}/{name}", data)
        self._drafts.clear()


def _is_visible(path: str) -> bool:
    """Whether code under test is likely to read this place; the chain behind an exception is not such a place."""
    return "__context__" not in path and "__cause__" not in path
