"""`promote --cover` takes the fewest bundles with the branch coverage of all, and says what it left out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapagent.cli.source.covering import smallest

SHOP = """
import sqlite3

def other(n):
    return [n for _ in range(n) if n]

def price(amount, member=False, code=None):
    total = amount
    if member:
        total -= 1
    if code == "half":
        total /= 2
    elif code:
        raise ValueError(code)
    for _ in range(int(amount) // 100):
        total -= 5
    other(int(amount) % 3)
    return total

class Till:
    def __init__(self):
        self.sums = []

    def add(self, amount):
        if amount < 0:
            return None
        return amount

def stored(name):
    return sqlite3.connect(name)
"""
DRIVE = """
import shop
for n in range(12):
    shop.price(n)
for n in range(5):
    shop.price(n, member=True)
shop.price(10, code="half"); shop.price(150); shop.price(210, member=True, code="half")
try:
    shop.price(3, code="none")
except ValueError:
    pass
till = shop.Till()
for n in (3, -1, 4):
    till.add(n)
shop.stored(":memory:")
"""
CONFIG = """
version: 1
sync: true
budget: 100%
defaults: {keep: .inf}
targets: ["shop:price", "shop:Till.add", "shop:stored"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("covering")
    (folder / "shop.py").write_text(SHOP)
    (folder / "drive.py").write_text(DRIVE)
    (folder / "snapagent.yaml").write_text(CONFIG)
    assert snapagent(folder, "run", "--on", "--", sys.executable, "drive.py").returncode == 0
    return folder


def snapagent(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "snapagent", *words], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_the_fewest_bundles_of_a_function_and_what_is_left_out(project: Path) -> None:
    done = snapagent(project, "promote", "shop.price", "--cover", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert len(answer["promoted"]) + len(answer["left_out"]) == 21
    assert len(answer["promoted"]) == 3  # one that raises, and two for both ways of each condition
    assert {one["reason"] for one in answer["left_out"]} == {"the others take the same branches"}


def test_chosen_bundles_are_promoted_and_replay(project: Path) -> None:
    done = snapagent(project, "promote", "shop.Till.add", "--cover", "--to", "tests/captures")
    assert done.returncode == 0, done.stderr
    assert "LEFT OUT" in done.stdout and "the others take the same branches" in done.stdout
    assert len(list((project / "tests" / "captures" / "shop.Till.add").glob("*.pkl"))) == 2
    assert snapagent(project, "replay", "--captures-dir", "tests/captures").returncode == 0


def test_a_bundle_that_cannot_be_replayed_is_left_out_with_its_reason(project: Path) -> None:
    source = (project / "shop.py").read_text()
    try:
        (project / "shop.py").write_text(source.replace("def stored(", "def renamed("))
        answer = json.loads(snapagent(project, "promote", "shop.stored", "--cover", "--dry-run", "--json").stdout)
    finally:
        (project / "shop.py").write_text(source)
    assert answer["promoted"] == []
    (left,) = answer["left_out"]
    assert "has no 'stored'" in left["reason"]


@pytest.mark.parametrize(
    ("branches", "expected"),
    [
        ({}, set()),
        ({"a": []}, {"a"}),
        ({"a": [], "b": []}, {"b"}),
        ({"a": [1, 2], "b": [2, 3], "c": [3]}, {"a", "b"}),
        ({"a": [1, 2, 3], "b": [1, 2], "c": [3]}, {"a"}),
        ({"old": [1], "new": [1]}, {"old"}),
        ({"1": [1, 2, 3, 4], "2": [1, 2, 5], "3": [3, 4, 6]}, {"2", "3"}),
    ],
)
def test_the_smallest_cover(branches: dict[str, list[int]], expected: set[str]) -> None:
    found = smallest(branches)
    assert found == expected
    assert {one for name in found for one in branches[name]} == {one for own in branches.values() for one in own}
