"""The wall clock of a replay stands at the moment of the captured call; readings of it are not compared."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bundles import NOON, Shop

from snapagent import Bundle, load_capture
from snapagent.compare.clock_readings import Interval, is_reading
from snapagent.replay import clock

PROGRAM = """
import asyncio
import queue
import time
import time as clock
from datetime import UTC, datetime
from time import time as early


def naive():
    return datetime.now()


def aware():
    return datetime.now(UTC)


def stamps():
    now = datetime.now(UTC)
    return {"text": now.isoformat(), "number": now.timestamp(), "milliseconds": int(now.timestamp() * 1000), "n": 3}


def second():
    return int(early())


def timers():
    return time.monotonic(), time.perf_counter()


def deadline():
    end = time.time() + 0.02
    while time.time() < end:
        time.sleep(0.005)
    try:
        queue.Queue().get(timeout=0.01)
    except queue.Empty:
        return "ended"


def measured():
    began = time.perf_counter()
    sum(range(1000))  # two readings in a row are often equally far apart
    took = time.perf_counter() - began
    return {"elapsed": took, "fitTime": took, "took_ms": took * 1000, "size": 3.5}


def delayed():
    return {"time": 2.5}


async def later():
    await asyncio.sleep(0.01)
    return datetime.now(UTC)


def fixed():
    return datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import importlib

    (tmp_path / "clock_program.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("clock_program")
    sys.modules.pop("clock_program", None)


def captured(shop: Shop, program: ModuleType, name: str, when: float = NOON + 0.25) -> Bundle:
    """A bundle of a call that was made at `when`: the clock stands there while it is captured."""
    with clock.clock_at(datetime.fromtimestamp(when, UTC)):
        shop.capture(f"clock_program:{name}", getattr(program, name), when=when)
    return load_capture(f"clock_program:{name}", base_path=shop.base_path)


def at_the_call(moment: datetime) -> bool:
    return abs((moment - datetime.fromtimestamp(NOON + 0.25, UTC)).total_seconds()) < 5


def test_the_clock_stands_at_the_moment_of_the_call_and_ticks(shop: Shop, program: ModuleType) -> None:
    bundle = captured(shop, program, "aware")
    first, second = bundle.call(), bundle.replay()
    assert at_the_call(first) and at_the_call(second)
    assert bundle.timestamp <= first
    assert abs(datetime.now(UTC) - first) > timedelta(hours=1)


def test_a_name_that_was_imported_early_reads_the_moved_clock(shop: Shop, program: ModuleType) -> None:
    assert captured(shop, program, "second").call() == int(NOON)


def test_naive_datetimes_stay_naive_and_local(shop: Shop, program: ModuleType) -> None:
    found = captured(shop, program, "naive").call()
    assert found.tzinfo is None
    assert at_the_call(found.astimezone(UTC))


@pytest.mark.parametrize("name", ["naive", "aware", "stamps", "second"])
def test_readings_of_the_clock_are_not_compared(shop: Shop, program: ModuleType, name: str) -> None:
    bundle = captured(shop, program, name)
    time.sleep(0.01)
    assert bundle.check().kind == "equal"


@pytest.mark.parametrize("name", ["aware", "stamps"])
def test_readings_of_the_real_clock_are_not_compared_either(shop: Shop, program: ModuleType, name: str) -> None:
    verdict = captured(shop, program, name).check(clock=False)
    assert verdict.kind == "equal"
    assert {item.reason for item in verdict.comparison.not_compared} == {"the wall clock, read during the call"}


def test_a_moment_outside_the_call_is_compared(shop: Shop, program: ModuleType) -> None:
    bundle = captured(shop, program, "aware")
    with pytest.raises(AssertionError, match="result"):
        bundle.check(program.fixed)
    with pytest.raises(AssertionError, match="result"):
        bundle.check(lambda: datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(AssertionError, match=r"\(type\)"):
        bundle.check(lambda: time.time())


def test_other_values_beside_a_reading_are_compared(shop: Shop, program: ModuleType) -> None:
    bundle = captured(shop, program, "stamps")
    with pytest.raises(AssertionError, match=r"result\.n.*expected 3, got 4"):
        bundle.check(lambda: {**program.stamps(), "n": 4})


def test_times_that_the_call_measured_are_not_compared(shop: Shop, program: ModuleType) -> None:
    verdict = captured(shop, program, "measured").check()

    places = ["result.elapsed", "result.fitTime", "result.took_ms"]
    assert [one.path for one in verdict.comparison.not_compared] == places


def test_times_that_no_call_can_have_measured_are_compared(shop: Shop, program: ModuleType) -> None:
    bundle = captured(shop, program, "delayed")
    with pytest.raises(AssertionError, match=r"result\.time"):
        bundle.check(lambda: {"time": 3.5})


def test_monotonic_and_perf_counter_stay_real(shop: Shop, program: ModuleType) -> None:
    bundle = captured(shop, program, "timers")
    before = time.monotonic(), time.perf_counter()
    found = bundle.call()
    after = time.monotonic(), time.perf_counter()
    assert all(low <= value <= high for low, value, high in zip(before, found, after, strict=True))


def test_deadlines_and_timeouts_end(shop: Shop, program: ModuleType) -> None:
    assert captured(shop, program, "deadline").check()


def test_a_coroutine_reads_the_moved_clock(shop: Shop, program: ModuleType) -> None:
    bundle = captured(shop, program, "later")
    assert at_the_call(bundle.call())
    assert bundle.check()

    async def two_at_once() -> list[Any]:
        return await asyncio.gather(bundle.acall(), bundle.acall(), bundle.acheck())

    assert all(at_the_call(moment) for moment in asyncio.run(two_at_once())[:2])


def test_replays_in_several_threads_each_get_their_own_moment(shop: Shop, program: ModuleType) -> None:
    shifts = [0.0, 86_400.0, 2 * 86_400.0]
    bundles = []
    for shift in shifts:
        captured(shop, program, "aware", NOON + shift)
        bundles.append(load_capture("clock_program.aware", base_path=shop.base_path))
    found: dict[int, list[datetime]] = {index: [] for index in range(3)}

    def replay(index: int) -> None:
        for _ in range(5):
            found[index].append(bundles[index].call())

    threads = [threading.Thread(target=replay, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for index, shift in enumerate(shifts):
        assert len(found[index]) == 5
        assert all(abs(moment.timestamp() - NOON - shift) < 60 for moment in found[index])


def test_a_replay_inside_a_replay_has_its_own_moment(shop: Shop, program: ModuleType) -> None:
    outer = captured(shop, program, "aware", NOON)
    inner = captured(shop, program, "second", NOON + 7200)

    def both() -> tuple[datetime, int, datetime]:
        return program.aware(), inner.call(), program.aware()

    before, between, after = outer.call(both)
    assert between == int(NOON + 7200)
    assert before <= after < before + timedelta(minutes=1)


def test_the_real_clock_is_back_after_a_call_that_raises(shop: Shop, program: ModuleType) -> None:
    bundle = captured(shop, program, "aware")
    before = time.time()
    with pytest.raises(ZeroDivisionError):
        bundle.call(lambda: 1 // 0)
    assert before <= time.time() < before + 60


def test_a_clock_that_the_test_has_moved_is_left_to_the_test(shop: Shop, program: ModuleType) -> None:
    time_machine = pytest.importorskip("time_machine")
    bundle = captured(shop, program, "aware")
    with time_machine.travel(0, tick=False):
        assert bundle.call() == datetime(1970, 1, 1, tzinfo=UTC)


def test_without_time_machine_the_clock_is_real_and_one_note_says_so(
    shop: Shop, program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = captured(shop, program, "aware")
    monkeypatch.setitem(sys.modules, "time_machine", None)
    monkeypatch.setattr(clock, "_noted", False)
    first, second = bundle.check(), bundle.check()
    assert first.notes == (clock.MISSING,) and "time-machine" in str(first)
    assert second.notes == ()
    assert clock.was_missing()
    assert abs(bundle.call() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 22, 12, 0, 0, 300_000, tzinfo=UTC),
        datetime(2026, 11, 22, 12, 0, 0, 300_000),
        datetime(2026, 11, 22, 13, 0, 0, 300_000, tzinfo=UTC).astimezone() - timedelta(hours=1),
        datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        "2026-11-22T12:00:00.300000+00:00",
        "2026-11-22T12:00:00.300Z",
        "2026-11-22 12:00:00",
        NOON + 0.3,
        int(NOON),
        int((NOON + 0.3) * 1000),
        int(NOON * 1_000_000) + 300_000,
        int(NOON * 1_000_000_000) + 300_000_000,
    ],
)
def test_what_counts_as_a_reading(value: object) -> None:
    assert is_reading(value, Interval(NOON + 0.25, NOON + 0.5))


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 22, 12, 0, 0, 200_000, tzinfo=UTC),
        datetime(2026, 11, 22, 12, 1, tzinfo=UTC),
        datetime(1, 1, 1),
        datetime.max,
        "2026-11-22",
        "2026-11-22T12:00:61",
        "2026-11-22T12:00:00 order 3" * 9,
        True,
        float("nan"),
        float("inf"),
        NOON + 0.2,
        0,
        None,
        b"2026-11-22T12:00:00",
        [NOON + 0.3],
    ],
)
def test_what_does_not_count_as_a_reading(value: object) -> None:
    assert not is_reading(value, Interval(NOON + 0.25, NOON + 0.5))
