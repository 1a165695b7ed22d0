"""What a process pays that captures under the default budget, beside the same process without an agent:
`python benchmarks/bench_budget.py [--json] [--quick]`.

Two processes do the same work, some 200 microseconds of library code around one call of a target, and are measured in
turn by their processor time, which other programs on the machine disturb least. The burst of a new process is spent
first: a sustained rate is meant. A third process captures every call; what it takes for one, by the agent's own account
and by the system's, shows whether the budget is kept by honest figures.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from measure import Row, report

from snapagent.launch import environment_for

ROUNDS, SECONDS = (5, 0.4) if "--quick" in sys.argv else (15, 1.0)
SHOP = """
def quote(lines, currency):
    return {"total": sum(line["count"] for line in lines) * 1.19, "currency": currency, "lines": len(lines)}
"""
PROGRAM = """
import html, json, re, sys, time, urllib.parse
from decimal import Decimal
from shop import quote

WORD = re.compile(r"[a-z]+")
LINES = [{"sku": "bolt", "count": 3}, {"sku": "nut", "count": 5}]

def request(number):
    query = urllib.parse.parse_qs("currency=EUR&page=%d&sort=name" % number)
    answer = quote([dict(line) for line in LINES], query["currency"][0])
    text = html.escape(json.dumps([answer] * 10, indent=1))
    return len(WORD.findall(text)), Decimal(answer["total"]).quantize(Decimal("0.01"))

def spent():
    if "snapagent" not in sys.modules:
        return 0.0, 0
    from snapagent.capture.activation import current
    engine = current.engine()
    if engine is None:
        return 0.0, 0
    return engine.governor.spent, sum(recorder.ledger.totals().captured for recorder in engine.recorders())

number = 0
for line in sys.stdin:
    until = time.monotonic() + float(line)
    account, captured = spent()
    began, first = time.process_time(), number
    while time.monotonic() < until:
        number += 1
        request(number)
    used = time.process_time() - began
    after, more = spent()
    print(json.dumps([used, number - first, after - account, more - captured]), flush=True)
"""
CONFIGS = {"default budget": "", "budget: 100%": "budget: 100%\n"}


class Program:
    """A process that works when it is asked to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def work(self, seconds: float) -> tuple[float, int, float, int]:
        """(processor seconds used, requests, seconds by the agent's account, calls captured)."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        used, requests, account, captured = json.loads(self._process.stdout.readline())
        return used, requests, account, captured


@contextmanager
def started(name: str, base: Path) -> Iterator[Program]:
    folder = base / name.replace(" ", "-").replace("%", "")
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    (folder / "program.py").write_text(PROGRAM)
    environ = dict(os.environ, PYTHONHASHSEED="0")  # the same layout of dicts and sets in all of them
    if name in CONFIGS:
        config = folder / "snapagent.yaml"
        config.write_text(f"version: 1\ncapture_dir: {folder}/captures\n{CONFIGS[name]}targets: ['shop:quote']\n")
        environ = environment_for(environ, config=str(config), on=True)
    command = [sys.executable, "program.py"]
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Program(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    names = ("no agent", *CONFIGS)
    each: dict[str, list[float]] = {name: [] for name in names}
    account, captured, made = 0.0, 0, 0
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-budget-")))
        programs = {name: stack.enter_context(started(name, base)) for name in names}
        for program in programs.values():
            program.work(8 * SECONDS)
        for _ in range(ROUNDS):
            for name, program in programs.items():
                used, requests, seconds, taken = program.work(SECONDS)
                each[name].append(used / requests)

                if name == "budget: 100%":
                    account, captured, made = account + seconds, captured + taken, made + requests

    ratios = {
        name: statistics.median(a / b for a, b in zip(each[name], each["no agent"], strict=True)) for name in names
    }
    bare = statistics.median(each["no agent"])
    real = statistics.median(a - b for a, b in zip(each["budget: 100%"], each["no agent"], strict=True))
    detail = f"{bare * 1e6:.0f} us without"
    report(
        [
            Row(
                "processor time of a request, default budget", "without", ratios["default budget"], 1.04, detail=detail
            ),
            Row("processor time of a request, all captured", "without", ratios["budget: 100%"], None),
            Row(
                "the agent's account of a captured call",
                "what the system says",
                account / captured / (real * made / captured),
                0.7,
                at_least=True,
                detail=f"{account / captured * 1e6:.0f} us of {real * made / captured * 1e6:.0f} us",
            ),
        ]
    )


if __name__ == "__main__":
    main()
