"""Whether a web application from PyPI notices: `python benchmarks/bench_datasette.py [--json] [--quick]`.

datasette serves a SQLite file with every function of its own a target, at the default budget, in turn with a server
without capture. A server must open its port within half as much again of the bare time and a second, and answer each
of a hundred requests with the same bytes. `make bench` installs datasette.
"""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from measure import Row, report

from snapagent.cli.launch import environment_for

ROUNDS = 3 if "--quick" in sys.argv else 5
REQUESTS = 100
MOST_TIMES, MOST_MORE = 1.5, 1.0  # of the bare time to the open port, and seconds besides
TIMES_THAT_DIFFER = (b'"ms": ', b"Queries took ")  # an answer says how long it took, after these words
PATHS = (
    "/",
    "/in",
    "/in/items?_size=20",
    "/in/items.json?_shape=array",
    "/in/items?_sort_desc=price&_facet=kind",
    "/in/items/7",
    "/in/items.csv",
    "/in?sql=select+kind,+sum(price)+from+items+group+by+kind",
    "/in/nothing",
    "/-/plugins.json",
)


class Served(NamedTuple):
    """One run of the server. Times in seconds."""

    until_open: float
    answering: float
    answers: tuple[tuple[int, bytes], ...]


def prepare(folder: Path) -> None:
    with sqlite3.connect(folder / "in.db") as database:
        database.execute("create table items (id integer primary key, name text, kind text, price real)")
        rows = ((number, f"item {number}", ("tool", "toy", "book")[number % 3], number * 1.25) for number in range(500))
        database.executemany("insert into items values (?, ?, ?, ?)", rows)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, port: int, environ: dict[str, str]) -> Iterator[float]:
    """datasette on this port; gives the seconds until the port was open, and stops it afterwards."""
    command = [
        sys.executable,
        "-m",
        "datasette",
        "serve",
        "in.db",
        "--port",
        str(port),
        "--setting",
        "trace_debug",
        "0",
    ]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_open(port):
            if process.poll() is not None or time.perf_counter() - began > 120:
                raise SystemExit("datasette did not open its port")
            time.sleep(0.01)
        yield time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(60)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, without_times(body.replace(str(port).encode(), b"PORT"))


def without_times(body: bytes) -> bytes:
    """The body without how long the query took: that number alone differs from one bare answer to the next."""
    for words in TIMES_THAT_DIFFER:
        pieces = body.split(words)
        body = words.join([pieces[0], *(piece.lstrip(b"0123456789.") for piece in pieces[1:])])
    return body


def run(folder: Path, capture: str | None) -> Served:
    """One server, bare or with its captures in this folder, and a hundred requests."""
    environ = dict(os.environ)
    if capture is not None:
        config = folder / f"{capture}.yaml"
        config.write_text(f"version: 1\ncapture_dir: {folder}/{capture}\ntargets: ['datasette.**:**']\n")
        environ = environment_for(environ, config=str(config), on=True)
    port = free_port()
    with server(folder, port, environ) as until_open:
        began = time.perf_counter()
        answers = tuple(ask(port, PATHS[number % len(PATHS)]) for number in range(REQUESTS))
        return Served(until_open, time.perf_counter() - began, answers)


def main() -> None:
    bare: list[Served] = []
    captured: list[Served] = []
    with tempfile.TemporaryDirectory(prefix="bench-datasette-") as name:
        folder = Path(name)
        prepare(folder)
        run(folder, None)
        for number in range(ROUNDS):
            bare.append(run(folder, None))
            captured.append(run(folder, f"captures-{number}"))
        kept = sum(1 for _ in folder.rglob("*.pkl"))
    expected = bare[0].answers
    different = sum(a != b for served in captured for a, b in zip(expected, served.answers, strict=True))
    own = sum(a != b for served in bare for a, b in zip(expected, served.answers, strict=True))
    open_bare, open_captured = (statistics.median(one.until_open for one in runs) for runs in (bare, captured))
    asked_bare, asked_captured = (statistics.median(one.answering for one in runs) for runs in (bare, captured))
    detail = f"{open_captured:.2f} s, bare {open_bare:.2f} s; {kept} bundles in {ROUNDS} runs"
    most = MOST_TIMES * open_bare + MOST_MORE
    report(
        [
            Row("datasette opens its port", "1.5 x bare + 1 s", open_captured / most, 1.0, detail=detail),
            Row(
                "answers that differ from the bare server's",
                f"of {REQUESTS * ROUNDS}",
                different,
                0,
                detail=f"{own} between bare servers",
            ),
            Row("a hundred requests", "bare", asked_captured / asked_bare, detail=f"{asked_captured:.2f} s"),
        ]
    )


if __name__ == "__main__":
    main()
