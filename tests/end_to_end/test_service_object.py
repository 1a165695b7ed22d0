"""A service that holds what no file can hold is captured in passing, small, and called again with three facsimiles."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = """
import logging
import sqlite3
import threading

import numpy

class Prices:
    def __init__(self, path):
        self.db = sqlite3.connect(":memory:")
        self.db.execute("create table rates (currency text, rate real)")
        self.db.execute("insert into rates values ('EUR', 1.5)")
        self.lock = threading.Lock()
        self.logger = logging.getLogger("shop.prices")
        self.journal = open(path, "a")
        self.model = numpy.zeros(62_500_000)  # 500 MB
        self.calls = 0

    def quote(self, currency, amount):
        with self.lock:
            self.calls += 1
            self.journal.write(f"{currency}\\n")
            self.logger.info("a quote")
            (rate,) = self.db.execute("select rate from rates where currency = ?", (currency,)).fetchone()
            return {"total": amount * rate, "risk": float(self.model[:4].sum()), "calls": self.calls}
"""

RUN = """
import time
from snapagent import install, uninstall
install(enabled=True)
import prices
service = prices.Prices("journal.txt")
took = []
for amount in range(5):
    began = time.perf_counter()
    service.quote("EUR", amount)
    took.append(time.perf_counter() - began)
uninstall()
print(min(took))
"""

REPLAY = """
import io, logging, pathlib, sqlite3
import numpy
from snapagent import load_capture

class Rates(sqlite3.Connection):
    def __init__(self):
        super().__init__(":memory:")
        self.execute("create table rates (currency text, rate real)")
        self.execute("insert into rates values ('EUR', 1.5)")

facsimiles = {"self.db": Rates(), "self.journal": io.StringIO(), "self.model": numpy.zeros(4)}
bundle = load_capture("prices.Prices.quote", facsimiles=facsimiles)
bundle.check()
service = bundle.instance
assert not service.lock.locked() and service.lock is not bundle.instance.lock
assert service.logger is logging.getLogger("shop.prices")
assert pathlib.Path("journal.txt").stat().st_size == written
print(bundle.call())
"""


def test_a_service_with_connection_lock_logger_file_and_500_mb_replays_with_three_facsimiles(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    (tmp_path / "prices.py").write_text(SERVICE)
    (tmp_path / "snapagent.yaml").write_text('version: 1\nbudget: 100%\ntargets: ["prices:Prices.quote"]\n')

    def run(script: str) -> str:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert float(run(RUN)) < 0.02
    bundles = list((tmp_path / "captures").rglob("*.pkl"))
    assert len(bundles) == 2
    assert all(bundle.stat().st_size < 100_000 for bundle in bundles)
    written = (tmp_path / "journal.txt").stat().st_size
    assert written == 5 * len("EUR\n")
    assert run(f"written = {written}\n{REPLAY}") == "{'total': 6.0, 'risk': 0.0, 'calls': 5}\n"
