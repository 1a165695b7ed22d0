"""A web service with one captured call in each request, and four calls below that one, under gunicorn (one worker) and
`wrk` (one connection): `python benchmarks/bench_web.py [--json] [--quick]`. Needs flask, gunicorn and wrk.

The servers run side by side all the time, and each is asked in turn, round after round; they are started anew some
times, because the same program is faster or slower from one start to the next. A row is the median of the rounds'
ratios to the mean of two servers without an agent; what one of these is of the other is the noise. Servers and `wrk`
share the processors.
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
from pathlib import Path
from typing import NamedTuple

from measure import Row, report

from snapagent.cli.launch import environment_for

HERE = Path(__file__).resolve().parent
LIVES, ROUNDS, SECONDS = (1, 3, 1) if "--quick" in sys.argv else (3, 5, 2)
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


NAMES = ("no agent", "no agent, again", *CONFIGS, "naive decorator")
PERCENTILES = (50, 75, 90, 99)


class Asked(NamedTuple):
    rate: float  # requests a second
    latency: dict[int, float]  # percentile -> seconds
    processor: float  # seconds of the server's processor time for one request, which other programs disturb least


def mean(one: Asked, other: Asked) -> Asked:
    latency = {name: (took + other.latency[name]) / 2 for name, took in one.latency.items()}
    return Asked((one.rate + other.rate) / 2, latency, (one.processor + other.processor) / 2)


class Server(NamedTuple):
    name: str
    port: int
    pid: int

    def processor(self) -> float:
        """Seconds that the workers have run so far."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in children]
        return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")

    def ask(self, seconds: int = SECONDS) -> Asked:
        url = f"http://127.0.0.1:{self.port}/quote"
        command = ["wrk", "-t1", "-c1", f"-d{seconds}s", "--latency", url]
        before = self.processor()
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        ran = self.processor() - before
        rate = re.search(r"Requests/sec:\s+([0-9.]+)", text)
        found = re.findall(r"([0-9]+)%\s+([0-9.]+)(us|ms|s)", text)
        made = re.search(r"([0-9]+) requests in", text)
        if rate is None or made is None or "Non-2xx" in text:
            raise RuntimeError(text)
        units = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
        latency = {int(name): float(number) * units[unit] for name, number, unit in found}
        return Asked(float(rate[1]), latency, ran / int(made[1]))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(name: str, base: Path) -> Iterator[Server]:
    folder = base / re.sub("[^a-z0-9]", "-", name)
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "shop.py").write_text(SHOP + (NAIVE if name == "naive decorator" else ""))
    environ = dict(os.environ, NAIVE_HOME=str(HERE), NAIVE_STORE=str(folder / "store"), PYTHONHASHSEED="0")
    if name in CONFIGS:
        config = folder / "snapagent.yaml"
        config.write_text(f"version: 1\ncapture_dir: {folder}/captures\n{CONFIGS[name]}")
        environ = environment_for(environ, config=str(config), on=True)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-w1", "-b", f"127.0.0.1:{port}", "--log-level", "error", "app:app"]
    with subprocess.Popen(command, cwd=folder, env=environ) as process:
        try:
            _wait_for(port)
            yield Server(name, port, process.pid)
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


def live(asked: dict[str, list[Asked]]) -> None:
    """Start all servers and ask each some times."""
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-web-")))
        servers = [stack.enter_context(served(name, base)) for name in NAMES]
        for server in servers:
            server.ask(BURST if server.name in ("default budget", "four effects") else 1)
        for _ in range(ROUNDS):
            for server in servers:
                server.ask(1)  # what the budget has saved up meanwhile is spent after that: a sustained rate is meant
                asked[server.name].append(server.ask())


def main() -> None:
    if not shutil.which("wrk"):
        sys.exit("bench_web needs wrk: apt-get install wrk")
    asked: dict[str, list[Asked]] = {name: [] for name in NAMES}
    for _ in range(LIVES):
        live(asked)
    bare = [mean(*pair) for pair in zip(asked[NAMES[0]], asked[NAMES[1]], strict=True)]
    rows = []
    for name, least in (
        ("no agent", None),
        ("no agent, again", None),
        ("default budget", 0.96),
        ("budget: 100%", 0.7),
        ("four effects", 0.95),
        ("quota met", 0.94),
        ("naive decorator", None),
    ):
        rate = _ratio([one.rate for one in asked[name]], [one.rate for one in bare])
        detail = f"{statistics.median(one.rate for one in asked[name]):.0f} a second"
        rows.append(Row(f"requests a second, {name}", "without", rate, least, at_least=True, detail=detail))
    for name in NAMES:
        now = [one.processor for one in asked[name]]
        detail = f"{statistics.median(now) * 1e6:.0f} us"
        ratio = _ratio(now, [one.processor for one in bare])
        most = {"default budget": 1 / 0.96, "budget: 100%": 1 / 0.7, "quota met": 1 / 0.96}.get(name)
        rows.append(Row(f"processor time of a request, {name}", "without", ratio, most, detail=detail))
    for percentile in PERCENTILES:
        for name in NAMES:
            now = [one.latency[percentile] for one in asked[name]]
            slower = _ratio(now, [one.latency[percentile] for one in bare])
            most = 1.15 if percentile == 99 and name in ("default budget", "quota met") else None
            detail = f"{statistics.median(now) * 1e3:.3f} ms"
            rows.append(Row(f"p{percentile} latency, {name}", "without", slower, most, detail=detail))
    report(rows)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    main()
