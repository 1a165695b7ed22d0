"""Moments that a program computes from the clock are other ones at each call, and match all the same."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from effects_support import captured

from snapagent import Bundle, EffectNotRecorded, load_capture
from snapagent.compare.clock_readings import ClockReadings, Interval

pytest.importorskip("time_machine")
SOURCE = """
    import time
    from datetime import datetime, timedelta

    def find(since):
        return [3, 4]

    def save(until, rows):
        return len(rows)

    def renew(days, hours=1):
        since = datetime.now() - timedelta(days=days)
        rows = find(since)
        save(time.time() + hours * 3600, rows)
        return {"since": since.isoformat(), "rows": rows}
"""
YAML = """
dependencies: [{target: 'moments_world:find', role: read}, 'moments_world:save']
targets: ['moments_world:renew']
"""


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    with captured(tmp_path, SOURCE, YAML, "moments_world") as world:
        world.module.renew(7)
    monkeypatch.syspath_prepend(str(tmp_path))
    return load_capture("moments_world:renew", base_path=tmp_path / "captures")


def program() -> ModuleType:
    return sys.modules["moments_world"]


def test_moments_derived_from_the_clock_match_in_reads_writes_and_the_outcome(bundle: Bundle) -> None:
    assert bundle.check().notes == ("effects: 2 served",)
    assert bundle.check(effects="strict")


def test_another_distance_from_the_clock_is_a_change(bundle: Bundle) -> None:
    bundle.check()
    with pytest.raises(EffectNotRecorded, match="since"):
        bundle.check(lambda days: program().renew(days + 1))
    with pytest.raises(AssertionError, match="until"):
        bundle.check(lambda days: program().renew(days, hours=2))


def test_only_values_as_far_from_their_call_are_taken_for_derived_ones() -> None:
    then, now = datetime(2026, 11, 28, 12, tzinfo=UTC), datetime(2026, 12, 5, 9, tzinfo=UTC)
    begun, again = then.timestamp(), now.timestamp()
    readings = ClockReadings(Interval(begun, begun + 1), Interval(again, again + 1), longest=0.1)
    hour = timedelta(hours=1)
    assert readings(then + hour, now + hour)
    assert readings((then + hour).isoformat(), (now + hour).isoformat())
    assert readings(begun + 60.5, again + 60.5)
    assert readings(int(begun) + 3600, int(again) + 3600)
    assert not readings(then + hour, now + hour + timedelta(seconds=2))
    assert not readings(then + hour, then + hour + timedelta(seconds=5))
    assert not readings(17, 17 + round(again - begun))  # a number that is no moment
    assert not readings(then + hour, (now + hour).timestamp())
