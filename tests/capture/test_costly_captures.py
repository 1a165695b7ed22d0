"""With `budget: 100%`: small calls are captured in any number, costly ones of many functions have a bound."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from snapagent import install, uninstall
from snapagent.capture.recording import costly
from snapagent.capture.recording.admission import OVER_BUDGET, SEAL, TOO_SLOW, Gate
from snapagent.capture.recording.budget import Governor
from snapagent.capture.recording.ledger import Ledger
from snapagent.config.reading import DEFAULT_SETTINGS
from snapagent.config.targets import Target

SOURCE = """
class Row:
    def __init__(self, number):
        self.number = number

def total(rows):
    return len(rows)

def double(number):
    return 2 * number
"""


class Clock:
    """Stands for the wall clock and the processor's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.used = 10.0
        monkeypatch.setattr(costly, "MANY", -1)
        monkeypatch.setattr(costly, "perf_counter", lambda: self.now)
        monkeypatch.setattr(costly, "process_time", lambda: self.used)

    def work(self, seconds: float) -> None:
        self.now += seconds
        self.used += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def gate(governor: Governor) -> Gate:
    return Gate(DEFAULT_SETTINGS, Ledger(Target("shop.pricing", "quote")), governor)


def lets_in(door: Gate) -> bool:
    """Asked as a recorder asks."""
    return door.governor.balance > door.needs or door.affords()


def test_costly_captures_of_many_functions_take_a_share_of_the_time(clock: Clock) -> None:
    governor = Governor(1.0)
    doors = [gate(governor) for _ in range(50)]
    captured = 0
    for _ in range(1000):  # 100 seconds of a program, in which each function would take 100 seconds
        clock.work(0.1)
        for door in doors:
            if lets_in(door):
                door.succeeded(0.01, 0.01, 0.09)
                door.settle(10**6, 0.09, 0.09)
                captured += 1
    share = costly._SHARE + costly._SHARE_OF_TIME
    assert captured * 0.1 == pytest.approx(costly._AT_ONCE - costly._FOR_FIRSTS + 100 * share, abs=0.2)


def test_every_call_is_captured_while_few_functions_have_been_called(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costly, "MANY", 3)
    governor = Governor(1.0)
    doors = [gate(governor) for _ in range(3)]
    for _ in range(100):
        for door in doors:
            assert lets_in(door)
            door.succeeded(0.1, 0.1, 1.0)
            door.settle(10**6, 1.0, 1.0)
    assert governor.most_for_one(7.0) == 7.0
    fourth = gate(governor)
    assert governor.costly.left == pytest.approx(costly._AT_ONCE)  # what was taken before does not count
    assert lets_in(fourth) and lets_in(doors[0])
    fourth.succeeded(costly._AT_ONCE, 0.1, 0.0)
    assert not lets_in(fourth) and not lets_in(doors[0])


def test_small_calls_are_captured_however_much_costly_ones_have_taken(clock: Clock) -> None:
    governor = Governor(1.0)
    gate(governor).succeeded(100.0, 0.1, 1.0)
    small = gate(governor)
    for _ in range(10_000):
        assert lets_in(small)
        small.succeeded(0.0001, 0.0001, SEAL)
        small.settle(100, SEAL, 0.0001)
    assert governor.costly.left < 0.0


def test_the_last_seconds_are_left_for_functions_without_a_bundle(clock: Clock) -> None:
    governor = Governor(1.0)
    often = gate(governor)
    while lets_in(often):
        often.succeeded(0.1, 0.1, 0.01)
    assert 0.3 < governor.costly.left <= costly._FOR_FIRSTS
    rare = gate(governor)
    rare.gave_up(0.05, 0.05)  # it is known to be costly, and has no bundle yet
    assert rare.needs == math.inf
    assert lets_in(rare)


def test_a_call_that_is_surplus_gives_back_what_was_reserved_for_the_writer(clock: Clock) -> None:
    governor = Governor(1.0)
    door = gate(governor)
    before = governor.costly.left
    door.succeeded(0.0, 0.0, 0.4)
    assert governor.costly.left == pytest.approx(before - 0.4)
    door.settle(10**6, 0.4, 0.0)
    assert governor.costly.left == pytest.approx(before)


def test_a_function_that_became_cheap_is_not_asked_again(clock: Clock) -> None:
    governor = Governor(1.0)
    door = gate(governor)
    door.succeeded(0.1, 0.1, SEAL)
    assert not door.only_counts
    assert lets_in(door)
    door.succeeded(0.0001, 0.0001, SEAL)
    assert door.only_counts
    governor.costly.spend_on_writing(100.0)
    assert lets_in(door)


def test_with_nothing_left_a_first_call_may_take_little_and_a_short_wait_brings_more(clock: Clock) -> None:
    governor = Governor(1.0)
    assert governor.most_for_one(2.0) == 2.0
    governor.costly.spend_on_writing(costly._AT_ONCE + 0.1)
    assert governor.most_for_one(2.0) == costly.LITTLE
    clock.work(1.0)
    assert governor.most_for_one(2.0) == 2.0


def test_a_service_that_waits_earns_too(clock: Clock) -> None:
    governor = Governor(1.0)
    governor.costly.spend_on_writing(costly._AT_ONCE)
    clock.now += 10.0
    assert governor.costly.left == pytest.approx(10.0 * costly._SHARE_OF_TIME)


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "costly_sample.py").write_text(SOURCE)
    (tmp_path / "snapagent.yaml").write_text(
        "version: 1\nbudget: 100%\ncapture_dir: captures\ntargets: ['costly_sample:*']\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(costly, "MANY", -1)
    monkeypatch.setattr(costly, "_SHARE", 0.0)
    monkeypatch.setattr(costly, "_SHARE_OF_TIME", 0.0)
    install(enabled=True, config=tmp_path / "snapagent.yaml")
    try:
        import costly_sample  # type: ignore[import-not-found]

        yield costly_sample
    finally:
        uninstall()
        sys.modules.pop("costly_sample", None)


def counts(name: str) -> dict[str, object]:
    index = json.loads(Path(f"captures/costly_sample.{name}/index.json").read_text())
    return {key: index[key] for key in ("calls", "captured", "skipped", "failed")}


def test_calls_that_would_take_too_long_are_counted_as_over_budget_and_said_nothing_of(
    sample: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(costly, "_AT_ONCE", 0.0)
    rows = [sample.Row(number) for number in range(100_000)]
    for _ in range(5):
        assert sample.total(rows) == 100_000
        assert sample.double(4) == 8
    uninstall()
    assert counts("double") == {"calls": 5, "captured": 5, "skipped": {}, "failed": {}}
    assert counts("total") == {"calls": 5, "captured": 0, "skipped": {OVER_BUDGET: 5}, "failed": {}}
    assert not [record for record in caplog.records if TOO_SLOW in record.message or "could not" in record.message]


def test_ordinary_large_calls_are_all_captured(sample: ModuleType) -> None:
    rows = [sample.Row(number) for number in range(1000)]
    for _ in range(20):
        sample.total(rows)
    uninstall()
    assert counts("total") == {"calls": 20, "captured": 20, "skipped": {}, "failed": {}}


@pytest.mark.parametrize(("spent", "left"), [(0.0, 1.0), (0.5, 0.5), (5.0, 0.1)])
def test_a_forked_child_begins_with_what_its_parent_had_left(clock: Clock, spent: float, left: float) -> None:
    """A program may fork thousands of children, one after the other."""
    governor = Governor(1.0)
    governor.costly.spend(spent, 0.0)
    clock.used = 0.0  # the child's own

    governor.restart()

    assert governor.costly.left == pytest.approx(left)
    governor.costly.spend(left, 0.0)
    assert not governor.costly.allow(has_bundle=False)
    clock.work(1.0)
    assert governor.costly.left == pytest.approx(costly._SHARE + costly._SHARE_OF_TIME)


def test_a_forked_child_has_what_its_parent_had_earned(clock: Clock) -> None:
    governor = Governor(1.0)
    governor.costly.spend(costly._AT_ONCE, 0.0)
    clock.work(2.0)
    earned = governor.costly.left
    clock.used = 0.0

    governor.restart()

    assert governor.costly.left == pytest.approx(earned) and earned == pytest.approx(
        2 * (costly._SHARE + costly._SHARE_OF_TIME)
    )
