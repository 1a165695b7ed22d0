"""A path that a difference shows is a path that `ignore` takes, and a path that fits nothing is told."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
from decimal import Decimal
from typing import Any

import attrs
import pydantic
import pytest

from snapagent.compare import compare
from snapagent.compare.comparing import make_options
from snapagent.compare.fitting import unused_paths
from snapagent.compare.outcomes import Raised, Returned
from snapagent.core.paths import parse_path


class Model(pydantic.BaseModel):
    at: int
    model_config = {"extra": "allow"}
    _own: int = pydantic.PrivateAttr(default=0)


class Rows(pydantic.RootModel[dict[str, int]]):
    pass


@attrs.define
class Attrs:
    at: int


@attrs.frozen(slots=False)
class FrozenAttrs:
    at: int


@dataclasses.dataclass
class Data:
    at: int


@dataclasses.dataclass(slots=True)
class SlottedData:
    at: int


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenData:
    at: int


class Slots:
    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


class SlotsAndMore(Slots):
    def __init__(self, at: int) -> None:
        super().__init__(0)
        self.at_all = at


class Plain:
    def __init__(self, at: int) -> None:
        self.at = at


class ListState(Plain):
    def __getstate__(self) -> object:
        return [self.at]

    def __setstate__(self, state: list[int]) -> None:
        self.at = state[0]


class OddState(Plain):
    def __getstate__(self) -> object:
        return {"an odd name": self.at}


class Reduced(Plain):
    def __reduce__(self) -> Any:
        return Reduced, (self.at,)


class Named(collections.namedtuple("Named", "at other")):
    __slots__ = ()


class Listed(list[int]):
    pass


class Color(enum.Enum):
    RED = 1


class Failure(Exception):
    pass


def private(value: int) -> Model:
    model = Model(at=1)
    model._own = value
    return model


def listed(value: int) -> Listed:
    found = Listed([1])
    found.at = value  # type: ignore[attr-defined]
    return found


KINDS = (Model, Attrs, FrozenAttrs, Data, SlottedData, FrozenData, Slots, SlotsAndMore, Plain, ListState, OddState,
         Reduced, Failure)  # fmt: skip
KEYS = ("a b", "", "x.y", "it's", "[0]", "класс", "class", 1, -1, True, None, 1.5, float("inf"), float("-inf"),
        float("nan"), b"x", (1, 2), ("a", "b"), Color.RED, datetime.date(2020, 1, 1), Decimal("1.5"), "k" * 200,
        "k " * 100, "é" * 60 + " ", b"y" * 200, "\\" * 90, "a" + "\\" * 90, "a]b", "*", "**", "q\"'", "two\nlines",
        10**30, frozenset([1]))  # fmt: skip
PAIRS: dict[str, tuple[object, object]] = {
    **{kind.__name__: (kind(at=1), kind(at=2)) if kind is Model else (kind(1), kind(2)) for kind in KINDS},
    "extra field": (Model(at=1, more=1), Model(at=1, more=2)),  # type: ignore[call-arg]
    "private attribute": (private(1), private(2)),
    "root model": (Rows({"a b": 1}), Rows({"a b": 2})),
    "named tuple": (Named(1, 2), Named(2, 2)),
    "attribute of a list": (listed(1), listed(2)),
    "inside": ([{"m": Plain(Attrs(1))}], [{"m": Plain(Attrs(2))}]),
    **{f"value of {key!r:.20}": ({key: 1, "s": 1}, {key: 2, "s": 1}) for key in KEYS},
    **{f"missing {key!r:.20}": ({key: 1, "s": 1}, {"s": 1}) for key in KEYS},
    **{f"added to a set {key!r:.20}": ({"s"}, {"s", key}) for key in KEYS},
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_shown_path_is_one_that_ignore_takes(name: str) -> None:
    expected, got = PAIRS[name]
    shown = [difference.path for difference in compare(expected, got)]
    assert shown
    assert compare(expected, got, ignore=shown) == []
    assert compare(expected, expected, ignore=shown) == []
    options = make_options(ignore=shown)
    assert unused_paths(options.ignore, Returned(expected), Returned(got)) == ()


READ_AS = {
    "Model": "result.at",
    "extra field": "result.more",
    "private attribute": "result._own",
    "named tuple": "result.at",
    "Reduced": "result.at",
    "ListState": "result.at",
    "root model": "result.root['a b']",
    "inside": "result[0].m.at.at",
}


@pytest.mark.parametrize("name", READ_AS)
def test_paths_read_as_the_program_reads_the_value(name: str) -> None:
    assert [difference.path for difference in compare(*PAIRS[name])] == [READ_AS[name]]


@pytest.mark.parametrize("path", ["result.nope", "result.at.deeper", "result[3]", "rows.at", "**.nope", "result.*.*"])
def test_a_path_that_fits_nothing_is_told(path: str) -> None:
    assert unused_paths([parse_path(path)], Returned({"at": [1]} if path != "result.at.deeper" else {"at": 1})) == (
        (path,) if path != "result.*.*" else ()
    )


def test_a_path_fits_if_one_of_the_outcomes_has_the_place() -> None:
    pattern = parse_path("result.at")
    assert unused_paths([pattern], Returned({}), Returned({"at": 1})) == ()
    assert unused_paths([pattern], Raised(KeyError("at")), Returned({})) == ("result.at",)
    assert unused_paths([parse_path("exception.args[0]")], Raised(KeyError("at"))) == ()


def test_values_that_hold_themselves_end() -> None:
    own: list[object] = []
    own.append(own)
    assert unused_paths([parse_path("**.nope")], Returned(own)) == ("**.nope",)


def test_paths_into_arrays_are_taken_for_fitting() -> None:
    numpy = pytest.importorskip("numpy")
    assert unused_paths([parse_path("result[1]")], Returned(numpy.array([1, 2]))) == ()
