"""Moments of one clock as those of another."""

from __future__ import annotations

import time

import pytest

from snapagent.core import clock


def test_a_moment_is_dated_as_the_systems_clock_would_have_dated_it() -> None:
    before, moment, after = time.time(), clock.perf_counter(), time.time()
    assert before - 0.01 <= clock.since_epoch(moment) <= after + 0.01


def test_moments_keep_their_order() -> None:
    moments = [clock.perf_counter() for _ in range(1000)]
    dated = [clock.since_epoch(moment) for moment in moments]
    assert dated == sorted(dated)
    assert [clock.since_epoch(moment) for moment in moments] == dated


def test_a_clock_that_is_set_dates_what_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    real = clock.time
    monkeypatch.setattr(clock, "_offset", clock._offset)
    monkeypatch.setattr(clock, "time", lambda: real() + 3600.0)
    dated = max(clock.since_epoch(clock.perf_counter()) for _ in range(10))  # one of them is read without a break
    assert dated == pytest.approx(time.time() + 3600.0, abs=1.0)
