"""The frames of ours between a caller and a captured function: one, whatever the kind of the function.

`warnings` and `logging` look for the caller with `stacklevel` and skip frames of the import system, which they know by
the file name; ours carry such a name. Where an exception passes, our frame is cut from its traceback.

The function runs exactly once, with the caller's very arguments. What our recorder does happens outside every
`try` that the program's exception passes through, so neither becomes the context of the other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, CoroutineType, FunctionType
from typing import Any

from .drivers import DRIVERS, Begun, Unstarted, probed
from .frames import hidden, hidden_code, named, trim

Call = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def trampoline(recorder: Any, name: str, qualname: str, may_await: bool = False) -> Call:
    """What wrapt is given as the wrapper: `(wrapped, instance, args, kwargs)`; `args` includes the bound instance.

    `may_await` tells that a plain function has a coroutine function behind its
    decorators, whose coroutine it may hand on.
    """
    if recorder.flavor == "plain":
        go_on = _gone_on(recorder, named(DRIVERS["coroutine"], name, qualname)) if may_await else None
        return _AsTheCaller(_plain(recorder.begin, recorder.returned, recorder.raised, go_on, trim, BaseException))
    return _stepwise(recorder, named(DRIVERS[recorder.flavor], name, qualname))


class _AsTheCaller:
    """Calls `function` in a frame that has the globals of the calling module.

    Functions that ask for their caller's module (`namedtuple`, loggers, `sys._getframe(1).f_globals`) are answered as
    without us. The property runs and is gone before the function is called, so there is still one frame.
    """

    def __init__(self, function: Any) -> None:
        self._code = function.__code__
        self._closure = function.__closure__
        self._last: FunctionType = function

    @property
    def __call__(self) -> Any:
        try:
            namespace = _frame(1).f_globals
        except ValueError:  # called by C code of a new thread
            namespace = {}
        last = self._last
        if last.__globals__ is namespace:  # most calls come from the module that the one before came from
            return last
        self._last = last = FunctionType(self._code, namespace, None, None, self._closure)
        return last


_frame = sys._getframe


def _plain(begin: Any, returned: Any, raised: Any, go_on: Any, trim: Any, any_error: Any) -> Any:
    # No global name may be used inside: the globals are another module's.
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        pending = begin(args, kwargs)
        try:
            value = wrapped(*args, **kwargs)
        except any_error as error:
            trim(error)
            if pending is not None:
                raised(pending, error)
            raise
        if pending is not None:
            if go_on is not None:
                return go_on(pending, value)
            returned(pending, value)
        return value

    return call


def _gone_on(recorder: Any, drive: Any) -> Any:
    def go_on(pending: Any, value: Any) -> Any:
        if type(value) is not CoroutineType:
            recorder.returned(pending, value)
            return value
        recorder.flavor = "coroutine"  # as its bundles must say, to be replayed
        recorder.leave(pending)
        return drive(recorder, Begun(recorder, value, pending))

    return go_on


def _stepwise(recorder: Any, drive: Any) -> Call:
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            probed(wrapped, args, kwargs)
        except BaseException as error:
            trim(error)
            trim(error)  # and that of `probed`
            raise
        return drive(recorder, Unstarted(recorder, wrapped, args, kwargs))

    return call


def swap_code(kind: str) -> CodeType:
    """The code that takes a function's place where a wrapper cannot reach: see `inplace`.

    It has the constant PARTS, for which the caller puts the function's own `Parts`.
    """
    return _IN_PLACE if kind == "plain" else _IN_PLACE_STEPWISE


PARTS = "snapagent: parts"


def _in_place(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "snapagent: parts"
    if not parts.admit():
        try:
            return parts.function(*args, **kwargs)
        except parts.any_error as error:
            parts.trim(error)
            raise
    pending = parts.begin(args, kwargs)
    try:
        value = parts.function(*args, **kwargs)
    except parts.any_error as error:
        parts.trim(error)
        if pending is not None:
            parts.raised(pending, error)
        raise
    if pending is not None:
        parts.returned(pending, value)
    return value


def _in_place_stepwise(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "snapagent: parts"
    try:
        inner = parts.function(*args, **kwargs)  # runs nothing yet, but arguments that do not fit raise here
    except parts.any_error as error:
        parts.trim(error)
        raise
    if not parts.admit():
        return inner
    if hasattr(inner, "close"):
        inner.close()
    return parts.drive(args, kwargs)


class Parts:
    """What swapped code needs: the test, the recorder's steps, and the function as it was.

    All its names are looked up here, because its globals are those of the program's module.
    """

    __slots__ = ("admit", "any_error", "begin", "drive", "function", "original", "raised", "returned", "trim")

    def __init__(self, recorder: Any, function: FunctionType, original: CodeType) -> None:
        self.admit = recorder.admit
        self.begin = recorder.begin
        self.returned = recorder.returned
        self.raised = recorder.raised
        self.any_error = BaseException
        self.trim = trim
        self.function = function
        self.original = original
        if recorder.flavor != "plain":
            drive = named(DRIVERS[recorder.flavor], function.__name__, function.__qualname__)
            self.drive = lambda args, kwargs: drive(recorder, Unstarted(recorder, function, args, kwargs))


hidden(_plain)
hidden(_stepwise)
_IN_PLACE: CodeType = hidden_code(_in_place.__code__)
_IN_PLACE_STEPWISE: CodeType = hidden_code(_in_place_stepwise.__code__)
