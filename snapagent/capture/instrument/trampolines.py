"""The one frame between a caller and a captured function, for each kind of function.

`warnings` and `logging` look for the caller with `stacklevel` and skip frames of the import system, which they know by
the file name; this frame has such a name. When an exception passes, the frame is dropped from its traceback.

After the call the frame drops the arguments: an exception may keep the frame alive, because the frames of its traceback
refer to it by `f_back`, and the program's objects must not live longer than without capture.

The function runs exactly once, with the caller's own arguments. `begin` and `returned` run outside the `try` of the
program's call: an exception that they pass on (of a signal handler) is not taken for the program's outcome.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from types import CodeType, CoroutineType, FunctionType, ModuleType
from typing import Any

from ...core.functions import ITERABLE_COROUTINE
from .drivers import DRIVERS, GENERATOR_COROUTINE, BegunCall, UnstartedCall, check_arguments
from .frames import drop_frame, hidden, hidden_code, is_generator_coroutine, named

WrapperCall = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def trampoline(recorder: Any, name: str, qualname: str, may_await: bool = False) -> WrapperCall:
    """The wrapper for wrapt, called with `(wrapped, instance, args, kwargs)`; `args` includes the bound instance.

    `may_await` is for a plain function that decorates a coroutine function: it may return that one's coroutine.
    """
    if recorder.flavor == "plain":
        return _AsTheCaller(recorder, (name, qualname) if may_await else None)
    return _stepwise(_driving(recorder, name, qualname))


def _driving(recorder: Any, name: str, qualname: str) -> Callable[..., Any]:
    """Makes the driver of a call. `awaitable` tells whether the function makes generators to be awaited."""
    drive = named(DRIVERS[recorder.flavor], name, qualname)
    drive_awaitable = named(DRIVERS[GENERATOR_COROUTINE], name, qualname)

    def driver(function: Any, awaitable: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not awaitable:
            return drive(recorder, UnstartedCall(recorder, function, args, kwargs))
        recorder.flavor = "coroutine"  # stored in the bundles, so that replay awaits the value
        return drive_awaitable(recorder, UnstartedCall(recorder, function, args, kwargs))

    return driver


class _AsTheCaller:
    """Calls `function` in a frame that has the globals of the calling module.

    Functions that ask for their caller's module (`namedtuple`, loggers, `sys._getframe(1).f_globals`) get the same
    answer as without capture. `__call__` is a property, because Python evaluates it in a frame of its own that has
    ended before the function is called: one frame remains.

    One that is kept keeps the caller's globals alive. So only that of a module is kept, which most calls come from that
    the one before came from, and only as long as the module lives; for others, such as globals of `exec`, one is made
    for each call. Its code is made at the first call. Most targets of a large program never are called, and each object
    of a closure makes every garbage collection longer. `names` are those of a function that may await.
    """

    __slots__ = ("_last", "_names", "_parts", "_recorder")

    def __init__(self, recorder: Any, names: tuple[str, str] | None) -> None:
        self._recorder = recorder
        self._names = names
        self._last = _NO_MODULE
        self._parts: tuple[CodeType, Any]  # the code and the closure

    @property
    def __call__(self) -> Any:
        try:
            namespace = _frame(1).f_globals
        except ValueError:  # called by C code of a new thread
            namespace = {}
        last, call = self._last.globals_and_call
        return call if last is namespace else self._make_for(namespace)

    def _make_for(self, namespace: dict[str, Any]) -> FunctionType:
        try:
            code, closure = self._parts
        except AttributeError:
            code, closure = self._make()
        call = FunctionType(code, namespace, None, None, closure)
        name = dict.get(namespace, "__name__")
        module = sys.modules.get(name) if type(name) is str else None
        if type(module) is ModuleType and module.__dict__ is namespace:
            self._last = last = _CallingModule(module, _forget)
            last.globals_and_call = namespace, call
        return call

    def _make(self) -> tuple[CodeType, Any]:
        recorder, names = self._recorder, self._names
        follow = _following(recorder, *names) if names is not None else None
        made: FunctionType = _plain(
            recorder.begin, recorder.returned, recorder.raised, follow, drop_frame, BaseException
        )
        self._parts = made.__code__, made.__closure__
        return self._parts


class _CallingModule(weakref.ref[ModuleType]):
    """A module that called a function, with the module's globals and the function that has them."""

    __slots__ = ("globals_and_call",)

    globals_and_call: tuple[object, Any]


def _forget(module: Any) -> None:
    """The module is deleted: its globals go as they go without capture."""
    module.globals_and_call = None, None


_NO_MODULE = _CallingModule(sys)
_forget(_NO_MODULE)
_frame = sys._getframe


def _plain(begin: Any, returned: Any, raised: Any, follow: Any, drop_frame: Any, any_error: Any) -> Any:
    # `call` runs with the globals of another module (see `_AsTheCaller`), so it may use no global or built-in name.
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        pending = begin(args, kwargs)
        try:
            value = wrapped(*args, **kwargs)
        except any_error as error:
            drop_frame(error)
            wrapped = args = kwargs = None
            if pending is not None:
                raised(pending, error)
            raise
        wrapped = args = kwargs = None
        if pending is not None:
            if follow is not None:
                return follow(pending, value)
            returned(pending, value)
        return value

    return call


def _following(recorder: Any, name: str, qualname: str) -> Any:
    """Ends the call with the value of a plain function, or follows the coroutine that it returned."""
    drive_coroutine = named(DRIVERS["coroutine"], name, qualname)
    drive_awaitable = named(DRIVERS[GENERATOR_COROUTINE], name, qualname)

    def follow(pending: Any, value: Any) -> Any:
        if type(value) is CoroutineType:
            drive = drive_coroutine
        elif is_generator_coroutine(value):
            drive = drive_awaitable
        else:
            recorder.returned(pending, value)
            return value
        recorder.flavor = "coroutine"  # stored in the bundles, so that replay awaits the value
        recorder.suspend(pending)
        return drive(recorder, BegunCall(recorder, value, pending))

    return follow


def _stepwise(driver: Any) -> WrapperCall:
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        try:
            awaitable = check_arguments(wrapped, args, kwargs)
        except BaseException as error:
            drop_frame(error)
            drop_frame(error)  # that of `check_arguments`
            raise
        return driver(wrapped, awaitable, args, kwargs)

    return call


def swap_code(kind: str) -> CodeType:
    """The code for a function that is captured in place: see `inplace`.

    The caller replaces its constant PARTS by the function's own `Parts`. It is a constant because the code runs in a
    function whose globals, closure and defaults belong to the program.
    """
    if kind == "generator":
        return _IN_PLACE_GENERATOR
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
        finally:
            args = kwargs = None  # type: ignore[assignment]
    pending = parts.begin(args, kwargs)
    try:
        value = parts.function(*args, **kwargs)
    except parts.any_error as error:
        parts.drop_frame(error)
        args = kwargs = None  # type: ignore[assignment]
        if pending is not None:
            parts.raised(pending, error)
        raise
    args = kwargs = None  # type: ignore[assignment]
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
    return parts.drive(parts.function, parts.is_awaitable(inner), args, kwargs)


def _in_place_generator(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "snapagent: parts"
    # `types.coroutine` sets a flag on the code of a generator function: of this code, when it is called after the swap.
    if parts.frame().f_code.co_flags & parts.iterable_coroutine:
        parts.make_awaitable()
    try:
        inner = parts.function(*args, **kwargs)
    except parts.any_error as error:
        parts.drop_frame(error)
        raise
    if not parts.admit():
        return inner
    inner.close()
    return parts.drive(parts.function, parts.is_awaitable(inner), args, kwargs)


# Like `_in_place`, for a dependency: while no tape is open, which is nearly always, `open` is an empty list. `begin`
# looks for the tapes that record this call.
def _gated(*args: Any, **kwargs: Any) -> Any:
    parts: Any = "snapagent: parts"
    if not parts.open:
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
    iterable_coroutine = ITERABLE_COROUTINE
    frame = staticmethod(_frame)
    is_awaitable = staticmethod(is_generator_coroutine)

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
            self.drive = _driving(recorder, function.__name__, function.__qualname__)

    def make_awaitable(self) -> None:
        """Have the generators of the function be awaitable, and those after it is restored."""
        code = self.original
        if not code.co_flags & ITERABLE_COROUTINE:
            self.original = code.replace(co_flags=code.co_flags | ITERABLE_COROUTINE)
            self.function.__code__ = self.original


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
_IN_PLACE_GENERATOR: CodeType = hidden_code(_in_place_generator.__code__)
