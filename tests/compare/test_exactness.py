"""What counts as the same, without tolerance: types, digits, order, state."""

from __future__ import annotations

import enum
import functools
import pathlib
import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import httpx
import pytest
import requests

from snapagent.compare import compare
from snapagent.compare.comparing import examine


class Plain:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("x", "y")

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y


class SameByKey(Plain):
    """An `__eq__` as an ORM has it: the primary key alone."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameByKey) and self.id == other.id

    __hash__ = None  # type: ignore[assignment]


class Cached(Plain):
    """Says itself what belongs to its stored state."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "cache"}


@dataclass
class Order:
    id: int
    note: str = field(default="", compare=False)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Tagged(list):  # type: ignore[type-arg]
    tag = ""


Point = namedtuple("Point", "x y")


def tagged(items: list[int], tag: str) -> Tagged:
    made = Tagged(items)
    made.tag = tag
    return made


SAME = [
    (1, 1),
    (float("nan"), float("nan")),
    ({"b": 1, "a": 2}, {"a": 2, "b": 1}),
    ({float("nan")}, {float("nan")}),
    ({Plain(a=1)}, {Plain(a=1)}),
    ({float("nan"): 1}, {float("nan"): 1}),
    (Plain(a=[Plain(b=1)]), Plain(a=[Plain(b=1)])),
    (Order(1, "x"), Order(1, "y")),
    (Cached(a=1, cache={}), Cached(a=1, cache={"k": 2})),
    (re.compile("a"), re.compile("a")),
    (Point(1, 2), Point(1, 2)),
    (functools.partial(print, 1), functools.partial(print, 1)),
    (Plain(_sa_instance_state=1, id=2), Plain(_sa_instance_state=3, id=2)),
]

DIFFERENT = [
    (1, True, "result"),
    (1, 1.0, "result"),
    ("a", b"a", "result"),
    (Decimal("1.0"), Decimal("1.00"), "result"),
    (Fraction(1, 3), Fraction(1, 2), "result"),
    (datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), "result"),
    ({1: "a"}, {True: "a"}, "result[1]"),
    ({1}, {True}, "result[1]"),
    (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1), "result"),
    (defaultdict(list), defaultdict(int), "result.default_factory"),
    (Counter("aab"), Counter("ab"), "result.a"),
    (deque([1]), deque([2]), "result[0]"),
    (Plain(a=[Plain(b=1)]), Plain(a=[Plain(b=2)]), "result.a[0].b"),
    (Slotted(1, 2), Slotted(1, 3), "result.y"),
    (SameByKey(id=1, name="a"), SameByKey(id=1, name="b"), "result.name"),
    (Order(1), Order(2), "result.id"),
    (Point(1, 2), Point(1, 3), "result.y"),
    (tagged([1], "x"), tagged([1], "y"), "result.tag"),
    (tagged([1], "x"), tagged([2], "x"), "result[0]"),
    (Colour.RED, Colour.BLUE, "result"),
    (re.compile("a"), re.compile("b"), "result"),
    (pathlib.PurePosixPath("a"), pathlib.PurePosixPath("b"), "result"),
    (uuid.UUID(int=1), uuid.UUID(int=2), "result"),
    (functools.partial(print, 1), functools.partial(print, 2), "result"),
    (int, str, "result"),
    (Plain(a=1).__init__, Plain(a=2).__init__, "result"),  # type: ignore[misc]
    ({"odd key": {"x": 1}}, {"odd key": {"x": 2}}, "result['odd key'].x"),
    ({(1, 2): 3}, {(1, 2): 4}, "result['(1, 2)']"),
    (range(3), range(4), "result"),
]


@pytest.mark.parametrize(("expected", "got"), SAME, ids=[str(number) for number in range(len(SAME))])
def test_equal_values_have_no_differences(expected: object, got: object) -> None:
    assert compare(expected, got) == []


@pytest.mark.parametrize(("expected", "got", "path"), DIFFERENT, ids=[str(number) for number in range(len(DIFFERENT))])
def test_a_difference_is_found_at_its_path(expected: object, got: object, path: str) -> None:
    assert path in [difference.path for difference in compare(expected, got)]


def test_classes_are_the_same_when_their_qualified_names_are() -> None:
    again = type("Plain", (Plain,), {"__module__": Plain.__module__, "__qualname__": Plain.__qualname__})
    assert compare(Plain(a=1), again(a=1)) == []
    assert [difference.path for difference in compare(Plain(a=1), again(a=2))] == ["result.a"]


def test_closures_are_compared_by_what_they_enclose() -> None:
    def adder(amount: int) -> Any:
        return lambda value: value + amount

    assert compare(adder(1), adder(1)) == []
    assert len(compare(adder(1), adder(2))) == 1


def test_exceptions_are_compared_by_type_arguments_and_notes() -> None:
    noted = ValueError("x")
    noted.add_note("while reading row 3")
    assert compare(ValueError("x", 1), ValueError("x", 1)) == []
    assert [difference.path for difference in compare(ValueError("x", 1), ValueError("x", 2))] == ["result.args[1]"]
    assert [difference.kind for difference in compare(ValueError("x"), KeyError("x"))] == ["type"]
    assert [difference.kind for difference in compare(ValueError("x"), noted)] == ["added"]
    files = [FileNotFoundError(2, "no such file", name) for name in "ab"]
    assert [difference.path for difference in compare(*files)] == ["result.filename"]


def test_cycles_end() -> None:
    left: list[Any] = [1]
    left.append(left)
    right: list[Any] = [1]
    right.append(right)
    other: list[Any] = [2]
    other.append(other)
    assert compare(left, right) == []
    assert [difference.path for difference in compare(left, other)] == ["result[0]"]


def test_nesting_deeper_than_the_recursion_limit_compares() -> None:
    left: list[Any] = []
    right: list[Any] = [1]
    for _ in range(3_000):
        left, right = [left], [right]
    (difference,) = compare(left, right)
    assert difference.kind == "added"


def test_shared_parts_are_compared_once() -> None:
    left: list[Any] = [1]
    right: list[Any] = [1]
    for _ in range(60):  # 2**60 paths
        left, right = [left, left], [right, right]
    assert compare(left, right) == []


def test_a_shared_part_that_is_ignored_in_one_place_is_compared_in_the_other() -> None:
    left, right = Plain(a=1), Plain(a=2)
    differences = compare([left, left], [right, right], ignore=["result[0].a"])
    assert [difference.path for difference in differences] == ["result[1].a"]


def answer_of_httpx(text: str, seconds: float) -> Any:
    response = httpx.Response(200, text=text, request=httpx.Request("GET", "http://shop/"))
    response.elapsed = timedelta(seconds=seconds)
    return response


def answer_of_requests(text: str, seconds: float) -> Any:
    response = requests.Response()
    response.status_code, response._content = 200, text.encode()
    response.elapsed = timedelta(seconds=seconds)
    return response


@pytest.mark.parametrize("answer", [answer_of_httpx, answer_of_requests])
def test_how_long_an_answer_took_makes_no_difference(answer: Callable[[str, float], Any]) -> None:
    same = examine(answer("ok", 0.01), answer("ok", 0.02))

    assert not same.differences
    assert [place.reason for place in same.not_compared] == ["how long the answer took"]
    assert examine(answer("ok", 0.01), answer("ok", 0.01)).not_compared == ()
    assert compare(answer("ok", 0.01), answer("no", 0.01))
