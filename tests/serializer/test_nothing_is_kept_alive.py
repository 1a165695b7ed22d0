"""Freezing keeps no object and no class of the program alive."""

from __future__ import annotations

import dataclasses
import enum
import gc
import typing
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from freezes import frozen


def plain() -> Any:
    class Local:
        def __init__(self) -> None:
            self.number = 1

        def method(self) -> int:
            return self.number

    return Local()


def hooked() -> Any:
    class Local:
        def __getstate__(self) -> Any:
            return {"number": 1}

    return Local()


def record() -> Any:
    @dataclasses.dataclass
    class Local:
        number: int = 1

    return Local()


def named_tuple() -> Any:
    class Local(typing.NamedTuple):
        number: int = 1

    return Local()


def member() -> Any:
    class Local(enum.Enum):
        ONE = 1

    return Local.ONE


def error() -> Any:
    class Local(Exception):
        pass

    return Local("text")


def container() -> Any:
    class Local(dict[str, int]):
        def items(self) -> Any:
            return list(dict.items(self))

    return Local(number=1)


def class_itself() -> Any:
    return type(plain())


@pytest.mark.parametrize(
    "make", [plain, hooked, record, named_tuple, member, error, container, class_itself], ids=lambda make: make.__name__
)
def test_a_class_that_the_program_is_done_with_is_freed(make: Callable[[], Any]) -> None:
    value = make()
    kind = weakref.ref(value if isinstance(value, type) else type(value))
    for _ in range(3):
        frozen([value, value])

    del value
    gc.collect()

    assert kind() is None
