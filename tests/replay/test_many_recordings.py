"""A look-up touches one file, however many are recorded; the explicit form of recording works as well."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snapagent.replay.live_call import settings_for
from snapagent.replay.side_effects.layout import TestPlace
from snapagent.replay.side_effects.mode import Mode
from snapagent.replay.side_effects.session import SideEffects
from snapagent.store import StoreReader


def send(address: str, number: int = 0) -> str:
    return f"{address} {number}"


def session(folder: Path, mode: Mode) -> SideEffects:
    place = TestPlace(str(folder), "tests/test_sending", "test_it")
    return SideEffects(place, StoreReader(str(folder)), mode, settings_for)


def seconds_of_lookups(folder: Path) -> float:
    """The best of several rounds of ten look-ups, each in a new session as in a new test."""
    best = 1e9
    for _ in range(7):
        wrapped = session(folder, Mode()).wrap(send)
        began = time.perf_counter()
        for number in range(10):
            wrapped("a", number)
        best = min(best, time.perf_counter() - began)
    return best


def test_a_lookup_among_ten_thousand_costs_what_one_among_ten_costs(tmp_path: Path) -> None:
    recording = session(tmp_path, Mode(record=True))
    wrapped = recording.wrap(send)
    for number in range(10):
        wrapped("a", number)
    few = recording.end(passed=True).written
    alone = seconds_of_lookups(tmp_path)
    folder = os.path.dirname(few[0])
    for number in range(10_000):
        os.link(few[0], f"{folder}/{number:016x}.pkl")
    assert seconds_of_lookups(tmp_path) <= 2 * alone


def test_a_miss_among_thousands_still_finds_the_nearest(tmp_path: Path) -> None:
    recording = session(tmp_path, Mode(record=True))
    wrapped = recording.wrap(send)
    for number in range(100):
        wrapped(f"address {number}", number)
    recording.end(passed=True)
    with pytest.raises(
        AssertionError, match=r"send\(address='address 57', number=57\)\nit differs.*\n.*number: expected 57"
    ):
        session(tmp_path, Mode()).wrap(send)("address 57", 1000)


EXPLICIT = """
import sys
from snapagent import capture, load_capture

folder = sys.argv[1]

def test_it():
    @capture(base_path=folder, keep=float("inf"), enabled=sys.argv[2] == "record")
    def charge(order, amount=1):
        if sys.argv[2] != "record":
            raise RuntimeError("real")
        return {"order": order, "amount": amount}
    return charge

charge = test_it()
if sys.argv[2] == "record":
    for order in range(20):
        charge(order)
else:
    for order in range(20):
        assert load_capture(charge, args=(order,), base_path=folder).result == {"order": order, "amount": 1}
"""


def test_a_decorated_inner_wrapper_records_and_its_bundles_are_found_by_arguments(tmp_path: Path) -> None:
    script = tmp_path / "explicit.py"
    script.write_text(EXPLICIT)
    for mode in ("record", "serve"):
        subprocess.run([sys.executable, str(script), str(tmp_path / "captures"), mode], check=True, timeout=60)
