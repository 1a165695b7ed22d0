"""Driving a coroutine or generator step by step, so that a recorder knows when it is suspended and what it gave.

Each driver is one frame of the same kind as what it drives, and hands on every value, exception, `close` and return
value. The program's exception is never thrown on from inside an `except` of ours, where it would become a context.
"""

from __future__ import annotations

from typing import Any

from ...bundle import CANCELLED, CAPPED, CLOSED, COMPLETE
from .frames import as_coroutine, hidden, trim

MAX_ITEMS = 10_000  # a generator's items that are recorded; after that it runs on unobserved
NEVER_STARTED = "never_started"


def probed(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise what calling a coroutine or generator function with arguments that do not fit raises."""
    made = function(*args, **kwargs)
    if hasattr(made, "close"):
        made.close()  # one that is dropped before its first step would warn


class Unstarted:
    """A call of a coroutine or generator function before the first step of what it gives.

    The program's coroutine is made only then: one that is never started would warn besides ours. `probed` makes one
    at once, so that arguments that do not fit raise where the function is called; that runs none of its code.
    """

    __slots__ = ("args", "function", "kwargs", "recorder")

    def __init__(self, recorder: Any, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.recorder = recorder
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def start(self) -> tuple[Any, Any]:
        """(coroutine or generator, pending): freeze the arguments as they are now; give up everything that is held."""
        function, args, kwargs = self.function, self.args, self.kwargs
        self.function, self.args, self.kwargs = None, (), {}
        return function(*args, **kwargs), self.recorder.begin(args, kwargs)

    def __del__(self) -> None:
        if self.function is not None:
            self.recorder.ledger.count_skipped(NEVER_STARTED, admitted=True)


class Begun:
    """A coroutine before its first step, of a call that was begun already."""

    __slots__ = ("inner", "pending", "recorder")

    def __init__(self, recorder: Any, inner: Any, pending: Any) -> None:
        self.recorder = recorder
        self.inner = inner
        self.pending = pending

    def start(self) -> tuple[Any, Any]:
        """(coroutine, pending)."""
        inner, self.inner = self.inner, None
        self.recorder.enter(self.pending)
        return inner, self.pending

    def __del__(self) -> None:
        if self.inner is not None:
            self.inner.close()  # only ours says that it was never awaited
            self.recorder.ledger.count_skipped(NEVER_STARTED, admitted=True)


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
                    recorder.ended(pending, items.kept, CANCELLED)
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


hidden(_drive_generator)
hidden(_drive_async_generator)
_step: Any = as_coroutine(_drive_step)
DRIVERS: dict[str, Any] = {
    "generator": _drive_generator,
    "coroutine": as_coroutine(_drive_coroutine),
    "async_generator": _drive_async_generator,
}
