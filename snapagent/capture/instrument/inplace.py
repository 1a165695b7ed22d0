"""Swaps the code of a function, so that a call by any reference is captured: registries, callbacks, earlier imports.

The function object stays the same; its old code moves to a twin, which the new code calls. A program that reads
`__code__` sees the new code; `inspect` finds the old signature in `__signature__`.
"""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from ...core.functions import FLAVOR_FLAGS, ITERABLE_COROUTINE
from .frames import FILE_NAME
from .trampolines import PARTS, GatedParts, Parts, gated_code, swap_code

if TYPE_CHECKING:
    from ..recording.recorder import Recorder


def is_swapped(function: object) -> bool:
    return type(function) is FunctionType and _parts(function) is not None


def is_gated(function: object) -> bool:
    """Whether it is a dependency whose calls are recorded."""
    return type(function) is FunctionType and _parts(function, GatedParts) is not None


def _parts(function: FunctionType, kind: type[Parts] = Parts) -> Parts | None:
    code = function.__code__
    if code.co_filename != FILE_NAME:
        return None
    return next((const for const in code.co_consts if type(const) is kind), None)


def swap(function: FunctionType, recorder: Recorder) -> None:
    """Have every call of `function`, by any reference, recorded by `recorder`."""
    _swap(function, recorder, Parts, swap_code(recorder.flavor))


def swap_gated(function: FunctionType, recorder: Any) -> None:
    """The same for a dependency: while no tape is open, a call costs one look at a list."""
    _swap(function, recorder, GatedParts, gated_code(recorder.flavor))


def _swap(function: FunctionType, recorder: Any, kind: type[Parts], template: CodeType) -> None:
    code = function.__code__
    twin = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__qualname__ = function.__qualname__
    twin.__module__ = function.__module__
    twin.__annotations__ = function.__annotations__
    twin.__doc__ = function.__doc__
    if hasattr(function, "__type_params__"):
        twin.__type_params__ = function.__type_params__  # type: ignore[attr-defined]  # Python 3.12
    parts = kind(recorder, twin, code)
    own = function.__dict__
    if "__wrapped__" not in own and "__signature__" not in own:
        from inspect import signature  # 4 ms, for which a program whose functions are wrapped has no use

        own["__wrapped__"] = twin
        own["__signature__"] = signature(twin)  # for `inspect.getfullargspec`, which does not follow `__wrapped__`
    function.__code__ = _code_for(code, parts, template)


def _code_for(code: CodeType, parts: Parts, template: CodeType) -> CodeType:
    return template.replace(
        co_consts=tuple(parts if const == PARTS else const for const in template.co_consts),
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
        co_freevars=code.co_freevars,  # as many as the function's closure has
        # The instructions alone decide what a call returns.
        co_flags=template.co_flags | code.co_flags & FLAVOR_FLAGS,
    )


def restore(function: FunctionType) -> None:
    """Give the function its own code back."""
    _restore(function, Parts)


def restore_gated(function: FunctionType) -> None:
    """The same for a dependency."""
    _restore(function, GatedParts)


def _restore(function: FunctionType, kind: type[Parts]) -> None:
    parts = _parts(function, kind)
    if parts is None:
        return
    if function.__code__.co_flags & ITERABLE_COROUTINE:
        parts.make_awaitable()
    function.__code__ = parts.original
    if function.__dict__.get("__wrapped__") is parts.function:
        del function.__dict__["__wrapped__"]
        del function.__dict__["__signature__"]
