"""A web service with one captured call in each request, and four calls below that one, under gunicorn (one worker) and
`wrk` (one connection): `python benchmarks/bench_web.py [--json] [--quick] [--threads]`. Needs flask, gunicorn and wrk.
With `--threads` the worker has four threads, and `wrk` as many connections.

The servers run side by side all the time, and each is asked in turn, round after round; they are started anew some
times, in another order, because the same program is faster or slower from one start to the next. In each start, what a
server shows is the median of its rounds. Without an agent, and with the default budget, there are two servers, and the
mean of the two counts. Ratios are to those without an agent; a row is the median of the starts' ratios, with the lowest
and the highest. How far two equal servers differ is the noise: a ratio within it says nothing.

Servers and `wrk` share the processors. Where the system allows it (root), they have real-time priority: the 99th
percentile is otherwise that of the waiting for other programs of the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from measure import Row, report

from snapagent.cli.launch import environment_for

HERE = Path(__file__).resolve().parent
LIVES, ROUNDS, SECONDS = (1, 3, 1) if "--quick" in sys.argv else (5, 3, 2)
THREADS = 4 if "--threads" in sys.argv else 1
BURST = 8  # seconds of requests after which a new process has spent the burst that its budget allows
APP = """
import sys
from flask import Flask, jsonify
from shop import quote

app = Flask(__name__)

@app.get("/quote")
def answer():
    return jsonify(quote([{"sku": "bolt", "count": 3}, {"sku": "nut", "count": 5}], "EUR"))
"""
SHOP = """
def quote(lines, currency):
    total = sum(line["count"] * price(line["sku"], currency) for line in lines)
    return {"total": total * rate(currency) + rate("USD"), "currency": currency, "lines": len(lines)}

def price(sku, currency):
    return {"bolt": 2, "nut": 1}[sku]

def rate(currency):
    return 1.19
"""
NAIVE = """
import os, pathlib, sys
sys.path.insert(0, os.environ["NAIVE_HOME"])
import naive
folder = pathlib.Path(os.environ["NAIVE_STORE"])
folder.mkdir(exist_ok=True)
(folder / "index.json").write_text('{"calls": 0, "bundles": {}}')
quote = naive.capture(folder, 10)(quote)
"""
CONFIGS = {
    "default budget": "targets: ['shop:quote']\n",
    "budget: 100%": "budget: 100%\ntargets: ['shop:quote']\n",
    "four effects": "dependencies: ['shop:price', 'shop:rate']\ntargets: ['shop:quote']\n",
    "quota met": "defaults: {quota: 1}\ntargets: ['shop:quote']\n",
}


NAMES = ("no agent", *CONFIGS, "naive decorator")
TWICE = ("no agent", "default budget")
AGAIN = ", again"
SERVERS = (*NAMES, *(name + AGAIN for name in TWICE))
PERCENTILES = (50, 90, 99, 99.9)
RATE, PROCESSOR = "requests a second", "processor time of a request"
# `wrk` itself prints neither the 99.9th percentile nor the exact number of requests that failed.
SUMMARY = """
done = function(summary, latency, requests)
    for percentile in string.gmatch("PERCENTILES", "%S+") do
        print(string.format("p%s %d", percentile, latency:percentile(tonumber(percentile))))
    end
    local failed = summary.errors
    print(string.format("requests %d %d", summary.requests, summary.duration))
    print(string.format("failed %d", failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
""".replace("PERCENTILES", " ".join(map(str, PERCENTILES)))

Asked = dict[str, float]  # what one server showed in one round: a rate, else seconds


def latency(percentile: float) -> str:
    return f"p{percentile:g} latency"


class Server(NamedTuple):
    name: str
    port: int
    pid: int

    def processor(self) -> float:
        """Seconds that the workers have run so far."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in children]
        return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")

    def ask(self, script: Path, seconds: int = SECONDS) -> Asked:
        url = f"http://127.0.0.1:{self.port}/quote"
        command = [*priority(), "wrk", "-t1", f"-c{THREADS}", f"-d{seconds}s", "-s", str(script), url]
        before = self.processor()
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        ran = self.processor() - before
        found = re.search(r"^requests ([0-9]+) ([0-9]+)$", text, re.MULTILINE)
        if found is None or not re.search(r"^failed 0$", text, re.MULTILINE):
            raise RuntimeError(text)
        number, microseconds = int(found[1]), int(found[2])
        asked = {RATE: number / microseconds * 1e6, PROCESSOR: ran / number}
        for name, took in re.findall(r"^p([0-9.]+) ([0-9]+)$", text, re.MULTILINE):
            asked[latency(float(name))] = int(took) * 1e-6
        return asked


@cache
def priority() -> list[str]:
    """What begins a command that is to have real-time priority, where the system allows that."""
    command = ["chrt", "--fifo", "10"]
    allowed = shutil.which("chrt") and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if allowed else []


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(name: str, base: Path) -> Iterator[Server]:
    folder = base / re.sub("[^a-z0-9]", "-", name)
    folder.mkdir()
    shown, name = name, name.removesuffix(AGAIN)
    (folder / "app.py").write_text(APP)
    (folder / "shop.py").write_text(SHOP + (NAIVE if name == "naive decorator" else ""))
    environ = dict(os.environ, NAIVE_HOME=str(HERE), NAIVE_STORE=str(folder / "store"), PYTHONHASHSEED="0")
    if name in CONFIGS:
        config = folder / "snapagent.yaml"
        config.write_text(f"version: 1\ncapture_dir: {folder}/captures\n{CONFIGS[name]}")
        environ = environment_for(environ, config=str(config), on=True)
    port = free_port()
    command = [*priority(), sys.executable, "-m", "gunicorn", "-w1", f"--threads={THREADS}", "-b", f"127.0.0.1:{port}"]
    with subprocess.Popen([*command, "--log-level=error", "app:app"], cwd=folder, env=environ) as process:
        try:
            _wait_for(port)
            yield Server(shown, port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def live(first: int) -> dict[str, Asked]:
    """Start all servers, this one first, and ask each some times; of each, the medians of what it showed."""
    asked: dict[str, list[Asked]] = {name: [] for name in SERVERS}
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-web-")))
        script = base / "summary.lua"
        script.write_text(SUMMARY)
        first %= len(SERVERS)
        servers = [stack.enter_context(served(name, base)) for name in SERVERS[first:] + SERVERS[:first]]
        for server in servers:
            server.ask(script, BURST if server.name.startswith(("default budget", "four effects")) else 1)
        for _ in range(ROUNDS):
            for server in servers:
                # What the budget has saved up meanwhile is spent after a second: a sustained rate is meant.
                server.ask(script, 1)
                asked[server.name].append(server.ask(script))
    return {
        name: {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}
        for name, rounds in asked.items()
    }


TARGETS = {
    RATE: {"default budget": 0.96, "budget: 100%": 0.7, "four effects": 0.95, "quota met": 0.94},
    PROCESSOR: {"default budget": 1 / 0.96, "budget: 100%": 1 / 0.7, "quota met": 1 / 0.96},
    latency(99): {"default budget": 1.15, "quota met": 1.15},
}


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("bench_web needs wrk: apt-get install wrk")
    lives = [live(3 * number) for number in range(LIVES)]
    report([row for what in (RATE, PROCESSOR, *map(latency, PERCENTILES)) for row in _rows(what, lives)])


def _rows(what: str, lives: list[dict[str, Asked]]) -> list[Row]:
    """A row for each kind of server, and one for each kind of two servers: how far the two differ."""
    without = [statistics.mean(_shown(one, TWICE[0], what)) for one in lives]
    rows = []
    for name in NAMES:
        now = [statistics.mean(_shown(one, name, what)) for one in lives]
        ratios = [mine / bare for mine, bare in zip(now, without, strict=True)]
        target = TARGETS.get(what, {}).get(name)
        detail = f"{_value(what, statistics.median(now))}, {_spread(ratios)}"
        rows.append(
            Row(f"{what}, {name}", "without", statistics.median(ratios), target, at_least=what == RATE, detail=detail)
        )
    for name in TWICE:
        apart = [max(pair) / min(pair) for pair in (_shown(one, name, what) for one in lives)]
        situation = f"noise of the {what}, {name}"
        rows.append(Row(situation, "each other", statistics.median(apart), detail=_spread(apart)))
    return rows


def _shown(asked: dict[str, Asked], name: str, what: str) -> list[float]:
    """What the one or two servers of a kind have shown in one start."""
    return [asked[each][what] for each in (name, name + AGAIN) if each in asked]


def _spread(ratios: list[float]) -> str:
    return f"in single starts {min(ratios):.2f} to {max(ratios):.2f}"


def _value(what: str, value: float) -> str:
    if what == RATE:
        return f"{value:.0f} a second"
    return f"{value * 1e3:.3f} ms"


if __name__ == "__main__":
    main()
