"""What surrounds a replayed call: its turn and the wall clock of the captured call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from ..bundle import Header
from ..compare.clock_readings import ClockReadings, Interval
from ..core.records import Record
from . import clock

_SLACK = 1.0  # seconds that a captured call may have taken besides its `duration`, which leaves out the agent's work


class ReplayRules(Record):
    """How a call is replayed. Without `clock` the wall clock is the real one."""

    clock: bool = True


class Surroundings:
    """One replay while it runs, and what is known about it afterwards."""

    def __init__(self, header: Header, rules: ReplayRules) -> None:
        self._header = header
        self._rules = rules
        self._interval = Interval(0.0, 0.0)

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
            started = time.time()
            try:
                yield
            finally:
                self._interval = Interval(started, time.time())

    @property
    def readings(self) -> ClockReadings:
        """Recognises readings of the wall clock, in the captured call and in this one."""
        started = datetime.fromisoformat(self._header.timestamp).timestamp()
        return ClockReadings(Interval(started, started + self._header.duration + _SLACK), self._interval)

    @property
    def notes(self) -> tuple[str, ...]:
        """Facts about this replay for the verdict."""
        return clock.note_missing() if self._rules.clock else ()
