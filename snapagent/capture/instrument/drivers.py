"""Drives a coroutine or generator step by step, so that a recorder knows when it is suspended and what it yields.

Each driver is one frame of the same kind as the object it drives, and passes on every value, exception, `close` and
return value. An exception may keep the frame alive by `f_back`, so the frame drops what it refers to before it ends.
The steps are written out in each driver instead of `yield from`, which gives the recorder no sign, and instead of a
shared helper, which would be a second frame in tracebacks and stack inspection.

A driver throws the program's exception into the inner object after its `except` block has ended: inside the block, the
interpreter would set the exception being handled as the context of whatever the program raises next.
"""

from __future__ import annotations

import sys
from typing import Any

from ...bundle import CANCELLED, CAPPED, CLOSED, COMPLETE
from ..recording.recorder import NEVER_STARTED
from .frames import as_coroutine, as_generator_coroutine, drop_frame, hidden, is_generator_coroutine

MAX_ITEMS = 10_000  # a generator's items that are recorded; after that it runs on unobserved


def check_arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Call a coroutine or generator function and drop the result: raises TypeError when the arguments do not fit.

    Returns whether the result is a generator that can be awaited.
    """
    made = function(*args, **kwargs)
    if hasattr(made, "close"):
        made.close()  # a coroutine that is dropped before its first step would warn
    return is_generator_coroutine(made)


class UnstartedCall:
    """A call of a coroutine or generator function, before the first step of the coroutine or generator.

    The program's own is made at the first step: made earlier and never started, it would warn in addition to the
    driver. `check_arguments` makes one at once, so that arguments that do not fit raise where the function is called;
    that runs none of the function's code.
    """

    __slots__ = ("args", "function", "kwargs", "recorder")

    def __init__(self, recorder: Any, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.recorder = recorder
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def start(self) -> tuple[Any, Any]:
        """(coroutine or generator, pending): freeze the arguments as they are now, and keep no reference to them."""
        function, args, kwargs = self.function, self.args, self.kwargs
        self.function, self.args, self.kwargs = None, (), {}
        return function(*args, **kwargs), self.recorder.begin(args, kwargs)

    def __del__(self) -> None:
        if self.function is not None:
            self.recorder.ledger.count_skipped(NEVER_STARTED, admitted=True)


class BegunCall:
    """A call of a plain function that has returned a coroutine, before the coroutine's first step."""

    __slots__ = ("inner", "pending", "recorder")

    def __init__(self, recorder: Any, inner: Any, pending: Any) -> None:
        self.recorder = recorder
        self.inner = inner
        self.pending = pending

    def start(self) -> tuple[Any, Any]:
        """(coroutine, pending)."""
        inner, self.inner = self.inner, None
        self.recorder.resume(self.pending)
        return inner, self.pending

    def __del__(self) -> None:
        if self.inner is not None:
            self.inner.close()  # so that only the driver warns that it was never awaited
            self.recorder.ledger.count_skipped(NEVER_STARTED, admitted=True)


class YieldedItems:
    """The items that a generator has yielded so far, up to `MAX_ITEMS` or `max_bytes` of texts."""

    __slots__ = ("bytes_left", "items")

    def __init__(self, max_bytes: int) -> None:
        self.items: list[Any] = []
        self.bytes_left = max_bytes

    def add(self, item: Any) -> bool:
        """False when it is full: the chunks of a large file must not be held in memory."""
        self.items.append(item)
        if type(item) in (bytes, str, bytearray):
            self.bytes_left -= len(item)
        return len(self.items) < MAX_ITEMS and self.bytes_left > 0


def _drive_generator(recorder: Any, unstarted: Any) -> Any:
    inner, pending = unstarted.start()
    del unstarted  # the arguments must not live longer than in an uncaptured call: finalisers run, memory is freed
    yielded: Any = YieldedItems(recorder.settings.max_bytes)
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
            drop_frame(error)
            if pending is not None:
                if closing and type(error) is GeneratorExit:
                    recorder.ended(pending, yielded.items, CLOSED)
                else:
                    recorder.ended(pending, yielded.items, COMPLETE, error)
            inner = yielded = received = thrown = None
            raise
        received = thrown = None
        if pending is not None:
            if yielded.add(item):
                recorder.suspend(pending)
            else:
                recorder.ended(pending, yielded.items, CAPPED)
                pending = yielded = None
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            drop_frame(error)
            closing = type(error) is GeneratorExit
        item = None  # the program may have dropped it, and its finaliser must run as without capture
        if pending is not None:
            recorder.resume(pending)
    if pending is not None:
        recorder.ended(pending, yielded.items, CLOSED if closing else COMPLETE)
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
            drop_frame(error)
            if pending is not None:
                recorder.raised(pending, error)
            inner = received = thrown = None
            raise
        received = thrown = None
        if pending is not None:
            recorder.suspend(pending)
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            drop_frame(error)
        item = None
        if pending is not None:
            recorder.resume(pending)
    if pending is not None:
        recorder.returned(pending, value)
    return value


def _drive_step(recorder: Any, pending: Any, awaitable: Any) -> Any:
    """Await `awaitable`, and say to the recorder when it is suspended and resumed."""
    inner = awaitable.__await__()
    received: Any = None
    thrown: Any = None
    while True:
        try:
            item = inner.send(received) if thrown is None else inner.throw(thrown)
        except StopIteration as stop:
            return stop.value
        except BaseException as error:
            drop_frame(error)
            inner = awaitable = received = thrown = None
            raise
        received = thrown = None
        recorder.suspend(pending)
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            drop_frame(error)
        recorder.resume(pending)


def _first_step(inner: Any) -> Any:
    """The first `asend` of an async generator that only its driver closes.

    Without this, the hooks of the event loop, which are read here, would know the program's generator besides the
    driver: the loop would close both when it ends, and the driver would yield once more from one that is closed.
    A finaliser that does nothing takes the place of the loop's: without one, the interpreter closes what is dropped.
    """
    hooks = sys.get_asyncgen_hooks()
    if hooks == (None, None):
        return inner.asend(None)
    nothing: Any = id
    sys.set_asyncgen_hooks(None, nothing if hooks.finalizer else None)
    try:
        return inner.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)


async def _drive_async_generator(recorder: Any, unstarted: Any) -> Any:
    inner, pending = unstarted.start()
    del unstarted
    step: Any = _first_step(inner)
    yielded: Any = YieldedItems(recorder.settings.max_bytes)
    received: Any = None
    thrown: Any = None
    closing = False
    while True:
        try:
            item = await (step if pending is None else _step(recorder, pending, step))
        except StopAsyncIteration:
            break
        except BaseException as error:
            drop_frame(error)
            if pending is not None:
                if closing and type(error) is GeneratorExit:
                    recorder.ended(pending, yielded.items, CLOSED)
                elif type(error).__name__ == "CancelledError":
                    recorder.ended(pending, yielded.items, CANCELLED)
                else:
                    recorder.ended(pending, yielded.items, COMPLETE, error)
            inner = yielded = received = thrown = step = None
            raise
        received = thrown = step = None
        if pending is not None:
            if yielded.add(item):
                recorder.suspend(pending)
            else:
                recorder.ended(pending, yielded.items, CAPPED)
                pending = yielded = None
        try:
            received = yield item
        except BaseException as error:
            thrown = error
            drop_frame(error)
            closing = type(error) is GeneratorExit
        item = None
        step = inner.asend(received) if thrown is None else inner.athrow(thrown)
        if pending is not None:
            recorder.resume(pending)
    if pending is not None:
        recorder.ended(pending, yielded.items, CLOSED if closing else COMPLETE)


hidden(_drive_generator)
hidden(_drive_async_generator)
_step: Any = as_coroutine(_drive_step)
GENERATOR_COROUTINE = "generator-based coroutine"  # stored as a coroutine: it is awaited for what it returns
DRIVERS: dict[str, Any] = {
    "generator": _drive_generator,
    "coroutine": as_coroutine(_drive_coroutine),
    GENERATOR_COROUTINE: as_generator_coroutine(_drive_coroutine),
    "async_generator": _drive_async_generator,
}
