"""Freezing costs little more than the C pickler: ratios inside one run, medians, with room for a busy machine."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import pytest

from snapagent.serializer.freezing import FreezeRules, freeze_call
from snapagent.signature import Parameters


def place(rows: object) -> None: ...


@dataclasses.dataclass
class Line:
    number: int
    text: str
    tags: list[int]


PARAMETERS = Parameters.of(place)
RULES = FreezeRules(max_bytes=10**8)
SMALL = {"id": 7, "name": "widget", "price": 9.5, "tags": ["a", "b"], "ok": True}
NESTED = [{"id": i, "v": [i, i + 1.5, str(i)], "k": {"a": i}} for i in range(1200)]
LINES = [Line(i, str(i), [i]) for i in range(100)]


def best(work: Callable[[], Any], times: int) -> float:
    def once() -> float:
        start = perf_counter()
        for _ in range(times):
            work()
        return (perf_counter() - start) / times

    return min(once() for _ in range(15))


def seconds(value: object, times: int) -> tuple[float, float]:
    """(plain pickle, freezing), the best of interleaved rounds, short enough for a busy machine."""
    plain: list[float] = []
    ours: list[float] = []
    for _ in range(10):
        plain.append(best(lambda: pickle.dumps((None, (value,), {}), 5), times))
        ours.append(best(lambda: freeze_call(None, (value,), {}, PARAMETERS, RULES), times))
    return min(plain), min(ours)


def test_a_small_argument_costs_little_more_than_its_pickle() -> None:
    plain, ours = seconds(SMALL, 100)

    assert ours < plain * 8
    assert ours - plain < 10e-6


@pytest.mark.parametrize(("value", "times", "ratio"), [(NESTED, 2, 1.5), (LINES, 5, 2.5)], ids=["10k", "objects"])
def test_large_arguments_cost_what_their_pickle_costs(value: object, times: int, ratio: float) -> None:
    plain, ours = seconds(value, times)

    assert ours < plain * ratio


def test_plain_data_needs_no_heavy_library() -> None:
    script = (
        "import sys\n"
        "from snapagent.serializer.freezing import FreezeRules, freeze_outcome\n"
        "freeze_outcome({'a': [1, 2.5, 'x']}, False, FreezeRules())\n"
        "heavy = {'dill', 'wrapt', 'yaml', 'filelock', 'ctypes', 'inspect', 'asyncio', 'dataclasses'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert done.stdout == "[]\n", done.stderr
