"""The function inside an object is found without running code of the program."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from snapagent.core.functions import flavor_of, function_of, held_by, inside, is_own, kind_of

NAMES = vars(sys.modules[__name__])


def quote() -> int:
    return 3


def of_another(name: str) -> Any:
    """A function of another module that has this name."""
    code = f"def {name}(): pass"
    namespace: dict[str, Any] = {"__name__": "elsewhere"}
    exec(code, namespace)
    return namespace[name]


class Command:
    """What a framework makes of a function."""

    def __init__(self, callback: Any) -> None:
        self.callback = callback

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError("code of the program ran")


def found(value: object, below: Callable[[object], object] | None = None) -> object:
    return held_by(value, "quote", __name__, NAMES, below)


DESCRIPTORS = [
    classmethod(quote),
    staticmethod(quote),
    property(quote),
    functools.cached_property(quote),
    functools.partialmethod(quote),
    type("Hiding", (property,), {"fget": None})(quote),
]


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=lambda it: type(it).__name__)
def test_the_function_inside_each_descriptor_of_the_standard_library(descriptor: Any) -> None:
    assert inside(descriptor) is quote
    assert function_of(descriptor) is quote


def test_nothing_is_inside_anything_else() -> None:
    for value in (quote, 3, Command(quote), Command):
        assert inside(value) is None
        assert function_of(value) is value


def test_a_framework_object_holds_the_function_however_deep_within_reason() -> None:
    assert found(Command(quote)) is quote
    assert found(Command([Command({"run": quote})])) is quote
    assert found(Command(lambda: quote())) is None  # a global name is no content
    deep: Any = quote
    for _ in range(20):
        deep = Command([deep])
    assert found(deep) is None


def test_a_closure_holds_what_it_closes_over() -> None:
    def around(function: Callable[[], int]) -> Callable[[], int]:
        return lambda: function()

    assert found(Command(around(quote))) is quote


def test_a_function_of_the_same_name_in_another_module_is_not_meant() -> None:
    assert found(Command(of_another("quote"))) is None
    assert not is_own(of_another("quote"), __name__, NAMES)


@pytest.mark.parametrize(
    "value", [quote, functools.partial(quote), functools.lru_cache(quote), sys, Command, ValueError(quote)]
)
def test_functions_classes_modules_and_exceptions_hold_none(value: object) -> None:
    assert found(value) is None


def test_a_wrapper_gives_way_to_what_is_below_it() -> None:
    class Wrapper:
        below = staticmethod(quote)

    assert found(Command(Wrapper())) is None
    assert found(Command(Wrapper()), lambda value: quote if type(value) is Wrapper else value) is quote


def test_kinds_and_flavors_are_told_by_types_and_code() -> None:
    async def coroutine() -> None: ...

    async def steps() -> Any:
        yield

    def generator() -> Any:
        yield

    assert [kind_of(type(it), "method") for it in DESCRIPTORS[:3]] == ["classmethod", "staticmethod", "method"]
    flavors = [flavor_of(function) for function in (quote, coroutine, steps, generator, functools.partial(coroutine))]
    assert flavors == ["plain", "coroutine", "async_generator", "generator", "plain"]
