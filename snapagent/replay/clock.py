"""The wall clock of a replay: it stands at the moment of the captured call, and ticks.

time-machine moves the wall clock of the whole process; `monotonic` and `perf_counter` stay real, because timeouts and
event loops depend on them. Therefore replays of several threads or tasks take turns. A replay inside a replay does not
wait for the outer one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta, timezone
from types import ModuleType

MISSING = "the wall clock was not moved to the time of the call: install snapagent[test], which brings time-machine"

_POLL = 0.002  # seconds between two attempts of a task to take its turn
_turn: ContextVar[threading.Lock] = ContextVar("snapagent_replay_turn", default=threading.Lock())  # noqa: B039


@contextmanager
def turn() -> Iterator[None]:
    """Wait until no other thread or task replays a call, and keep them waiting inside."""
    lock = _turn.get()
    with lock:
        token = _turn.set(threading.Lock())  # for replays inside this one
        try:
            yield
        finally:
            _turn.reset(token)


@asynccontextmanager
async def async_turn() -> AsyncIterator[None]:
    """The same for a task. It never blocks the event loop, on which the replay that it waits for may run."""
    lock = _turn.get()
    while not lock.acquire(blocking=False):
        await asyncio.sleep(_POLL)
    token = _turn.set(threading.Lock())
    try:
        yield
    finally:
        _turn.reset(token)
        lock.release()


@contextmanager
def clock_at(moment: datetime, move: bool = True) -> Iterator[None]:
    """Move the wall clock to `moment`; it ticks. Without time-machine, and with `move=False`, it stays the real one.

    A clock that the test itself has moved (time-machine, freezegun) is left to the test.
    """
    machine = _time_machine() if move else None
    if machine is None or _is_moved_by_the_test(machine):
        yield
        return
    travel = machine.travel(moment.astimezone(_NEITHER_UTC_NOR_NAMED), tick=True)
    travel.start()
    _moved.append(travel)
    try:
        time.time()  # the moved clock ticks from its first reading on
        yield
    finally:
        _moved.remove(travel)
        travel.stop()


# time-machine also changes the process's time zone for a destination in UTC or in a named zone.
_NEITHER_UTC_NOR_NAMED = timezone(timedelta(hours=1))
_moved: list[object] = []


def _time_machine() -> ModuleType | None:
    try:
        import time_machine
    except ImportError:
        return None
    return time_machine


def note_missing() -> tuple[str, ...]:
    """The note that the clock cannot be moved here, once in a process."""
    global _noted
    if _noted or _time_machine() is not None:
        return ()
    _noted = True
    return (MISSING,)


def was_missing() -> bool:
    """Whether a replay of this process has noted that its clock could not be moved."""
    return _noted


_noted = False


def _is_moved_by_the_test(machine: ModuleType) -> bool:
    return not _moved and (bool(machine.escape_hatch.is_travelling()) or datetime.__name__ == "FakeDatetime")
