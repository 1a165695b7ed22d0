"""A module as programs have them: what it holds under names that are not those of the values' own `__qualname__`."""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Callable
from typing import Any, ClassVar


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return around


def adder(number: int) -> Callable[[int], int]:
    return lambda x: x + number


add_three = adder(3)  # a closure that the module holds
Pair = collections.namedtuple("Couple", "left right")


@logged
def double(x: int) -> int:
    return 2 * x


@logged
@logged
def triple(x: int) -> int:
    return 3 * x


@functools.lru_cache
def cached(x: int) -> int:
    return x + 1


class Order:
    by_size = lambda self: self.size  # noqa: E731

    def __init__(self, size: int = 1) -> None:
        self.size = size

    @property
    def total(self) -> int:
        return self.size * 10

    @total.setter
    def total(self, value: int) -> None:
        self.size = value // 10

    @classmethod
    @logged
    def empty(cls) -> Order:
        return cls(0)

    @staticmethod
    @logged
    def unit() -> str:
        return "piece"

    @functools.cached_property
    def label(self) -> str:
        return f"order of {self.size}"

    def __hidden(self) -> str:
        return f"hidden {self.size}"

    def bound_to_hidden(self) -> Callable[[], str]:
        return self.__hidden

    class Line:
        @logged
        def price(self) -> int:
            return 7


class Filter:
    def __init__(self, name: str) -> None:
        self.name = name


class Slotted:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Name(str):
    """A text with a type of its own."""


class Registry:
    def __init__(self) -> None:
        self.rows: list[int] = []


class Level:
    """An enumeration as it was written before there was `enum`."""

    HIGH: Level

    def __init__(self, rank: int) -> None:
        self.rank = rank


class Command:
    """An object whose decorator put a function inside it, as click does."""

    actions: ClassVar[dict[str, Any]] = {"run": lambda self: "run", "stop": {"now": lambda self: "stop"}}

    def __init__(self, callback: Callable[..., Any]) -> None:
        self.callback = callback
        self.later = [lambda: 1]


@Command
def command(x: int) -> int:
    return x


HANDLERS: dict[Any, Any] = {
    "save": lambda x: x + 1,
    3: adder(3),
    ("a", 1): lambda x: x + 2,
    int: lambda x: x + 3,
    "logged": logged(lambda x: x + 4),
    "partial": functools.partial(lambda x, y: x + y, 5),
    "both": [lambda x: x + 6, lambda x: x + 7],
    "cached": functools.lru_cache(lambda x: x + 8),
    "named": collections.namedtuple("Inner", "left"),
}
RULES = [(1, lambda x: x + 9), lambda x: x + 10]
SHOWN = types.MappingProxyType({"show": lambda x: x + 11})
ROWS = collections.OrderedDict(first=lambda x: x + 12)
LATER: dict[str, Any] = {}
CACHE: dict[str, Any] = {"by table": lambda x: x + 13, "alone": lambda x: x + 14}
FAST = [CACHE["by table"]]
Level.HIGH = Level(3)
FLATE = Filter("flate")
SLOTTED = Slotted("one")
NAME = Name("/FlateDecode")
MISSING = object()
NAMELESS = type("Nameless", (), {"__repr__": lambda self: "nameless"})()  # as `missing` of jinja2
REGISTRY = Registry()
