"""Resident size of a process that captures a million calls: `python benchmarks/bench_memory.py [--json] [--quick]`.

The size after the first tenth, when all caches have filled, is the yardstick; the queue's bound is seen by holding the
writer up.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from capturing import SMALL, captured
from measure import Row, report

CALLS = 100_000 if "--quick" in sys.argv else 1_000_000
SOURCE = "def check(order, number): return {'total': number}\n"
CONFIG = 'budget: 100%\ntargets: ["MODULE:check"]\n'
MOST = 64 * 1024 * 1024  # bytes: the bound of the queue


def resident() -> int:
    """Bytes."""
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmRSS in /proc/self/status")


def main() -> None:
    with captured(SOURCE, CONFIG) as program:
        check = program.module.check
        sizes = []
        for part in range(10):
            for number in range(part * CALLS // 10, (part + 1) * CALLS // 10):
                check(SMALL, number)
                if number % 5_000 == 0:
                    program.flush()
            program.flush()
            sizes.append(resident())
        counts = program.engine.writer.store.index(f"{check.__module__}:check").counts
        held = held_up(program)
    grown = f"{sizes[0] / 1e6:.1f} MB, {(sizes[-1] - sizes[0]) / 1e6:+.1f} MB"
    report(
        [
            Row(
                f"resident size after {counts.captured:,} captured calls",
                "after a tenth",
                sizes[-1] / sizes[0],
                1.05,
                detail=f"{grown}; not captured: {dict(counts.skipped) or 'none'}",
            ),
            Row("bytes queued while nothing is written", "64 MB", held / MOST, 1.0, detail=f"{held / 1e6:.1f} MB"),
        ]
    )


def held_up(program: object) -> int:
    """Bytes that the queue takes when the disk stands still."""
    writer = program.engine.writer  # type: ignore[attr-defined]
    check = program.module.check  # type: ignore[attr-defined]
    text = "x" * 100_000
    with writer._rounds.lock:
        for number in range(1_500):
            check(text, number)
        return int(writer._bytes_in - writer._rounds.bytes_out)


if __name__ == "__main__":
    main()
