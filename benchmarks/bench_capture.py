"""A captured call in the caller's thread, beside `pickle.dumps` of its argument and a naive decorator:
`python benchmarks/bench_capture.py [--json]`. The queue is emptied between the rounds.
"""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import naive
from capturing import SMALL, captured, nested
from measure import Row, cpu_per_call, median_ratio, microseconds, per_call, report, samples

SOURCE = "def check(value): return True\n"
CONFIG = 'budget: 100%\ntargets: ["MODULE:check"]\n'


def check(value: object) -> bool:
    return True


def main() -> None:
    large = nested()
    with captured(SOURCE, CONFIG) as program, tempfile.TemporaryDirectory(prefix="bench-naive-") as folder:
        (Path(folder) / "index.json").write_text('{"calls": 0, "bundles": {}}')
        simple = naive.capture(Path(folder), keep=10)(check)
        ours = program.module.check

        def captures(value: object, number: int) -> float:
            took = cpu_per_call(lambda: ours(value), number)
            program.flush()
            return took

        times = samples(
            {
                "dumps small": lambda: cpu_per_call(lambda: pickle.dumps(SMALL), 300),
                "small": lambda: captures(SMALL, 300),
                "naive small": lambda: per_call(lambda: simple(SMALL), 10),
                "dumps large": lambda: cpu_per_call(lambda: pickle.dumps(large), 10),
                "large": lambda: captures(large, 10),
                "naive large": lambda: per_call(lambda: simple(large), 1),
            },
            15,
        )
    middle = {name: sorted(values)[len(values) // 2] for name, values in times.items()}
    rows = []
    for size, title, most, least in (("small", "small dict", 7.0, 100.0), ("large", "10,000 elements", 2.0, 10.0)):
        ours_now, naive_now = microseconds(middle[size]), microseconds(middle[f"naive {size}"])
        ratio = median_ratio(times, size, f"dumps {size}")
        rows.append(Row(f"captured call, {title}, in the caller", "pickle.dumps", ratio, most, detail=ours_now))
        ratio = median_ratio(times, f"naive {size}", size)
        rows.append(Row(f"naive decorator, {title}", "captured call", ratio, least, at_least=True, detail=naive_now))
    report(rows)


if __name__ == "__main__":
    main()
