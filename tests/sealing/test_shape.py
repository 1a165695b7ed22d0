"""Argument shapes: equal for calls of a kind, different where None, emptiness, sign, type, flag or member differ."""

from __future__ import annotations

import datetime
import decimal
import enum
import os
import pickle
import subprocess
import sys
import uuid
from collections import Counter, OrderedDict, deque, namedtuple
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sealing_support import sealed

from snapagent.bundle import Header
from snapagent.sealing.shape import shape_of
from snapagent.serializer.inert.decode import decode


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass
class Order:
    total: object
    coupon: str | None = None
    lines: list[object] = field(default_factory=list)
    _cache: dict[str, int] = field(default_factory=dict)


Pair = namedtuple("Pair", "left right")


class Service:
    def __init__(self, calls: int) -> None:
        self.calls = calls

    def quote(self, rows: list[Any], currency: str = "EUR", *extra: Any, **options: Any) -> Any: ...


def quote(rows: list[Any], currency: str = "EUR", *extra: Any, **options: Any) -> Any: ...


def of(value: object) -> str:
    return shape_of({"v": decode(pickle.dumps(value))})[4:-1]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (None, "None"),
        (True, "True"),
        (False, "False"),
        (7, "int"),
        (0, "0"),
        (-7, "int<0"),
        (0.5, "float"),
        (-0.5, "float<0"),
        (-0.0, "0.0"),
        (float("nan"), "nan"),
        ("x", "str"),
        ("", "''"),
        (b"", "b''"),
        ([], "[]"),
        ([1, None, "x", 2], "list[None | int | str]"),
        ((), "()"),
        ((1, 2), "tuple[int]"),
        (set(), "set()"),
        ({1}, "set[int]"),
        (frozenset(), "frozenset()"),
        ({}, "{}"),
        ({"coupon": None, "amount": -1}, "{amount: int<0, coupon: None}"),
        ({"line1": 1, "line2": None}, "dict[str, None | int]"),
        (dict.fromkeys(range(50), "x"), "dict[int, str]"),
        (Counter(), "Counter()"),
        (Counter("x"), "Counter[str, int]"),
        (OrderedDict(a=1), "OrderedDict[str, int]"),
        (deque([1]), "deque[int]"),
        (decimal.Decimal("-1.50"), "Decimal<0"),
        (decimal.Decimal("0.00"), "Decimal(0)"),
        (decimal.Decimal("1"), "Decimal"),
        (datetime.datetime(2026, 1, 1), "datetime"),
        (uuid.UUID(int=3), "UUID"),
        (Colour.RED, "Colour('red')"),
        (Access.READ | Access.WRITE, "Access(3)"),
        (ValueError("x"), "ValueError"),
        (Pair(1, None), "Pair(left: int, right: None)"),
        (Order(1), "Order(coupon: None, lines: [], total: int)"),
        (Order(1, "x", [Order(2)], {"a": 1}), "Order(coupon: str, lines: list[Order], total: int)"),
        ([[1], [{}]], "list[list]"),
        (len, "<len>"),
        (Order, "<Order>"),
    ],
)
def test_a_value_has_a_readable_shape(value: object, shape: str) -> None:
    assert of(value) == shape


def test_a_huge_number_has_a_shape() -> None:
    assert of(10**5000) == "int"
    assert of(Order(10**5000)) == "Order(coupon: None, lines: [], total: int)"


def test_the_shape_names_the_parameters_and_stands_in_the_header() -> None:
    header = sealed(quote, [1, 2], note="x").header

    assert header.shape == "(rows: list[int], currency: str, extra: (), options: {note: str})"
    assert Header.from_json(header.to_json()).shape == header.shape


def test_of_the_bound_instance_only_the_type_counts() -> None:
    shapes = {sealed(Service.quote, [1], instance=Service(calls)).header.shape for calls in (0, 5)}

    assert shapes == {"(self: Service, rows: list[int], currency: str, extra: (), options: {})"}


def test_a_secret_stands_in_no_shape() -> None:
    header = sealed(quote, [1], password="s3cr3t-one", api_keys={"s3cr3t-one": 1}).header

    assert "s3cr3t" not in header.shape
    assert header.shape.endswith(", options: {api_keys: dict[str, int], password: str})")


def test_a_long_shape_is_cut_and_still_tells_calls_apart() -> None:
    def shaped(last: object) -> str:
        return shape_of({f"a_rather_long_parameter_name_{number}": None for number in range(20)} | {"last": last})

    assert len(shaped(1)) <= 200
    assert shaped(1).startswith("(a_rather_long_parameter_name_0: None, ")
    assert shaped(1) != shaped(None)
    assert shaped(1) == shaped(2)


def test_the_work_does_not_grow_with_the_value() -> None:
    assert of([1] * 999 + [None]) == "list[None | int]"
    assert of([1] * 2000 + [None]) == "list[int]"  # not looked at
    assert of({**dict.fromkeys(range(2000), 1), "x": None}) == "dict[int, int]"
    wide = {f"name{number}": dict.fromkeys("abcdefgh", 1) for number in range(200)}
    assert shape_of(wide).count("int") <= 110  # the rest shows its types only


def test_names_that_a_stream_chose_cannot_reach_a_terminal() -> None:
    hostile = decode(pickle.dumps(Order(1)))
    hostile.state = {"\x1b[31m": 1, "\u202eevil": None}

    text = shape_of({"v": hostile})

    assert text.isprintable()
    assert "x1b" in text


def test_a_model_of_pydantic_shows_its_fields() -> None:
    pytest.importorskip("pydantic")
    from attrs_and_pydantic import Model

    assert of(Model(x=-1)) == "Model(inner: None, when: datetime, x: int<0)"


def test_a_value_that_contains_itself_has_a_shape() -> None:
    order = Order(1)
    order.lines.append(order)

    assert of(order) == "Order(coupon: None, lines: list[Order], total: int)"


def test_the_shape_is_the_same_in_another_process_with_another_hash_seed() -> None:
    program = (
        "import sys; sys.path[:0] = %r; import test_shape as t; "
        "print(t.of({'b': {1, 'x', None, 2.5}, 'a': t.Order(1, 'x', ['y', 1])}))"
    ) % [str(Path(__file__).parent), *[path for path in sys.path if path.endswith("support")]]
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert printed == {"{a: Order, b: set[None | float | int | str]}\n"}


def test_what_the_pickler_stores_in_a_form_of_its_own_goes_by_its_class() -> None:
    numpy = pytest.importorskip("numpy")

    def shaped(array: object) -> str:
        return sealed(quote, array).header.shape.partition(", currency")[0]

    assert shaped(numpy.zeros(3)) == "(rows: ndarray[f8, 1d]"
    assert shaped(numpy.zeros((3, 2), "int32", "F")) == "(rows: ndarray[i4, 2d]"
    assert shaped(numpy.zeros((0, 2))) == "(rows: ndarray()"
