"""A class that has changed since the capture costs its own objects; one that has moved is found under its new name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from bundles import Shop

from snapagent import Bundle, load_capture
from snapagent.errors import BundleLoadError, ChangedClassError, NotReplayableError
from snapagent.placeholder import Placeholder

MODULE = """
import dataclasses
import enum
import typing


@dataclasses.dataclass(slots=True)
class Line:
    item: str
    price: int


@dataclasses.dataclass(slots=True, frozen=True)
class Frozen:
    item: str
    price: int


class Point(typing.NamedTuple):
    x: int
    y: int


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Basket:
    class Row:
        def __init__(self, n):
            self.n = n

    def __init__(self, lines):
        self.lines = lines

    def first(self):
        return self.lines[0]


def count(values, used=None):
    return len(values)


def swallowed(value):
    try:
        return value.item
    except Exception:
        return None


def identity(value):
    return value
"""
CHANGES = {
    "Line": ("    item: str\n    price: int\n\n\n@dataclasses.dataclass(slots=True, frozen", "    item: str\n\n\n"
             "@dataclasses.dataclass(slots=True, frozen"),
    "Frozen": ("class Frozen:\n    item: str\n", "class Frozen:\n"),
    "Point": ("    y: int\n", "    y: int\n    z: int\n"),
    "Color": ("    RED = 1\n", ""),
}  # fmt: skip
VALUES: dict[str, Callable[[ModuleType], object]] = {
    "Line": lambda module: module.Line("tea", 3),
    "Frozen": lambda module: module.Frozen("tea", 3),
    "Point": lambda module: module.Point(1, 2),
    "Color": lambda module: module.Color.RED,
}


class Program:
    """A module whose source changes between capture and replay."""

    def __init__(self, folder: Path, shop: Shop) -> None:
        self.folder = folder
        self.shop = shop
        self.module = self.load(MODULE)

    def load(self, source: str, name: str = "changing") -> ModuleType:
        (self.folder / f"{name}.py").write_text(source)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def change(self, kind: str) -> None:
        before, after = CHANGES[kind]
        assert before in MODULE
        self.load(MODULE.replace(before, after))

    def capture(self, name: str, *args: object) -> Bundle:
        self.shop.capture(f"changing:{name}", getattr(self.module, name), *args)
        return load_capture(f"changing.{name}", base_path=self.shop.base_path)


@pytest.fixture
def changing(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapagent.yaml").write_text("version: 1\n")
    monkeypatch.setenv("SNAPAGENT_CONFIG", str(tmp_path / "snapagent.yaml"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Program(tmp_path, shop)
    for name in ("changing", "moved", "new_home"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", CHANGES)
def test_an_argument_of_a_changed_class_costs_itself_and_names_its_class(changing: Program, kind: str) -> None:
    bundle = changing.capture("count", [1, VALUES[kind](changing.module), "three"])
    changing.change(kind)

    assert bundle.verdict().kind == "equal"
    first, lost, last = bundle.args[0]
    assert (first, last) == (1, "three")
    assert type(lost) is Placeholder
    with pytest.raises(ChangedClassError, match=rf"values\[1\] \(changing.{kind}\) is not there") as caught:
        lost.item  # noqa: B018
    assert "facsimile" not in str(caught.value)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_difference_beside_an_argument_of_a_changed_class_is_no_regression(changing: Program, kind: str) -> None:
    bundle = changing.capture("identity", VALUES[kind](changing.module))
    changing.change(kind)

    verdict = bundle.verdict()

    assert verdict.kind == "not replayable"
    assert f"(changing.{kind})" in verdict.reason
    with pytest.raises(NotReplayableError, match=rf"changing.{kind}"):
        bundle.check()


def test_a_swallowed_use_of_a_changed_argument_is_no_regression(changing: Program) -> None:
    bundle = changing.capture("swallowed", changing.module.Line("tea", 3))
    changing.change("Line")

    assert bundle.verdict().kind == "not replayable"
    assert "value (changing.Line)" in bundle.verdict().reason


@pytest.mark.parametrize("kind", CHANGES)
def test_an_outcome_of_a_changed_class_is_never_equal(changing: Program, kind: str) -> None:
    value = VALUES[kind](changing.module)
    changing.shop.capture("changing:count", lambda values: [value], [1])
    changing.change(kind)

    verdict = load_capture("changing.count", base_path=changing.shop.base_path).verdict()

    assert verdict.kind == "not replayable"
    assert f"result[0] (changing.{kind})" in verdict.reason


def test_another_argument_may_take_the_place_of_the_lost_one(changing: Program) -> None:
    bundle = changing.capture("swallowed", changing.module.Line("tea", 3))
    changing.change("Line")

    assert bundle.using(value=sys.modules["changing"].Line("tea")).call() == "tea"


RENAMES = """
version: 1
renames:
  changing:Line: new_home:Row
  changing:Basket: new_home:Cart
  changing:count: new_home:number
"""
NEW_HOME = MODULE.replace("class Line", "class Row").replace("Basket", "Cart").replace("def count", "def number")


def test_moved_classes_and_functions_are_found_under_their_new_names(changing: Program) -> None:
    module = changing.module
    bundle = changing.capture("count", [module.Line("tea", 3), module.Basket([module.Basket.Row(1)]), module.count])
    changing.load("")
    changing.load(NEW_HOME, "new_home")
    with pytest.raises(BundleLoadError, match="renames"):
        bundle.args  # noqa: B018
    (changing.folder / "snapagent.yaml").write_text(RENAMES)

    line, basket, function = bundle.args[0]

    new_home = sys.modules["new_home"]
    assert type(line) is new_home.Row
    assert (type(basket), type(basket.lines[0])) == (new_home.Cart, new_home.Cart.Row)
    assert function is new_home.number
    assert bundle.verdict().kind == "equal"


def test_a_method_of_a_moved_class_is_found_in_its_new_one(changing: Program) -> None:
    basket = changing.module.Basket([7])
    changing.shop.capture("changing:Basket.first", changing.module.Basket.first, kind="method", instance=basket)
    changing.load("")
    changing.load(NEW_HOME, "new_home")
    (changing.folder / "snapagent.yaml").write_text(RENAMES)

    assert load_capture("changing.Basket.first", base_path=changing.shop.base_path).verdict().kind == "equal"


def test_a_moved_module_takes_all_that_is_in_it(changing: Program) -> None:
    bundle = changing.capture("identity", changing.module.Point(1, 2))
    (changing.folder / "changing.py").unlink()
    del sys.modules["changing"]
    changing.load(MODULE, "moved")
    (changing.folder / "snapagent.yaml").write_text("version: 1\nrenames: {changing: moved}\n")

    assert bundle.verdict().kind == "equal"
