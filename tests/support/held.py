"""A module as programs have them: what it holds under names that are not those of the values' own `__qualname__`."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable
from typing import Any


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


Level.HIGH = Level(3)
FLATE = Filter("flate")
SLOTTED = Slotted("one")
NAME = Name("/FlateDecode")
MISSING = object()
REGISTRY = Registry()
