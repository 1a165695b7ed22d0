"""A web service with one captured call in each request, and four calls below that one, under gunicorn (one worker) and
a client with one connection: `python benchmarks/bench_web.py [--json] [--quick] [--threads]`. Needs flask and gunicorn.
With `--threads` the worker has four threads, and the client four connections.

The servers run side by side all the time, and each is asked in turn, round after round; they are started anew some
times, in another order, because the same program is faster or slower from one start to the next. Rounds are short and
many: another program of the machine slows a few of them, and the median of all rounds of a start counts. Without an
agent, and with the default budget, there are two servers, whose rounds count together. Ratios are to those without an
agent; a row is the median of the starts' ratios, with the lowest and the highest. How far two equal servers differ is
the noise: a ratio within it says nothing.

A request takes from the first byte sent to the last one received, and the client sends the next one when it has the
answer. Where one request takes long, those that other clients would have sent meanwhile are missing: one row adds them,
as `wrk` does. It has no target, because it multiplies whatever else the machine does.

Client and servers share the processors, and the client collects no garbage while it asks. Where the system allows it
(root), they have real-time priority: the 99th percentile is otherwise that of the waiting for other programs.
"""

from __future__ import annotations

import gc
import math
import os
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from measure import Row, report

from snapagent.cli.launch import environment_for

HERE = Path(__file__).resolve().parent
LIVES, ROUNDS = (1, 6) if "--quick" in sys.argv else (5, 8)
SECONDS = 0.6  # of a round
# What the budget has saved up while others were asked is spent, and written, in this time: a sustained rate is meant.
UNMEASURED = 0.5  # seconds before each round
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
WITH_WAITING = "p99 latency with waiting requests"
REQUEST = b"GET /quote HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

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
        return sum(time.clock_gettime(processor_clock(int(pid))) for pid in children)

    def ask(self) -> Asked:
        latencies(self.port, UNMEASURED)
        ran, began = self.processor(), time.perf_counter()
        took = latencies(self.port, SECONDS)
        passed, ran = time.perf_counter() - began, self.processor() - ran
        asked = {RATE: len(took) / passed, PROCESSOR: ran / len(took)}
        for percentile in PERCENTILES:
            asked[latency(percentile)] = below(percentile, took)
        asked[WITH_WAITING] = below(99, with_waiting(took, passed / len(took) * THREADS))
        return asked


def below(percentile: float, values: Iterable[float]) -> float:
    """The value that so many per cent of all do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percentile / 100) - 1]


def with_waiting(took: list[float], every: float) -> Iterator[float]:
    """These latencies, and those of requests that come each so many seconds and wait behind one that takes longer."""
    for seconds in took:
        yield seconds
        while seconds > 2 * every:
            seconds -= every
            yield seconds


def processor_clock(pid: int) -> int:
    """The clock of a process that counts the processor time of its threads, as Linux numbers it."""
    return (~pid << 3) | 2


def latencies(port: int, seconds: float) -> list[float]:
    """Seconds of each request that was answered in this time, over as many connections as the server has threads."""
    took: list[float] = []
    with ExitStack() as stack:
        client = Client(port, took)
        stack.callback(client.close)
        gc.collect()
        gc.disable()
        stack.callback(gc.enable)
        for _ in range(THREADS):
            client.send(client.connect())
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            client.receive()
    return took


class Client:
    """Sends a request on each of its connections as soon as the one before is answered."""

    def __init__(self, port: int, took: list[float]) -> None:
        self._port = port
        self._took = took
        self._poll = select.poll()
        self._connections: dict[int, socket.socket] = {}  # by descriptor, as the two below
        self._sent_at: dict[int, float] = {}
        self._received: dict[int, bytes] = {}

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), 10)
        self._connections[connection.fileno()] = connection
        self._poll.register(connection, select.POLLIN)
        return connection

    def send(self, connection: socket.socket) -> None:
        self._received[connection.fileno()] = b""
        self._sent_at[connection.fileno()] = time.perf_counter()
        connection.sendall(REQUEST)

    def receive(self) -> None:
        """Take what has come, and send the next request where an answer is whole."""
        for descriptor, _ in self._poll.poll(10_000):
            connection = self._connections[descriptor]
            data = connection.recv(65536)
            answer = self._received[descriptor] = self._received[descriptor] + data
            if answer.endswith(b"}\n"):
                self._took.append(time.perf_counter() - self._sent_at[descriptor])
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise RuntimeError(answer)
                self.send(self._again(connection) if b"Connection: close" in answer else connection)
            elif not data:
                raise RuntimeError(f"the server has hung up after {answer!r}")

    def _again(self, connection: socket.socket) -> socket.socket:
        self._poll.unregister(connection)
        del self._connections[connection.fileno()]
        connection.close()
        return self.connect()

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


def take_priority() -> None:
    """Real-time priority for this process and the servers that it will start, where the system allows that."""
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


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
    command = [sys.executable, "-m", "gunicorn", "-w1", f"--threads={THREADS}", "-b", f"127.0.0.1:{port}"]
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


def live(first: int) -> dict[str, list[Asked]]:
    """Start all servers, this one first, and ask each some times; what the servers of each kind showed."""
    asked: dict[str, list[Asked]] = {name: [] for name in SERVERS}
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-web-")))
        first %= len(SERVERS)
        servers = [stack.enter_context(served(name, base)) for name in SERVERS[first:] + SERVERS[:first]]
        for server in servers:
            latencies(server.port, BURST if server.name.startswith(("default budget", "four effects")) else 1)
        for _ in range(ROUNDS):
            for server in servers:
                asked[server.name].append(server.ask())
    return asked


TARGETS = {
    RATE: {"default budget": 0.96, "budget: 100%": 0.7, "four effects": 0.95, "quota met": 0.94},
    PROCESSOR: {"default budget": 1 / 0.96, "budget: 100%": 1 / 0.7, "quota met": 1 / 0.96},
    latency(99): {"default budget": 1.15, "quota met": 1.15},
}


def main() -> None:
    take_priority()
    lives = [live(3 * number) for number in range(LIVES)]
    report([row for what in (RATE, PROCESSOR, *map(latency, PERCENTILES), WITH_WAITING) for row in _rows(what, lives)])


def _rows(what: str, lives: list[dict[str, list[Asked]]]) -> list[Row]:
    """A row for each kind of server, and one for each kind of two servers: how far the two differ."""
    without = [_shown(one, what, *_servers(TWICE[0])) for one in lives]
    rows = []
    for name in NAMES:
        now = [_shown(one, what, *_servers(name)) for one in lives]
        ratios = [mine / bare for mine, bare in zip(now, without, strict=True)]
        target = TARGETS.get(what, {}).get(name)
        detail = f"{_value(what, statistics.median(now))}, {_spread(ratios)}"
        rows.append(
            Row(f"{what}, {name}", "without", statistics.median(ratios), target, at_least=what == RATE, detail=detail)
        )
    for name in TWICE:
        pairs = [[_shown(one, what, each) for each in _servers(name)] for one in lives]
        apart = [max(pair) / min(pair) for pair in pairs]
        situation = f"noise of the {what}, {name}"
        rows.append(Row(situation, "each other", statistics.median(apart), detail=_spread(apart)))
    return rows


def _servers(name: str) -> list[str]:
    """The one or two servers of a kind."""
    return [each for each in (name, name + AGAIN) if each in SERVERS]


def _shown(asked: dict[str, list[Asked]], what: str, *names: str) -> float:
    """What these servers have shown in one start: the median of all their rounds."""
    return statistics.median(one[what] for name in names for one in asked[name])


def _spread(ratios: list[float]) -> str:
    return f"in single starts {min(ratios):.2f} to {max(ratios):.2f}"


def _value(what: str, value: float) -> str:
    if what == RATE:
        return f"{value:.0f} a second"
    return f"{value * 1e3:.3f} ms"


if __name__ == "__main__":
    main()
