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

FILE_NAME = "<snapagent importlib._bootstrap>"
MAX_ITEMS = 10_000  # a generator's items that are recorded; after that it runs on unobserved
CAPPED, CLOSED, COMPLETE = "capped", "closed", "complete"

_GENERATOR, _COROUTINE = 0x20, 0x80  # inspect.CO_GENERATOR, inspect.CO_COROUTINE

Call = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def trampoline(recorder: Any, name: str, qualname: str, may_await: bool = False) -> Call:
    """What wrapt is given as the wrapper: `(wrapped, instance, args, kwargs)`; `args` includes the bound instance.

    `may_await` tells that a plain function has a coroutine function behind its
    decorators, whose coroutine it may hand on.
    """
    if recorder.flavor == "plain":
        go_on = _gone_on(recorder, _named(_DRIVERS["coroutine"], name, qualname)) if may_await else None
        return _AsTheCaller(_plain(recorder.begin, recorder.returned, recorder.raised, go_on, trim, BaseException))
    return _stepwise(recorder, _named(_DRIVERS[recorder.flavor], name, qualname))


def trim(error: BaseException) -> None:
    """Cut the frame that caught `error` from its traceback, past a `__setattr__` that its class may have."""
    traceback = error.__traceback__
    if traceback is not None:
        BaseException.with_traceback(error, traceback.tb_next)


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
            inner = wrapped(*args, **kwargs)  # runs nothing yet, but arguments that do not fit raise here
        except BaseException as error:
            trim(error)
            raise
        return drive(recorder, Unstarted(recorder, inner, args, kwargs))

    return call


class Unstarted:
    """A coroutine or generator before its first step, and the arguments that it was called with.

    One that is never started is closed here, so that only ours warns "was never awaited".
    """

    __slots__ = ("args", "inner", "kwargs", "recorder")

    def __init__(self, recorder: Any, inner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.recorder = recorder
        self.inner = inner
        self.args = args
        self.kwargs = kwargs

    def start(self) -> tuple[Any, Any]:
        """Freeze the arguments as they are now; give up everything that is held."""
        inner, args, kwargs = self.inner, self.args, self.kwargs
        self.inner, self.args, self.kwargs = None, (), {}
        return inner, self.recorder.begin(args, kwargs)

    def __del__(self) -> None:
        if self.inner is not None:
            if hasattr(self.inner, "close"):
                self.inner.close()
            self.recorder.ledger.count_skipped("never_started", admitted=True)


class Begun(Unstarted):
    """A coroutine before its first step, of a call that was begun already."""

    __slots__ = ("pending",)

    def __init__(self, recorder: Any, inner: Any, pending: Any) -> None:
        super().__init__(recorder, inner, (), {})
        self.pending = pending

    def start(self) -> tuple[Any, Any]:
        inner, self.inner = self.inner, None
        self.recorder.enter(self.pending)
        return inner, self.pending


class Items:
    """What a generator has given so far, as long as it is little enough to keep."""

    __slots__ = ("kept", "room", "seen")

    def __init__(self, max_bytes: int) -> None:
        self.kept: list[Any] = []
        self.seen = 0
        self.room = max_bytes

    def add(self, item: Any) -> bool:
        """Whether there is room for more: chunks of a large file must not be held in memory."""
        self.seen += 1
        self.kept.append(item)
        if type(item) in (bytes, str, bytearray):
            self.room -= len(item)
        return len(self.kept) < MAX_ITEMS and self.room > 0


def _drive_generator(recorder: Any, unstarted: Any) -> Any:
    inner, pending = unstarted.start()
    del unstarted
    items = Items(recorder.settings.max_bytes)
    received: Any = None
    thrown: Any = None
    closing = False
    while True:
        try:
            item = inner.send(received) if thrown is None else inner.throw(thrown)
        except StopIteration as stop:
            value = stop.value
            break
        except BaseException as error:
            trim(error)
            if pending is not None:
                if closing and type(error) is GeneratorExit:
                    recorder.ended(pending, items.kept, CLOSED)
                else:
                    recorder.ended(pending, items.kept, COMPLETE, error)
            raise
        received = thrown = None
        if pending is not None:
            if items.add(item):
                recorder.leave(pending)
            else:
                recorder.ended(pending, items.kept, CAPPED)
                pending = items = None  # type: ignore[assignment]
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            trim(error)
            closing = type(error) is GeneratorExit
        item = None
        if pending is not None:
            recorder.enter(pending)
    if pending is not None:
        recorder.ended(pending, items.kept, CLOSED if closing else COMPLETE)
    return value


def _drive_coroutine(recorder: Any, unstarted: Any) -> Any:
    inner, pending = unstarted.start()
    del unstarted
    received: Any = None
    thrown: Any = None
    while True:
        try:
            item = inner.send(received) if thrown is None else inner.throw(thrown)
        except StopIteration as stop:
            value = stop.value
            break
        except BaseException as error:
            trim(error)
            if pending is not None:
                recorder.raised(pending, error)
            raise
        received = thrown = None
        if pending is not None:
            recorder.leave(pending)
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            trim(error)
        item = None
        if pending is not None:
            recorder.enter(pending)
    if pending is not None:
        recorder.returned(pending, value)
    return value


def _drive_step(recorder: Any, pending: Any, awaitable: Any) -> Any:
    """Await `awaitable`, telling the recorder when it is suspended."""
    inner = awaitable.__await__()
    received: Any = None
    thrown: Any = None
    while True:
        try:
            item = inner.send(received) if thrown is None else inner.throw(thrown)
        except StopIteration as stop:
            return stop.value
        except BaseException as error:
            trim(error)
            raise
        received = thrown = None
        recorder.leave(pending)
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            trim(error)
        recorder.enter(pending)


async def _drive_async_generator(recorder: Any, unstarted: Any) -> Any:
    inner, pending = unstarted.start()
    del unstarted
    items = Items(recorder.settings.max_bytes)
    received: Any = None
    thrown: Any = None
    closing = False
    while True:
        try:
            step = inner.asend(received) if thrown is None else inner.athrow(thrown)
            item = await (step if pending is None else _step(recorder, pending, step))
        except StopAsyncIteration:
            break
        except BaseException as error:
            trim(error)
            if pending is not None:
                if closing and type(error) is GeneratorExit:
                    recorder.ended(pending, items.kept, CLOSED)
                elif type(error).__name__ == "CancelledError":
                    recorder.ended(pending, items.kept, "cancelled")
                else:
                    recorder.ended(pending, items.kept, COMPLETE, error)
            raise
        received = thrown = step = None
        if pending is not None:
            if items.add(item):
                recorder.leave(pending)
            else:
                recorder.ended(pending, items.kept, CAPPED)
                pending = items = None  # type: ignore[assignment]
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            trim(error)
            closing = type(error) is GeneratorExit
        item = None
        if pending is not None:
            recorder.enter(pending)
    if pending is not None:
        recorder.ended(pending, items.kept, CLOSED if closing else COMPLETE)


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
        inner = parts.function(*args, **kwargs)
    except parts.any_error as error:
        parts.trim(error)
        raise
    return parts.drive(inner, args, kwargs) if parts.admit() else inner


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
            drive = _named(_DRIVERS[recorder.flavor], function.__name__, function.__qualname__)
            self.drive = lambda inner, args, kwargs: drive(recorder, Unstarted(recorder, inner, args, kwargs))


def _named(function: FunctionType, name: str, qualname: str) -> FunctionType:
    """A copy whose coroutines and generators carry the name of the program's function."""
    copy = FunctionType(function.__code__.replace(co_name=name, co_qualname=qualname), function.__globals__, name)
    copy.__qualname__ = qualname
    return copy


def _hidden(code: CodeType, **changes: Any) -> CodeType:
    inner = tuple(_hidden(const) if type(const) is CodeType else const for const in code.co_consts)
    return code.replace(co_filename=FILE_NAME, co_consts=inner, **changes)


def _as_coroutine(code: CodeType) -> CodeType:
    """A generator's code that makes a coroutine instead: so one frame can hand on each step of another coroutine."""
    return _hidden(code, co_flags=code.co_flags & ~_GENERATOR | _COROUTINE)


_code_owner: Any
for _code_owner in (_plain, _stepwise, _drive_generator, _drive_async_generator):
    _code_owner.__code__ = _hidden(_code_owner.__code__)
for _code_owner in (_drive_coroutine, _drive_step):
    _code_owner.__code__ = _as_coroutine(_code_owner.__code__)

_IN_PLACE = _hidden(_in_place.__code__)
_IN_PLACE_STEPWISE = _hidden(_in_place_stepwise.__code__)
_step = _drive_step
_DRIVERS: dict[str, Any] = {
    "generator": _drive_generator,
    "coroutine": _drive_coroutine,
    "async_generator": _drive_async_generator,
}
