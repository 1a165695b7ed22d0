"""`keep_shapes`: ten calls of other kinds outlive a flood of alike ones, in one process and in several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from snapagent import load_captures

SHOP = """
import enum
from dataclasses import dataclass, field

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

@dataclass
class Order:
    total: int
    coupon: str | None = None
    lines: list = field(default_factory=list)

def price(order, colour=Colour.RED, rush=False, weight=1.0):
    if order.total == 13:
        raise ValueError(order.total)
    return order.total * 2
"""
PROGRAM = """
import sys
from shop import Colour, Order, price

NOVEL = [
    ((Order(0),), {}),
    ((Order(-5),), {}),
    ((Order(7, "SPRING"),), {}),
    ((Order(7, ""),), {}),
    ((Order(7, None, [1, None]),), {}),
    ((Order(7), None), {}),
    ((Order(7), Colour.BLUE), {}),
    ((Order(7), Colour.RED, True), {}),
    ((Order(7),), {"weight": -1.0}),
    ((Order(7),), {"weight": 0.0}),
]
which, calls = int(sys.argv[1]), int(sys.argv[2])
mine = [novel for number, novel in enumerate(NOVEL) if which < 0 or number % 4 == which]
for number in range(calls):
    if mine and number % 7 == 3:
        args, kwargs = mine.pop()
        price(*args, **kwargs)
    else:
        price(Order(number + 100))
assert not mine
"""
SHAPES = {
    "(order: Order(coupon: None, lines: [], total: int), colour: Colour('red'), rush: False, weight: float)",
    "(order: Order(coupon: None, lines: [], total: 0), colour: Colour('red'), rush: False, weight: float)",
    "(order: Order(coupon: None, lines: [], total: int<0), colour: Colour('red'), rush: False, weight: float)",
    "(order: Order(coupon: str, lines: [], total: int), colour: Colour('red'), rush: False, weight: float)",
    "(order: Order(coupon: '', lines: [], total: int), colour: Colour('red'), rush: False, weight: float)",
    "(order: Order(coupon: None, lines: list[None | int], total: int), colour: Colour('red'), rush: False,"
    " weight: float)",
    "(order: Order(coupon: None, lines: [], total: int), colour: None, rush: False, weight: float)",
    "(order: Order(coupon: None, lines: [], total: int), colour: Colour('blue'), rush: False, weight: float)",
    "(order: Order(coupon: None, lines: [], total: int), colour: Colour('red'), rush: True, weight: float)",
    "(order: Order(coupon: None, lines: [], total: int), colour: Colour('red'), rush: False, weight: float<0)",
    "(order: Order(coupon: None, lines: [], total: int), colour: Colour('red'), rush: False, weight: 0.0)",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def configure(project: Path, defaults: str) -> None:
    text = f"version: 1\nbudget: 100%\nexit_wait: 60s\ndefaults: {{{defaults}}}\ntargets: [shop:price]\n"
    (project / "snapagent.yaml").write_text(text)


def start(project: Path, which: int, calls: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "program.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SNAPAGENT_")}
    return subprocess.Popen(
        [*command, str(which), str(calls)], cwd=project, env=environment, stderr=subprocess.PIPE, text=True
    )


def shapes(project: Path) -> list[str]:
    return [bundle.metadata["shape"] for bundle in load_captures("shop.price", base_path=str(project / "captures"))]


def index(project: Path) -> dict[str, object]:
    return json.loads((project / "captures" / "shop.price" / "index.json").read_text())


def test_ten_calls_of_ten_thousand_that_are_not_alike_are_there(project: Path) -> None:
    configure(project, "keep: 2, keep_shapes: 10")

    assert start(project, -1, 10_000).wait(120) == 0

    assert set(shapes(project)) == SHAPES
    assert len(shapes(project)) == 12  # two newest, ten others
    found = index(project)
    assert (found["calls"], found["captured"], found["stored"]) == (10_000, 10_000, 12)


def test_without_it_they_are_gone(project: Path) -> None:
    configure(project, "keep: 2")

    assert start(project, -1, 2_000).wait(60) == 0

    assert len(shapes(project)) == 2


def test_several_processes_that_each_made_some_keep_them_all(project: Path) -> None:
    configure(project, "keep: 2, keep_shapes: 10")

    processes = [start(project, which, 300) for which in range(4)]

    assert [process.wait(120) for process in processes] == [0] * 4
    assert set(shapes(project)) == SHAPES
    assert len(shapes(project)) == 12
    found = index(project)
    assert (found["calls"], found["captured"]) == (1_200, 1_200)


def test_the_writer_of_each_call_alone_keeps_them_too(project: Path) -> None:
    configure(project, "keep: 1, keep_shapes: 10")
    with open(project / "snapagent.yaml", "a") as file:
        file.write("sync: true\n")

    assert start(project, -1, 300).wait(120) == 0

    assert set(shapes(project)) == SHAPES


def test_the_newest_few_shapes_stay_where_there_are_more(project: Path) -> None:
    configure(project, "keep: 1, keep_outcomes: 0, keep_shapes: 4")

    assert start(project, -1, 1_000).wait(60) == 0

    found = shapes(project)
    assert len(found) == 5
    assert len(set(found)) == 5
