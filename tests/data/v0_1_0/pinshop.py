"""A small shop whose calls version 0.1.0 captured; the stores in this folder are replayed against it. Never edit it."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


class Rejected(Exception):
    """Its constructor wants other arguments than the exception keeps."""

    def __init__(self, order: str, why: str) -> None:
        super().__init__(f"{order}: {why}")
        self.order = order
        self.why = why


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Line:
    name: str
    price: int
    tags: set[str] = field(default_factory=set)

    def times(self, number: int) -> int:
        return self.price * number


class Basket:
    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.lock = threading.Lock()

    def total(self, discount: int = 0) -> int:
        with self.lock:
            return sum(line.price for line in self.lines) - discount

    @classmethod
    def empty(cls, size: Size) -> tuple[str, str]:
        return cls.__name__, size.value

    @staticmethod
    def tax(amount: int, *, rate: int = 20) -> int:
        return amount * rate // 100


def quote(lines: list[Line], currency: str = "EUR", *, rush: bool = False) -> dict[str, object]:
    return {"currency": currency, "total": sum(line.price for line in lines) + 5 * rush, "lines": lines}


def echo(value: object) -> object:
    """What comes in goes out: a value is in both parts of the bundle."""
    return value


def apply(function: Callable[[int], object], number: int) -> object:
    return function(number)


def add(one: int, other: int) -> int:
    return one + other


def explain(error: BaseException) -> list[object]:
    """All that is kept of an exception, as plain data."""
    cause = error.__cause__
    return [
        type(error).__name__,
        str(error),
        getattr(error, "__notes__", []),
        explain(cause) if cause is not None else None,
    ]


def reject(order: str) -> None:
    try:
        {}[order]  # type: ignore[index]
    except KeyError as error:
        rejected = Rejected(order, "unknown")
        rejected.add_note("asked twice")
        raise rejected from error


def pages(start: int) -> Iterator[int]:
    yield start
    yield start + 1


async def fetch(order: str) -> list[str]:
    return [order]


def enter(user: str, password: str) -> int:
    return len(user) + bool(password)


def enrich(record: dict[str, int], model: object) -> list[str]:
    return sorted(record)


def upload(data: bytes, handle: object) -> str:
    return "done"


def guard(lock: object, again: object, event: object, few: object, changed: object) -> int:
    return sum(each is not None for each in (lock, again, event, few, changed))


def members(kind: type[enum.Enum]) -> dict[str, object]:
    return {member.name: member.value for member in kind}


def built(kind: type, number: int) -> object:
    return kind(number).doubled()


# Made inside functions, so that no module can name them: they are stored by value.


def adder(number: int) -> Callable[[int], int]:
    return lambda x: x + number


def joiner(*held: object) -> Callable[[int], object]:
    return lambda x: [x, *held]


def local_class() -> type:
    class Doubling:
        def __init__(self, number: int) -> None:
            self.number = number

        def doubled(self) -> int:
            return 2 * self.number

    return Doubling


def local_enum() -> type[enum.Enum]:
    class Colour(enum.Enum):
        RED = 1
        GREEN = 2

    return Colour


def local_exception() -> type[Exception]:
    class Lost(Exception):
        def __init__(self, what: str, where: str) -> None:
            super().__init__(what)
            self.where = where

    return Lost
