"""The recordings of one wrapper in one test: what was served, what was recorded, and in which order it was called."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from ...bundle import Header
from ...config.settings import Settings
from ...core.records import Record
from ...errors import CorruptBundleError, SideEffectNotRecorded, SnapagentError
from ...placeholder import PRESENT, REDACTED
from ...sealing.seal import RawCall
from ...store import StoreReader
from ..asked import Asked
from ..stored import StoredCall
from . import recording
from .layout import file_name, recordings_in
from .misses import as_recorded, as_stored, refusal
from .mode import Mode
from .secrets import Secrets
from .wrapped_call import Effect

Missed = TypeVar("Missed", bound=SnapagentError)

SEQUENCE, LAST = "sequence", "last"


class Rules(Record):
    """How one wrapper serves. `repeat`: what more calls with the same arguments than were recorded get."""

    ignore: tuple[str, ...] = ()
    repeat: str = SEQUENCE
    facsimiles: Mapping[str, object] = MappingProxyType({})


class Attempt(Record):
    """One call of the wrapper: its place among the recordings, and the recording if it is served one."""

    frozen: recording.Frozen
    name: str
    served: StoredCall | None


def _matters(path: str) -> bool:
    """Whether the code under test may look there: hardly at what was going on when an exception was raised."""
    return "__context__" not in path and "__cause__" not in path


class Book:
    """Serves and records the calls of one effect; safe from several threads."""

    def __init__(
        self,
        effect: Effect,
        folder: str,
        library: StoreReader,
        mode: Mode,
        settings: Settings,
        rules: Rules,
        secrets: Secrets,
    ) -> None:
        self.effect = effect
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

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt:
        """Take the arguments down and look whether they are recorded: one file is touched, however many there are.

        Raises:
            SideEffectNotRecorded: they are not, and recording is off.
            SnapagentError: a recording is broken, foreign, or of another interpreter. All of these are remembered.
        """
        __tracebackhide__ = True
        try:
            return self._begin(args, kwargs)
        except SnapagentError as error:
            raise self.missed(error) from error.__cause__

    def _begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attempt:
        __tracebackhide__ = True
        frozen = self.freeze(args, kwargs)
        with self._lock:
            self._seen[frozen.digits] += 1
            occurrence = self._seen[frozen.digits]
        name = file_name(frozen.digits, occurrence)
        served = None if self.mode.renew else self._find(frozen.digits, occurrence)
        if served is not None:
            name = os.path.basename(served.entry.path)
        elif not self.mode.record:
            raise self._refusal(frozen, occurrence)
        with self._lock:
            self.log.append(name)
        return Attempt(frozen, name, served)

    def freeze(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> recording.Frozen:
        """The arguments as they are now."""
        effect = self.effect
        asked = Asked(effect.target, effect.parameters, effect.defaults, args, kwargs)
        return recording.freeze(asked, self.rules.ignore, self._settings, self._sealing, self._secrets)

    def _find(self, digits: str, occurrence: int) -> StoredCall | None:
        facsimiles = self.rules.facsimiles
        found = recording.find(self._library, f"{self.folder}/{file_name(digits, occurrence)}", facsimiles)
        while found is None and self.rules.repeat == LAST and occurrence > 1:
            occurrence -= 1
            found = recording.find(self._library, f"{self.folder}/{file_name(digits, occurrence)}", facsimiles)
        return found

    def _refusal(self, frozen: recording.Frozen, occurrence: int) -> SideEffectNotRecorded:
        return refusal(self._library, self.effect.name, self.folder, frozen, occurrence, self.mode.remedy)

    def outcome(self, served: StoredCall) -> tuple[Any, bool]:
        """What a recorded call gave, and whether it raised that. An outcome that cannot be loaded is remembered."""
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

    def keep(self, attempt: Attempt, value: object, raised: bool = False, ended: str = recording.COMPLETE) -> None:
        """A call that was made for real has ended so; it is written when the test has passed."""
        call = recording.finished(attempt.frozen, value, raised, self.effect.flavor, ended, self._settings)
        call = self._secrets.removed(call, self._sealing)
        self._secrets.learn(call, self._sealing)
        with self._lock:
            self._drafts[attempt.name] = call
        self._warn_of_placeholders(call)

    def _warn_of_placeholders(self, call: RawCall) -> None:
        missing = [note for note in call.outcome_notes if note.kind not in {*PRESENT, REDACTED} and _matters(note.path)]
        if missing:
            what = ", ".join(f"{note.path} ({note.type}: {note.reason})" for note in missing[:3])
            remedy = "give a stand-in for it: facsimiles={path: ...}"
            warnings.warn(f"{self.effect.name}: its result cannot be recorded whole: {what}; {remedy}", stacklevel=4)

    @property
    def drafts(self) -> frozenset[str]:
        """The file names of what was recorded and is not written yet."""
        return frozenset(self._drafts)

    def recorded_names(self) -> list[str]:
        """File names of the recorded calls in the order they were made in; in a recording test, of those made now."""
        if self.mode.record:
            return list(dict.fromkeys(self.log))
        paths = recordings_in(self.folder)
        return [os.path.basename(path) for path in sorted(paths, key=lambda path: self._order(path))]

    def _order(self, path: str) -> tuple[str, int, str]:
        return (recording.stamp_of(self._library, path), len(path), path)

    def told_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Header, dict[str, Any]]:
        """Header and arguments of a live call, redacted as they would be stored."""
        return as_stored(self.freeze(args, kwargs).raw)

    def told_recording(self, name: str) -> tuple[Header, dict[str, Any]]:
        """The same of a recorded call, written or not."""
        draft = self._drafts.get(name)
        found = as_stored(draft) if draft is not None else as_recorded(self._library, f"{self.folder}/{name}")
        if found is None:
            raise CorruptBundleError(f"{self.folder}/{name}", "it cannot be read")
        return found

    def commit(self) -> None:
        """Write what was recorded; times are given so that they tell the order of this test's calls.

        Raises OSError; recordings that a failure leaves unwritten are reported, never half written.
        """
        began = int(time.time() * 1e5)  # in steps that no rounding of a float can make equal
        order = {name: (began + number) / 1e5 for number, name in enumerate(dict.fromkeys(self.log))}
        for name, when in order.items():
            draft = self._drafts.get(name)
            if draft is not None:
                data = recording.file_bytes(draft, when, self._sealing)
            elif self._drafts and recording.exists(f"{self.folder}/{name}"):
                data = recording.restamped(self._library, f"{self.folder}/{name}", when)
            else:
                continue
            recording.write(f"{self.folder}/{name}", data)
        self._drafts.clear()
