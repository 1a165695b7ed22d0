"""What the frames of ours are called, and how they stay out of warnings, logs and tracebacks."""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import Any

FILE_NAME = "<snapagent importlib._bootstrap>"  # of the import system, for whoever looks for a caller's frame
_GENERATOR, _COROUTINE = 0x20, 0x80  # inspect.CO_GENERATOR, inspect.CO_COROUTINE


def trim(error: BaseException) -> None:
    """Cut the frame that caught `error` from its traceback, past a `__setattr__` that its class may have."""
    traceback = error.__traceback__
    if traceback is not None:
        BaseException.with_traceback(error, traceback.tb_next)


def hidden_code(code: CodeType, **changes: Any) -> CodeType:
    inner = tuple(hidden_code(const) if type(const) is CodeType else const for const in code.co_consts)
    return code.replace(co_filename=FILE_NAME, co_consts=inner, **changes)


def hidden(function: Any) -> Any:
    """The function with its code, and that of the functions that it makes, under our file name."""
    function.__code__ = hidden_code(function.__code__)
    return function


def as_coroutine(function: Any) -> FunctionType:
    """A generator function that makes coroutines instead: so one frame can hand on each step of another coroutine."""
    code = function.__code__
    return FunctionType(hidden_code(code, co_flags=code.co_flags & ~_GENERATOR | _COROUTINE), function.__globals__)


def named(function: FunctionType, name: str, qualname: str) -> FunctionType:
    """A copy whose coroutines and generators carry the name of the program's function."""
    copy = FunctionType(function.__code__.replace(co_name=name, co_qualname=qualname), function.__globals__, name)
    copy.__qualname__ = qualname
    return copy
