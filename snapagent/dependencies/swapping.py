"""Swaps the code of a function, so that a call by any reference goes to another callable.

The function object stays the same, so names that were imported early are reached too. Its old code moves to a twin.
"""

from __future__ import annotations

from types import CodeType, FunctionType

from ..core.functions import FLAVOR_FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# As in capture: `warnings` and `logging` take a frame of this file for one of the import system, and skip it.
_FILE_NAME = "<snapagent importlib._bootstrap>"
_PARTS = "snapagent: swapped"


class Swapped:
    """The objects that swapped code uses: who is called, the twin that runs the original code, and that code."""

    __slots__ = ("call", "original", "twin")

    def __init__(self, call: Callable[..., Any], twin: FunctionType, original: CodeType) -> None:
        self.call = call
        self.twin = twin
        self.original = original


def _template(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "snapagent: swapped"
    return parts.call(parts.twin, args, kwargs)


def swap(function: FunctionType, call: Callable[[FunctionType, tuple[Any, ...], dict[str, Any]], Any]) -> None:
    """Have every call of `function` answered by `call(twin, args, kwargs)`; `args` has the bound instance first.

    Of a coroutine function or generator function, `call` must return a coroutine or generator.
    """
    code = function.__code__
    parts = Swapped(call, twin_of(function), code)
    template = _TEMPLATE
    function.__code__ = template.replace(
        co_consts=tuple(parts if const == _PARTS else const for const in template.co_consts),
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
        co_freevars=code.co_freevars,  # as many as the function's closure has
        co_flags=template.co_flags | code.co_flags & FLAVOR_FLAGS,
    )


def twin_of(function: FunctionType) -> FunctionType:
    """A function that runs the code of `function` as it is now."""
    code = function.__code__
    twin = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__qualname__ = function.__qualname__
    twin.__module__ = function.__module__
    return twin


def swapped(function: object) -> Swapped | None:
    """The parts of a function that is swapped now, else None."""
    if type(function) is not FunctionType:
        return None
    return next((const for const in function.__code__.co_consts if type(const) is Swapped), None)


def restore(function: FunctionType) -> None:
    """Give the function its own code back."""
    parts = swapped(function)
    if parts is not None:
        function.__code__ = parts.original


_TEMPLATE: CodeType = _template.__code__.replace(co_filename=_FILE_NAME)
