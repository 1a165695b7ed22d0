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


def cpu_per_call(function: Callable[[], object], number: int) -> float:
    """The same in seconds of this thread's processor time, which other programs on the machine disturb less."""
    loop = range(number)
    began = time.thread_time()
    for _ in loop:
        function()
    return (time.thread_time() - began) / number


def interleaved(variants: Mapping[str, Callable[[], float]], repeats: int = REPEATS) -> dict[str, float]:
    """Median of what each variant returns (seconds), measured in turn `repeats` times after one warm-up round."""
    return {name: statistics.median(values) for name, values in samples(variants, repeats).items()}


def samples(variants: Mapping[str, Callable[[], float]], repeats: int = REPEATS) -> dict[str, list[float]]:
    """All that was measured, round by round."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for variant in variants.values():
        variant()
    for _ in range(repeats):
        for name, variant in variants.items():
            times[name].append(variant())
    return times


def median_ratio(times: Mapping[str, list[float]], one: str, other: str) -> float:
    """Median of the ratios of each round: what slows a whole round down does not count."""
    return statistics.median(a / b for a, b in zip(times[one], times[other], strict=True))


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio, its yardstick in words, and the most (or, for `at_least`, the least) it may be.

    A row without a target is there to be compared with.
    """

    situation: str
    yardstick: str
    ratio: float
    target: float | None = None
    at_least: bool = False
    detail: str = ""

    @property
    def met(self) -> bool:
        if self.target is None:
            return True
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def report(rows: list[Row]) -> None:
    """Print the table, or JSON lines with `--json`."""
    for row in rows:
        print(json.dumps({**asdict(row), "met": row.met}) if "--json" in sys.argv else line(row), flush=True)


def line(row: Row) -> str:
    verdict, target = "    ", ""
    if row.target is not None:
        verdict = "ok  " if row.met else "MISS"
        target = f"(target {'>=' if row.at_least else '<='} {row.target:g}) "
    return f"{verdict} {row.situation:<58} {row.ratio:9.2f} x {row.yardstick} {target}{row.detail}"


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.2f} us"
