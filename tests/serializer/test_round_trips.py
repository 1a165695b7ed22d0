"""What comes back is what went in: types of the standard library, and modules that were renamed since."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import pathlib
import re
import sys
import threading
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import pytest
from freezes import frozen, frozen_call, kept

from snapagent.core.signature import Parameters
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call
from snapagent.serializer.thawing.load import thaw
from snapagent.serializer.thawing.renames import canonical_module, find_global, spellings


@dataclasses.dataclass
class Box:
    inside: Any
    label: str = ""


class Bag:
    def __init__(self, inside: Any) -> None:
        self.inside = inside


class Color(enum.Enum):
    RED = 1


class Flags(enum.IntFlag):
    A = 1
    B = 2


class Pair(NamedTuple):
    x: int
    y: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: int
    when: dt.datetime


class Grows(dict[str, int]):
    def __init__(self, extra: str) -> None:
        super().__init__(a=1)
        self.extra = extra

    def __reduce__(self) -> Any:
        return Grows, (self.extra,), None, None, iter(self.items())


class ListWithName(list[int]):
    name = ""


class Slotted:
    __slots__ = ("__dict__", "x")

    def __eq__(self, other: object) -> bool:
        return type(other) is Slotted and (self.x, vars(self)) == (other.x, vars(other))

    __hash__ = None  # type: ignore[assignment]


def slotted() -> Slotted:
    value = Slotted()
    value.x = 1
    value.y = 2  # type: ignore[attr-defined]
    return value


def with_name() -> ListWithName:
    value = ListWithName([1, 2])
    value.name = "n"
    return value


STANDARD = [
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    dt.datetime(2026, 11, 22, 9, 34, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 22, 9, 34, tzinfo=dt.timezone(dt.timedelta(hours=2), "x")),
    dt.time(1, 2, 3),
    uuid.UUID(int=7),
    pathlib.Path("/a/b"),
    pathlib.PurePosixPath("a"),
    pathlib.PureWindowsPath("c:/x"),
    re.compile("a+", re.I),
    range(1, 10, 2),
    slice(1, None),
    Color.RED,
    Flags.A | Flags.B,
    Pair(1, [2]),
    Frozen(1, dt.datetime(2026, 1, 1)),
    Box([1], "x"),
    collections.OrderedDict(a=1),
    collections.Counter("aab"),
    collections.deque([1, 2], maxlen=3),
    collections.ChainMap({"a": 1}, {"b": 2}),
    collections.UserDict({"a": 1}),
    types.SimpleNamespace(a=1),
    ipaddress.ip_network("10.0.0.0/8"),
    bytearray(b"x"),
    Ellipsis,
    NotImplemented,
    int,
    list[int],
    math.sqrt,
    "".join,
    ListWithName([1]),
    slotted(),
    with_name(),
    threading.Lock,
    sys.float_info.max,
    {frozenset({1, 2}): {3}},
    2**5000,
    "\ud800",
]


@pytest.mark.parametrize("value", STANDARD, ids=lambda value: type(value).__name__)
def test_types_of_the_standard_library_come_back(value: object) -> None:
    again = kept(value)

    assert again == value
    assert type(again) is type(value)


def test_a_default_dict_keeps_its_factory() -> None:
    assert kept(collections.defaultdict(list, a=[1]))["new"] == []


def test_a_time_zone_comes_back() -> None:
    zone = zoneinfo.ZoneInfo("UTC")

    assert kept(dt.datetime(2026, 1, 1, tzinfo=zone)).tzinfo.key == "UTC"


def test_a_dict_subclass_with_its_own_reducer_comes_back() -> None:
    value = Grows("e")
    value["b"] = 2

    again = kept(value)

    assert (type(again), dict(again), again.extra) == (Grows, {"a": 1, "b": 2}, "e")


class Wants:
    """Plain pickle writes it, and then cannot read it."""

    def __new__(cls, name: str, *, size: int) -> Wants:
        made = super().__new__(cls)
        made.name = name  # type: ignore[attr-defined]
        return made

    def __init__(self, name: str, *, size: int) -> None:
        self.size = size


def test_a_class_whose_making_wants_arguments_comes_back() -> None:
    again = kept(Wants("a", size=3))

    assert (type(again), vars(again)) == (Wants, {"name": "a", "size": 3})


def test_bound_methods_come_back_bound() -> None:
    bag = Bag([1])

    bound, itself = kept([bag.__init__, bag])

    assert bound.__self__ is itself


def test_a_call_comes_back_as_it_was_made() -> None:
    def place(self: object, rows: object, **more: object) -> None: ...

    result = freeze_call(Bag(1), ([1, 2],), {"x": (3,)}, Parameters.of(place), FreezeRules())

    instance, args, kwargs = thaw(result.data)
    assert (instance.inside, args, kwargs) == (1, ([1, 2],), {"x": (3,)})


def test_arguments_are_as_they_were_when_they_were_frozen() -> None:
    rows = [1, 2]
    result = frozen_call(lambda rows: None, rows)

    rows.clear()

    assert thaw(result.data)[1] == ([1, 2],)


def test_packages_that_occur_are_told() -> None:
    assert frozen({"a": 1}).packages == frozenset()
    assert frozen([decimal.Decimal(1), Box(1)]).packages == {"decimal", __name__}


# renames


@pytest.mark.parametrize("module", ["pathlib", "pathlib._local"])
def test_paths_load_on_every_python(module: str) -> None:
    name = module.encode()
    data = b"\x80\x05\x8c" + bytes([len(name)]) + name + b"\x8c\rPurePosixPath\x93\x8c\x01a\x85R."

    assert thaw(data) == pathlib.PurePosixPath("a")


def test_modules_that_were_renamed_are_one() -> None:
    assert canonical_module("pathlib._local") == canonical_module("pathlib") == "pathlib"
    assert canonical_module("numpy._core.multiarray") == canonical_module("numpy.core.multiarray")
    assert "numpy._core.multiarray" in list(spellings("numpy.core.multiarray", {}))
    assert canonical_module("pathlib_extra") == "pathlib_extra"


def test_a_rename_by_the_program_is_followed() -> None:
    assert find_global("old_name.abc", "Mapping", {"old_name": "collections"}) is collections.abc.Mapping
    data = frozen([Box(1)]).data.replace(__name__.encode(), b"x" * len(__name__))

    assert thaw(data, renames={"x" * len(__name__): __name__}) == [Box(1)]
