"""Interleaved measurement: ratios inside one run are all that a noisy machine can say.

Each variant is timed in turn, round after round, so that whatever else the machine does hits them alike; a row of a
table is the ratio of two medians taken in the same run.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

REPEATS = 9


def per_call(function: Callable[[], object], number: int) -> float:
    """Seconds of one call of `function`, the loop's own cost included, over `number` calls."""
    loop = range(number)
    began = time.perf_counter()
    for _ in loop:
        function()
    return (time.perf_counter() - began) / number


def interleaved(variants: Mapping[str, Callable[[], float]], repeats: int = REPEATS) -> dict[str, float]:
    """Median of what each variant returns (seconds), measured in turn `repeats` times after one warm-up round."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for variant in variants.values():
        variant()
    for _ in range(repeats):
        for name, variant in variants.items():
            times[name].append(variant())
    return {name: statistics.median(values) for name, values in times.items()}


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio, its yardstick in words, and the most (or, for `at_least`, the least) it may be."""

    situation: str
    yardstick: str
    ratio: float
    target: float
    at_least: bool = False
    detail: str = ""

    @property
    def met(self) -> bool:
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def report(rows: list[Row]) -> None:
    """Print the table, or JSON lines with `--json`."""
    for row in rows:
        if "--json" in sys.argv:
            print(json.dumps({**asdict(row), "met": row.met}))
            continue
        sign = ">=" if row.at_least else "<="
        verdict = "ok  " if row.met else "MISS"
        print(f"{verdict} {row.situation:<58} {row.ratio:9.2f} x {row.yardstick} (target {sign} {row.target:g}) {row.detail}")


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.2f} us"
