"""Calls that are counted and not captured, the quota met or the sample small, beside a `functools.wraps` closure:
`python benchmarks/bench_gate.py [--json]`. The loop's own cost is taken off. A second process measures the methods
without the type flag that makes their binding cheap (SNAPAGENT_METHOD_FLAG=0).
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import wrapt
from capturing import captured
from measure import Row, cpu_per_call, report, samples

CALLS = 20_000
FLAG = "SNAPAGENT_METHOD_FLAG"
SOURCE = """
def met(a, b, c): return a
def out(a, b, c): return a
class Order:
    def met(self, a): return a
    def out(self, a): return a
"""
CONFIG = """
targets:
  - {target: "MODULE:met", quota: 1}
  - {target: "MODULE:Order.met", quota: 1}
  - {target: "MODULE:out", sample: 0.0001}
  - {target: "MODULE:Order.out", sample: 0.0001}
"""


def closure(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return wrapper


@wrapt.decorator
def passing(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


def bare(a: int, b: int, c: int) -> int:
    return a


class Bare:
    def method(self, a: int) -> int:
        return a

    closed = closure(method)
    wrapped = passing(method)


def loop(call: str, **names: object) -> Callable[[], float]:
    """Seconds of one run of `call`, written out in a loop as a program has it."""
    scope = dict(names)
    exec(f"def run():\n for _ in range({CALLS}): {call}", scope)
    return lambda: cpu_per_call(scope["run"], 1) / CALLS  # type: ignore[arg-type]


def main() -> None:
    with captured(SOURCE, CONFIG) as program:
        module, order, thing = program.module, program.module.Order(), Bare()
        for _ in range(3):
            module.met(1, 2, 3), order.met(1)
        program.flush()
        functions = {
            "quota met": module.met,
            "sampled out": module.out,
            "wrapt": passing(bare),
            "closure": closure(bare),
        }
        variants = {"empty": loop("pass")}
        variants |= {f"function, {name}": loop("f(1, 2, 3)", f=one) for name, one in functions.items()}
        for name, which in (("quota met", "o.met(1)"), ("sampled out", "o.out(1)")):
            variants[f"method, {name}"] = loop(which, o=order)
        for name, which in (("wrapt", "o.wrapped(1)"), ("closure", "o.closed(1)")):
            variants[f"method, {name}"] = loop(which, o=thing)
        times = samples(variants, 15)
    empty = statistics.median(times.pop("empty"))
    cost = {name: [one - empty for one in values] for name, values in times.items()}
    rows = []
    for kind, target in (("function", 1.5), ("method", 1.75)):
        base = cost[f"{kind}, closure"]
        for name in ("quota met", "sampled out", "wrapt"):
            ratio = statistics.median(one / other for one, other in zip(cost[f"{kind}, {name}"], base, strict=True))
            detail = f"{statistics.median(cost[f'{kind}, {name}']) * 1e9:.0f} ns"
            title = f"{kind} call, wrapt's usual pass-through" if name == "wrapt" else f"{kind} call, {name}, counted"
            rows.append(Row(title, "closure", ratio, None if name == "wrapt" else target, detail=detail))
    if os.environ.get(FLAG) != "0":
        rows.append(gain(rows))
    report(rows)


def gain(rows: list[Row]) -> Row:
    """What the type flag of the wrapper gains a method: ratios to a closure, each taken inside one process."""
    title = "method call, quota met, counted"
    command = [sys.executable, __file__, "--json"]
    done = subprocess.run(command, env={**os.environ, FLAG: "0"}, capture_output=True, text=True, check=True)
    without = next(row for row in map(json.loads, done.stdout.splitlines()) if row["situation"] == title)
    ours = next(row for row in rows if row.situation == title)
    detail = f"{ours.detail} against {without['detail']}"
    return Row("method call, quota met, without the type flag", "with it", without["ratio"] / ours.ratio, detail=detail)


if __name__ == "__main__":
    main()
