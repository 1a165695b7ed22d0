"""The one frame between a caller and a captured function, for each kind of function.

`warnings` and `logging` look for the caller with `stacklevel` and skip frames of the import system, which they know by
the file name; this frame has such a name. When an exception passes, the frame is dropped from its traceback.

The function runs exactly once, with the caller's own arguments. `begin` and `returned` run outside the `try` of the
program's call: an exception that they pass on (of a signal handler) is not taken for the program's outcome.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, CoroutineType, FunctionType
from typing import Any

from .drivers import DRIVERS, BegunCall, UnstartedCall, check_arguments
from .frames import drop_frame, hidden, hidden_code, named

WrapperCall = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def trampoline(recorder: Any, name: str, qualname: str, may_await: bool = False) -> WrapperCall:
    """The wrapper for wrapt, called with `(wrapped, instance, args, kwargs)`; `args` includes the bound instance.

    `may_await` is for a plain function that decorates a coroutine function: it may return that one's coroutine.
    """
    if recorder.flavor == "plain":
        follow = _following(recorder, named(DRIVERS["coroutine"], name, qualname)) if may_await else None
        steps = recorder.begin, recorder.returned, recorder.raised
        return _AsTheCaller(_plain(*steps, follow, drop_frame, BaseException))
    return _stepwise(recorder, named(DRIVERS[recorder.flavor], name, qualname))


class _AsTheCaller:
    """Calls `function` in a frame that has the globals of the calling module.

    Functions that ask for their caller's module (`namedtuple`, loggers, `sys._getframe(1).f_globals`) get the same
    answer as without capture. `__call__` is a property, because Python evaluates it in a frame of its own that has
    ended before the function is called: one frame remains.
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


def _plain(begin: Any, returned: Any, raised: Any, follow: Any, drop_frame: Any, any_error: Any) -> Any:
    # `call` runs with the globals of another module (see `_AsTheCaller`), so it may use no global or built-in name.
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        pending = begin(args, kwargs)
        try:
            value = wrapped(*args, **kwargs)
        except any_error as error:
            drop_frame(error)
            if pending is not None:
                raised(pending, error)
            raise
        if pending is not None:
            if follow is not None:
                return follow(pending, value)
            returned(pending, value)
        return value

    return call


def _following(recorder: Any, drive: Any) -> Any:
    """Ends the call with the value of a plain function, or follows the coroutine that it returned."""

    def follow(pending: Any, value: Any) -> Any:
        if type(value) is not CoroutineType:
            recorder.returned(pending, value)
            return value
        recorder.flavor = "coroutine"  # stored in the bundles, so that replay awaits the value
        recorder.suspend(pending)
        return drive(recorder, BegunCall(recorder, value, pending))

    return follow


def _stepwise(recorder: Any, drive: Any) -> WrapperCall:
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            check_arguments(wrapped, args, kwargs)
        except BaseException as error:
            drop_frame(error)
            drop_frame(error)  # that of `check_arguments`
            raise
        return drive(recorder, UnstartedCall(recorder, wrapped, args, kwargs))

    return call


def swap_code(kind: str) -> CodeType:
    """The code for a function that is captured in place: see `inplace`.

    The caller replaces its constant PARTS by the function's own `Parts`. It is a constant because the code runs in a
    function whose globals, closure and defaults belong to the program.
    """
    return _IN_PLACE if kind == "plain" else _IN_PLACE_STEPWISE


PARTS = "snapagent: parts"


# Like `_plain`, with the test inside. The call is written out twice, because a helper would be another frame.
def _in_place(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "snapagent: parts"
    if not parts.admit():
        try:
            return parts.function(*args, **kwargs)
        except parts.any_error as error:
            parts.drop_frame(error)
            raise
    pending = parts.begin(args, kwargs)
    try:
        value = parts.function(*args, **kwargs)
    except parts.any_error as error:
        parts.drop_frame(error)
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
        parts.drop_frame(error)
        raise
    if not parts.admit():
        return inner
    if hasattr(inner, "close"):
        inner.close()  # the driver makes another at its first step: see `UnstartedCall`
    return parts.drive(args, kwargs)


# Like `_in_place`, for a dependency: while no tape is open, which is nearly always, `open` is an empty list.
def _gated(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "snapagent: parts"
    if not (parts.open and parts.admit()):
        try:
            return parts.function(*args, **kwargs)
        except parts.any_error as error:
            parts.drop_frame(error)
            raise
    pending = parts.begin(args, kwargs)
    try:
        value = parts.function(*args, **kwargs)
    except parts.any_error as error:
        parts.drop_frame(error)
        if pending is not None:
            parts.raised(pending, error)
        raise
    if pending is not None:
        parts.returned(pending, value)
    return value


def gated_code(flavor: str) -> CodeType:
    """As `swap_code`, for a dependency: its constant PARTS is replaced by `GatedParts`."""
    return _GATED if flavor == "plain" else _IN_PLACE_STEPWISE


class Parts:
    """The objects that swapped code uses: the recorder's steps, the twin of the function, and the original code.

    Attributes stand in for global names, because the globals of swapped code are those of the program's module.
    """

    __slots__ = ("admit", "any_error", "begin", "drive", "drop_frame", "function", "original", "raised", "returned")

    def __init__(self, recorder: Any, function: FunctionType, original: CodeType) -> None:
        self.admit = recorder.admit
        self.begin = recorder.begin
        self.returned = recorder.returned
        self.raised = recorder.raised
        self.any_error = BaseException
        self.drop_frame = drop_frame
        self.function = function
        self.original = original
        if recorder.flavor != "plain":
            drive = named(DRIVERS[recorder.flavor], function.__name__, function.__qualname__)
            self.drive = lambda args, kwargs: drive(recorder, UnstartedCall(recorder, function, args, kwargs))


class GatedParts(Parts):
    """Those of a dependency, with the list that is empty while no tape is open."""

    __slots__ = ("open",)

    def __init__(self, recorder: Any, function: FunctionType, original: CodeType) -> None:
        super().__init__(recorder, function, original)
        self.open = recorder.open


hidden(_plain)
hidden(_stepwise)
_IN_PLACE: CodeType = hidden_code(_in_place.__code__)
_GATED: CodeType = hidden_code(_gated.__code__)
_IN_PLACE_STEPWISE: CodeType = hidden_code(_in_place_stepwise.__code__)
