"""Small calls captured one after the other, writer included, beside a naive decorator:
`python benchmarks/bench_throughput.py [--json]`.

A round is the time from the first call until everything is stored. `keep: .inf` is measured into an empty folder, which
is new in each round, and with a thousand bundles stored. Then half of that rate is offered for two seconds: nothing may
be dropped.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import naive
from capturing import SMALL, captured
from measure import Row, median_ratio, microseconds, report, samples

CALLS = 400
NAIVE_CALLS = 20
STORED = 1_000
ROUNDS = 7
NAMES = ("everything", "newest", *(f"empty_{number}" for number in range(ROUNDS + 1)))
SOURCE = "\n".join(f'def {name}(order, number): return {{"total": number, "items": order["items"]}}' for name in NAMES)
CONFIG = """
budget: 100%
targets:
  - {target: "MODULE:newest", keep: 2}
  - {target: "MODULE:*", keep: .inf}
"""


def quote(order: dict[str, object], number: int) -> dict[str, object]:
    return {"total": number, "items": order["items"]}


def many(function: Callable[..., object], calls: int, end: Callable[[], object] = lambda: None) -> float:
    """Seconds a call, with what comes after the last."""
    began = time.perf_counter()
    for number in range(calls):
        function(SMALL, number)
    end()
    return (time.perf_counter() - began) / calls


def naive_store(folder: Path, stored: int, keep: int) -> Callable[..., object]:
    """The naive decorator's function, with so many bundles stored."""
    folder.mkdir()
    bundles = {f"{number}.pkl": f"{number:064x}" for number in range(stored)}
    for name in bundles:
        (folder / name).write_bytes(b"x" * 200)
    (folder / "index.json").write_text(json.dumps({"calls": stored, "bundles": bundles}))
    return naive.capture(folder, keep)(quote)


def offered(function: Callable[..., object], every: float, seconds: float) -> int:
    """Calls that were made, one each `every` seconds."""
    began = time.perf_counter()
    number = 0
    while time.perf_counter() - began < seconds:
        function(SMALL, number)
        number += 1
        time.sleep(max(began + number * every - time.perf_counter(), 0.0))
    return number


def middle(values: list[float]) -> str:
    return microseconds(sorted(values)[len(values) // 2])


def main() -> None:
    with captured(SOURCE, CONFIG) as program, tempfile.TemporaryDirectory(prefix="bench-naive-") as folder:
        module = program.module
        many(module.everything, STORED, program.flush)
        naive_all = naive_store(Path(folder) / "all", STORED, 10**9)
        naive_two = naive_store(Path(folder) / "two", 0, 2)
        empty = (getattr(module, f"empty_{number}") for number in range(ROUNDS + 1))
        naive_empty = (naive_store(Path(folder) / f"empty-{number}", 0, 10**9) for number in range(ROUNDS + 1))
        times = samples(
            {
                "all": lambda: many(module.everything, CALLS, program.flush),
                "two": lambda: many(module.newest, CALLS, program.flush),
                "empty": lambda: many(next(empty), CALLS, program.flush),
                "naive all": lambda: many(naive_all, NAIVE_CALLS),
                "naive two": lambda: many(naive_two, NAIVE_CALLS),
                "naive empty": lambda: many(next(naive_empty), NAIVE_CALLS),
            },
            ROUNDS,
        )
        each = sorted(times["all"])[ROUNDS // 2]
        before = program.engine.writer.store.index(f"{module.__name__}:everything").counts
        made = offered(module.everything, each * 2, 2.0)
        program.flush()
        kept = program.engine.writer.store.index(f"{module.__name__}:everything").counts - before
    rows = [
        Row(
            f"naive decorator, {word}",
            "ours",
            median_ratio(times, f"naive {name}", name),
            least,
            at_least=True,
            detail=f"{middle(times[name])} against {middle(times[f'naive {name}'])}",
        )
        for name, word, least in (
            ("empty", "keep: .inf, empty folder", 6.0),
            ("all", "keep: .inf, 1,000 stored", 20.0),
            ("two", "keep: 2", 20.0),
        )
    ]
    detail = f"{made} calls in two seconds, not captured: {dict(kept.skipped) or 'none'}"
    rows.append(
        Row("captured at half that rate", "calls made", kept.captured / made, 1.0, at_least=True, detail=detail)
    )
    report(rows)


if __name__ == "__main__":
    main()
