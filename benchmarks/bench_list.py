"""What the command line takes to start, and to answer with a hundred thousand bundles of one function:
`python benchmarks/bench_list.py [--json] [--quick]`, the latter with a tenth of them.

Each run is a whole process whose output goes to a pipe; times are processor time of that process, medians of
interleaved rounds. The store is filled with hard links, as in bench_store.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_store import Ours
from measure import Row, interleaved, report

STORED = 10_000 if "--quick" in sys.argv else 100_000
TARGET = "shop.pricing.quote"
START = 0.150  # seconds that starting may take more than the interpreter does by itself
ANSWER = 1.0
WHOLE = 60e-6 * STORED  # seconds for a line of each bundle
STARTS, RUNS = 15, 5


def took(command: list[str], cwd: str, lines: int | None = None) -> float:
    """Seconds of processor time; `lines` is how many are read before the pipe is closed."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    if lines is None:
        while process.stdout.read(65536):
            pass
    for _ in range(lines or 0):
        process.stdout.readline()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), command
    return usage.ru_utime + usage.ru_stime


def measured(full: str, empty: str, digits: str) -> dict[str, float]:
    python = [sys.executable, "-c", "pass"]
    ours = [sys.executable, "-m", "snapagent"]
    starts = {"python": lambda: took(python, empty), "empty list": lambda: took([*ours, "list"], empty)}

    def run(*words: str, lines: int | None = None) -> Callable[[], float]:
        return lambda: took([*ours, *words], full, lines)

    answers = {
        "list": run("list"),
        "list TARGET | head -3": run("list", TARGET, lines=3),
        "list TARGET -n 10 --sort size": run("list", TARGET, "-n", "10", "--sort", "size"),
        "show TARGET": run("show", TARGET),
        "show TARGET HASH": run("show", TARGET, digits),
        "diff TARGET": run("diff", TARGET),
        "why TARGET": run("why", TARGET),
        "stats": run("stats"),
        "clear --dry-run": run("clear", "--dry-run"),
    }
    whole = {
        "list TARGET": run("list", TARGET),
        "list TARGET --json": run("list", TARGET, "--json"),
        "prune --dry-run": run("prune", "--dry-run", "--defaults"),
        "verify": run("verify"),
        "export": run("export"),
    }
    return interleaved(starts, STARTS) | interleaved(answers, RUNS) | interleaved(whole, 2)


def rows(times: dict[str, float]) -> list[Row]:
    more = times.pop("empty list") - times.pop("python")
    start = Row(
        "start of `snapagent list`", "150 ms more than python", more / START, 1.0, detail=f"{more * 1e3:.0f} ms"
    )
    found = [start]
    whole = ("list TARGET", "list TARGET --json")
    free = ("prune --dry-run", "verify", "export")  # read, or write, all that there is
    for name, seconds in times.items():
        most, target = (WHOLE, 1.0) if name in whole else (ANSWER, None if name in free else 1.0)
        yardstick = f"{most:g} s" if name not in free else "1 s"
        found.append(Row(f"{name}, {STORED:,} bundles", yardstick, seconds / most, target, detail=f"{seconds:.2f} s"))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-list-") as base:
        store = Ours(Path(base) / "captures", STORED)
        store.writer.close()
        empty = Path(base) / "empty"
        empty.mkdir()
        report(rows(measured(base, str(empty), store.digits)))


if __name__ == "__main__":
    main()
