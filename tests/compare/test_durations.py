"""Which values count as times that a call measured: these differ at every run."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from snapagent.compare.clock_readings import Durations
from snapagent.compare.comparing import examine
from snapagent.compare.walking import DURATION, Options

MEASURED = Options(durations=Durations(captured=0.5, replayed=0.1))


@pytest.mark.parametrize(
    ("name", "expected", "got"),
    [
        ("elapsed", 0.25, 0.01),
        ("mean_fit_time", 0.25, 0.01),
        ("fitTime", 0.0, 0.01),
        ("refit_time_", 0.499, 0.099),
        ("took_ms", 250, 10),
        ("latency_ms", 250.5, 10.1),
        ("duration_ns", 250_000_000, 10_000_000),
        ("time", numpy.float64(0.25), numpy.float64(0.01)),
        ("score_time", numpy.array([0.25, 0.3]), numpy.array([0.01, 0.02])),
    ],
)
def test_a_time_within_both_calls_is_not_compared(name: str, expected: Any, got: Any) -> None:
    compared = examine({name: expected}, {name: got}, MEASURED)

    assert not compared.differences
    assert [(one.path, one.reason) for one in compared.not_compared] == [(f"result.{name}", DURATION)]


@pytest.mark.parametrize(
    ("name", "expected", "got"),
    [
        ("size", 0.25, 0.01),
        ("timeout", 0.25, 0.01),
        ("estimate", 0.25, 0.01),
        ("time", 0.25, 0.2),
        ("time", 0.75, 0.01),
        ("time", -0.25, 0.01),
        ("times", 1, 0),
        ("time", 0.25, "0.01"),
        ("took_ms", 250, 101),
        ("score_time", numpy.array([0.25, 0.3]), numpy.array([0.01, 0.2])),
    ],
)
def test_anything_else_is_compared(name: str, expected: Any, got: Any) -> None:
    assert examine({name: expected}, {name: got}, MEASURED).differences


def test_equal_times_are_compared() -> None:
    assert not examine({"time": 0.25}, {"time": 0.25}, MEASURED).not_compared
