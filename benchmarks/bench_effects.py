"""What recording effects costs the caller: `python benchmarks/bench_effects.py [--json]`.

A dependency that is called with no target active, beside a `functools.wraps` closure; and an effect recorded below a
target, beside the freezing of its arguments and its result alone, which nothing that stores them can avoid. The loop's
own cost is taken off.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from bench_gate import CALLS, bare, closure, loop
from capturing import SMALL, captured
from measure import Row, cpu_per_call, median_ratio, report, samples

from snapagent.core.signature import Parameters
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call, freeze_outcome

EFFECTS = 400  # in one call of a target
SOURCE = """
def find(a, b, c): return a
def ask(row, limit): return [row, limit]
def use(times, row):
    for _ in range(times):
        ask(row, 10)
def other(times, row):
    for _ in range(times):
        ask(row, 10)
"""
CONFIG = """
budget: 100%
max_store_bytes: 2GB
dependencies: ["MODULE:find", "MODULE:ask"]
defaults: {effects: 1000, effects_max_bytes: 64MB, keep: 1}
targets: ["MODULE:use"]
"""


def main() -> None:
    with captured(SOURCE, CONFIG) as program:
        module = program.module
        times = samples(
            {
                "nothing": loop("pass"),
                "idle": loop("f(1, 2, 3)", f=module.find),
                "closure": loop("f(1, 2, 3)", f=closure(bare)),
                "bare": loop("f(1, 2, 3)", f=bare),
            },
            31,
        )
        less = {name: [a - b for a, b in zip(times[name], times["nothing"], strict=True)] for name in times}
        recorded = samples(
            {"effects": lambda: _effects(program), "freezing": _freezing, "bare": _uncaptured(module)}, 15
        )
    cost = {name: [a - b for a, b in zip(recorded[name], recorded["bare"], strict=True)] for name in recorded}
    rows = [
        Row("dependency, no target active", "a plain closure", median_ratio(less, "idle", "closure"), 1.5),
        Row(
            "effect recorded, in the caller",
            "freezing its arguments and result alone",
            median_ratio({**cost, "freezing": recorded["freezing"]}, "effects", "freezing"),
            3.0,
            detail=f"{statistics.median(cost['effects']) * 1e6:.1f} us",
        ),
    ]
    report(rows)


def _effects(program: Any) -> float:
    """Seconds for each effect of one call of a target."""
    seconds = cpu_per_call(lambda: program.module.use(EFFECTS, SMALL), 1) / EFFECTS
    program.flush()
    return seconds


def _uncaptured(module: Any) -> Callable[[], float]:
    return lambda: cpu_per_call(lambda: module.other(EFFECTS, SMALL), 1) / EFFECTS


def _freezing() -> float:
    """Seconds to freeze the arguments and the result of one effect."""
    names, rules = Parameters((("row", "positional_or_keyword"), ("limit", "positional_or_keyword"))), FreezeRules()

    def once() -> None:
        freeze_call(None, (SMALL, 10), {}, names, rules)
        freeze_outcome([SMALL, 10], False, rules)

    return cpu_per_call(once, CALLS // 10)


if __name__ == "__main__":
    main()
