"""Names the frames of the wrappers, and keeps them out of warnings, logs and tracebacks."""

from __future__ import annotations

from types import CodeType, FunctionType, GeneratorType
from typing import Any

from ...core.functions import ITERABLE_COROUTINE

# `warnings` and `logging` take this for a frame of the import system, and skip it when they look for the caller.
FILE_NAME = "<snapagent importlib._bootstrap>"
_GENERATOR, _COROUTINE = 0x20, 0x80  # inspect.CO_GENERATOR, inspect.CO_COROUTINE


def drop_frame(error: BaseException) -> None:
    """Drop the frame that caught `error` from its traceback, without a `__setattr__` that its class may have."""
    traceback = error.__traceback__
    if traceback is not None:
        BaseException.with_traceback(error, traceback.tb_next)


def hidden_code(code: CodeType, **changes: Any) -> CodeType:
    inner = tuple(hidden_code(const) if type(const) is CodeType else const for const in code.co_consts)
    return code.replace(co_filename=FILE_NAME, co_consts=inner, **changes)


def hidden(function: Any) -> Any:
    """The same function, whose code and the code of functions defined inside it have `FILE_NAME`."""
    function.__code__ = hidden_code(function.__code__)
    return function


def as_coroutine(function: Any) -> FunctionType:
    """A generator function that makes coroutines instead.

    Only a generator can pass on each step of another coroutine in one frame: an `async def` has `await`, which gives
    no sign when the awaited coroutine is suspended.
    """
    code = function.__code__
    return FunctionType(hidden_code(code, co_flags=code.co_flags & ~_GENERATOR | _COROUTINE), function.__globals__)


def as_generator_coroutine(function: Any) -> FunctionType:
    """A generator function whose generators can be awaited too, as those of `types.coroutine`."""
    code = function.__code__
    return FunctionType(hidden_code(code, co_flags=code.co_flags | ITERABLE_COROUTINE), function.__globals__)


def is_generator_coroutine(made: object) -> bool:
    """Whether it is a generator that can be awaited. Its own code says so, since `types.coroutine` may come late."""
    return type(made) is GeneratorType and bool(made.gi_code.co_flags & ITERABLE_COROUTINE)


def named(function: FunctionType, name: str, qualname: str) -> FunctionType:
    """A copy whose coroutines and generators carry the name of the program's function."""
    copy = FunctionType(function.__code__.replace(co_name=name, co_qualname=qualname), function.__globals__, name)
    copy.__qualname__ = qualname
    return copy
