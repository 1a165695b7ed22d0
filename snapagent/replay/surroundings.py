"""What surrounds a replayed call: its turn, the wall clock of the captured call, and the effects that are served."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import datetime
from typing import Any

from ..compare.clock_readings import Durations, Interval
from ..compare.walking import Options
from ..core.records import Record
from ..dependencies.raw_tape import RawEffect
from . import clock
from .effects.clock_matching import readings_of, seconds_of
from .effects.dependencies import with_own_code
from .effects.progress import WRITES, EffectsReport, check_mode
from .effects.served_tape import ServedTape, declares_effects
from .stored import StoredCall


class ReplayRules(Record):
    """How a call is replayed. `effects` is the way they are compared, or False for the live dependencies.

    `live` names dependencies that are called for real; without `clock` the wall clock is the real one.
    """

    effects: str | bool = WRITES
    live: frozenset[str] = frozenset()
    clock: bool = True

    @classmethod
    def of(cls, effects: str | bool, live: Iterable[str], clock: bool) -> ReplayRules:
        """From what a test passes. Raises ValueError for a word that `effects` does not take."""
        check_mode(effects)
        named = (live,) if isinstance(live, str) else live
        return cls(WRITES if effects is True else effects, frozenset(named), clock)


class Surroundings:
    """One replay while it runs, and what is known about it afterwards.

    `given` are arguments in place of the stored ones. Raises NotReplayableError when the effects cannot be served.
    """

    def __init__(
        self, stored: StoredCall, rules: ReplayRules, function: Callable[..., Any], given: Mapping[str, Any]
    ) -> None:
        self._header = stored.header
        self._rules = rules
        self._interval = Interval(0.0, 0.0)
        self._notes: tuple[str, ...] = ()
        self._seconds = 0.0
        self._tape: ServedTape | None = None
        if rules.effects is not False and (self._header.effects or declares_effects(self._header.target)):
            code = getattr(with_own_code(getattr(function, "__func__", function)), "__code__", None)
            self._tape = ServedTape(stored, rules.live, code, given)

    @property
    def stand_ins(self) -> Mapping[str, Any]:
        """Values for placeholders among the arguments, by path."""
        return self._tape.stand_ins if self._tape is not None else {}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Everything around the call. A call in another thread that is replayed at the same time is waited for."""
        with clock.turn(), self._entered():
            yield

    @asynccontextmanager
    async def aentered(self) -> AsyncIterator[None]:
        """The same inside a running event loop."""
        async with clock.async_turn():
            with self._entered():
                yield

    @contextmanager
    def _entered(self) -> Iterator[None]:
        with clock.clock_at(datetime.fromisoformat(self._header.timestamp), self._rules.clock):
            started, began = time.time(), time.perf_counter()
            try:
                with self._tape.entered() if self._tape is not None else nullcontext():
                    yield
            finally:
                self._interval = Interval(started, time.time())
                self._seconds = time.perf_counter() - began

    def measured(self, options: Options) -> Options:
        """Options that excuse readings of the wall clock and measured times, of the captured call and of this one.

        A time that a call measured may be longer than the call, whose duration leaves out the agent's work inside it.
        """
        durations = Durations(2 * seconds_of(self._header), 2 * self._seconds)
        return options.replace(readings=readings_of(self._header, self._interval), durations=durations)

    @property
    def seconds(self) -> float:
        """The wall time of the call that was replayed."""
        return self._seconds

    def todays_effects(self) -> list[RawEffect] | None:
        """The effects with the writes of the replay; None when the stored ones stay. Raises NotAcceptedError."""
        return self._tape.todays_effects(str(self._rules.effects)) if self._tape is not None else None

    @property
    def effects(self) -> EffectsReport:
        """What the replay has shown about the effects; also notes about the replay itself."""
        if self._rules.clock and not self._notes:
            self._notes = clock.note_missing()
        notes = self._notes
        if self._tape is None:
            return EffectsReport(notes=notes)
        report = self._tape.report(str(self._rules.effects))
        return report.replace(notes=(*report.notes, *notes))
