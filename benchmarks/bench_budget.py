"""Whether the budget is kept, and by honest figures: `python benchmarks/bench_budget.py [--json] [--quick]`.

Processes do the same work, some 100 microseconds of library code around one call of a target, in turns so short that
whatever else the machine does hits them alike, and are measured by the processor time of all their threads. One only
counts its calls (the quota is met), one captures under a budget of 2 % of the time that it works, which is a quarter of
all time, and one captures every call. The burst of a new process is spent first: a sustained rate is meant.

What a captured call costs by the agent's own account and by the system's tells what the account is worth. It is
measured in one process, because two differ by as much as a capture costs: in turns the target is called, until all is
written, and the function inside it.
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
from typing import NamedTuple

from measure import Row, median_ratio, microseconds, report

from snapagent.cli.launch import environment_for

ROUNDS = 40 if "--quick" in sys.argv else 200
SECONDS = 0.08
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

def request(number, quote=quote):
    query = urllib.parse.parse_qs("currency=EUR&page=%d&sort=name" % number)
    answer = quote([dict(line) for line in LINES], query["currency"][0])
    text = html.escape(json.dumps([answer] * 10, indent=1))
    return len(WORD.findall(text)), Decimal(answer["total"]).quantize(Decimal("0.01"))

def engine():
    if "snapagent" in sys.modules:
        from snapagent.capture.activation import current
        return current.engine()

def spent():
    if engine() is None:
        return 0.0, 0
    return engine().governor.spent, sum(recorder.ledger.totals().captured for recorder in engine().recorders())

number = 0
for line in sys.stdin:
    seconds, is_bare, is_written = json.loads(line)
    function = quote.__wrapped__ if is_bare else quote
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number += 1
        request(number, function)
    if is_written:
        engine().flush(20.0)
    print(json.dumps([time.process_time(), number, *spent()]), flush=True)
"""
NONE, COUNTED, SOME, ALL = "no agent", "calls only counted", "2 % of its time", "all captured"
CONFIGS = {COUNTED: "defaults: {quota: 1}\n", SOME: "budget: 0.5%\n", ALL: "budget: 100%\n"}


class Reading(NamedTuple):
    """What a process has done since it began."""

    used: float  # seconds of processor time
    requests: int
    account: float  # seconds that the agent says capturing took
    captured: int

    def __sub__(self, other: Reading) -> Reading:
        return Reading(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def each(self) -> float:
        return self.used / self.requests


class Program:
    """A process that works when it is asked to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def work(self, seconds: float, *, bare: bool = False, written: bool = False) -> Reading:
        """`bare` calls the function inside the target; `written` waits until all that was captured is written."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([seconds, bare, written]) + "\n")
        self._process.stdin.flush()
        return Reading(*json.loads(self._process.stdout.readline()))


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


def measured() -> tuple[dict[str, list[float]], list[tuple[float, float]]]:
    """Seconds of a request, turn by turn, with what the writer did since the last one; and what `accounts` gives."""
    names = (NONE, *CONFIGS)
    each: dict[str, list[float]] = {name: [] for name in names}
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-budget-")))
        programs = {name: stack.enter_context(started(name, base)) for name in names}
        last = {name: program.work(4.0) for name, program in programs.items()}
        for _ in range(ROUNDS):
            for name, program in programs.items():
                now = program.work(SECONDS)
                each[name].append((now - last[name]).each)
                last[name] = now
        return each, accounts(programs[ALL])


def accounts(program: Program) -> list[tuple[float, float]]:
    """Seconds of a captured call by the agent's account and by the system's, turn by turn."""
    found = []
    before = program.work(SECONDS, written=True)
    for _ in range(ROUNDS):
        bare = program.work(SECONDS, bare=True, written=True)
        after = program.work(SECONDS, written=True)
        captured = after - bare
        more = captured.used - (bare - before).each * captured.requests
        found.append((captured.account / captured.captured, more / captured.captured))
        before = after
    return found


def main() -> None:
    each, found = measured()
    rows = []
    for name, than, most in ((COUNTED, NONE, None), (SOME, COUNTED, 1.04), (ALL, COUNTED, None)):
        detail = f"{microseconds(statistics.median(each[name]))} against {microseconds(statistics.median(each[than]))}"
        rows.append(
            Row(f"processor time of a request, {name}", than, median_ratio(each, name, than), most, detail=detail)
        )
    account, real = (statistics.median(side) for side in zip(*found, strict=True))
    detail = f"{microseconds(account)} against {microseconds(real)}"
    rows.append(
        Row(
            "a captured call, by the agent's account",
            "by the system's",
            account / real,
            0.7,
            at_least=True,
            detail=detail,
        )
    )
    report(rows)


if __name__ == "__main__":
    main()
