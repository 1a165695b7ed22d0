"""`promote --cover`: the fewest bundles that take the same branches of their function."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from snapagent.cli.covering import fewest_with_all

SHOP = """
import functools

def traced(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner

def price(amount, coupon=None, rush=False):
    total = amount * 2
    if amount > 10:
        total -= 1
    if coupon:
        total -= coupon
    if rush:
        total += 5
    return total

class Cart:
    @traced
    def total(self, lines):
        return sum(line for line in lines if line > 0)

def down():
    import socket
    socket.create_connection(("localhost", 9))
"""
PROGRAM = """
import shop
for amount in range(1, 6):
    shop.price(amount)
shop.price(11)
shop.price(12, coupon=1)
shop.price(3, coupon=2, rush=True)
shop.Cart().total([1, 2])
shop.Cart().total([])
try:
    shop.down()
except OSError:
    pass
"""


def sets(text: str) -> dict[str, frozenset[tuple[int, int]]]:
    """`a:12 b:23`: the branches of a and b, a digit each."""
    pairs = (word.split(":") for word in text.split())
    return {name: frozenset((int(digit), 0) for digit in digits) for name, digits in pairs}


@pytest.mark.parametrize(
    ("taken", "chosen"),
    [
        ("a:1", "a"),
        ("a:12 b:12", "a"),  # of equal ones the first
        ("a:1 b:12", "b"),
        ("a:12 b:3", "ab"),
        ("a:1234 b:156 c:237 d:4567", "ad"),
        ("a: b:", ""),
    ],
)
def test_the_fewest_with_the_same_branches_are_chosen(taken: str, chosen: str) -> None:
    assert "".join(sorted(fewest_with_all(sets(taken)))) == chosen


def test_the_way_that_is_greedy_is_not_taken_where_all_choices_can_be_tried() -> None:
    taken = sets("a:1234567 b:123489 c:5670")  # the largest is in no smallest choice

    assert sorted(fewest_with_all(taken)) == ["b", "c"]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_however_many_there_are(seed: int) -> None:
    chance = random.Random(seed)
    many = {str(n): frozenset((chance.randrange(60), 0) for _ in range(5)) for n in range(80)}

    chosen = fewest_with_all(many)

    assert frozenset().union(*(many[name] for name in chosen)) == frozenset().union(*many.values())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "program.py").write_text(PROGRAM)
    config = 'version: 1\nbudget: 100%\ndefaults: {keep: .inf}\ntargets: ["shop:price", "shop:Cart.*", "shop:down"]\n'
    (tmp_path / "snapagent.yaml").write_text(config)
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "program.py"]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path


def promoted(result, project: Path) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return sorted(path.name for path in (project / "kept").rglob("*.pkl"))


def test_bundles_that_reach_no_further_branch_stay_behind(project: Path, run) -> None:
    pytest.importorskip("coverage")

    result = run("promote", "shop.price", "--to", "kept", "--cover")

    assert len(promoted(result, project)) == 2  # the rush, and price(11)
    assert "2 of 8 bundles of shop:price take all branches that they take together" in result.stderr
    calls = json.loads(run("list", "shop.price", "--captures-dir", "kept", "--json").stdout)
    assert any("rush=True" in call["arguments"] for call in calls)


def test_a_method_below_a_decorator_is_measured_too(project: Path, run) -> None:
    pytest.importorskip("coverage")

    assert len(promoted(run("promote", "shop:Cart.total", "--to", "kept", "--cover"), project)) == 1


def test_a_dry_run_shows_the_choice_and_writes_nothing(project: Path, run) -> None:
    pytest.importorskip("coverage")

    found = json.loads(run("promote", "shop.price", "--to", "kept", "--cover", "--dry-run", "--json").stdout)

    assert len(found["promoted"]) == 2
    assert not (project / "kept").exists()


def test_what_cannot_be_replayed_is_said_and_nothing_is_written(project: Path, run) -> None:
    pytest.importorskip("coverage")

    result = run("promote", "shop.down", "--to", "kept", "--cover")

    assert result.exit_code == 1
    assert "no bundle of shop:down can be replayed" in result.stderr
    assert not (project / "kept").exists()


def test_without_the_library_the_message_says_what_to_install(project: Path, run) -> None:
    (project / "coverage.py").write_text("raise ModuleNotFoundError(name='coverage')\n")

    result = run("promote", "shop.price", "--to", "kept", "--cover")

    assert result.exit_code == 1
    assert "pip install coverage" in result.stderr
