"""The wrappers that serve or record a side effect. Each has the flavor of the function that it replaces."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Self

from ...bundle import ASYNC_GENERATOR, BOUND_KINDS, CLASSMETHOD, CLOSED, COMPLETE, COROUTINE, GENERATOR, STATICMETHOD
from ...errors import SideEffectNotRecorded
from ..effects.dependencies import RECORDINGS
from ..effects.outside import outside_of_replay
from ..functions import find_raw, import_module
from .recording import RaisedAfter
from .recordings import Attempt, Recordings
from .wrapped_call import real_callable

_ABSENT = object()


class WrapperState:
    """The state that the calls of one wrapper share. With `takes_instance` the instance is its first argument."""

    def __init__(self, recordings: Recordings, takes_instance: bool = False) -> None:
        self.recordings = recordings
        self._takes_instance = takes_instance and recordings.wrapped.kind in BOUND_KINDS
        self._real: Callable[..., Any] | None = None

    def look_up(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Attempt, tuple[Any, ...], Any]:
        """The attempt, the arguments without the instance, and the instance."""
        __tracebackhide__ = True
        instance, rest = (args[0], args[1:]) if self._takes_instance else (None, args)
        return self.recordings.look_up(rest, kwargs), rest, instance

    def real(self, instance: Any) -> Callable[..., Any]:
        """The callable to record. `make` runs at most once, and only when something is recorded."""
        __tracebackhide__ = True
        if self._takes_instance and self.recordings.wrapped.make is None:
            return real_callable(self.recordings.wrapped, instance, True)
        if self._real is None:
            try:
                self._real = real_callable(self.recordings.wrapped, None, False)
            except SideEffectNotRecorded as error:
                raise self.recordings.missed(error) from error.__cause__
        return self._real


def wrapper_of(recordings: Recordings, takes_instance: bool = False) -> Callable[..., Any]:
    """A function of the same flavor as the real callable that serves or records."""
    state = WrapperState(recordings, takes_instance)
    make = {COROUTINE: _coroutine, GENERATOR: _generator, ASYNC_GENERATOR: _async_generator}
    wrapper = make.get(recordings.wrapped.flavor, _plain)(state)
    functools.update_wrapper(wrapper, recordings.wrapped.function)
    wrapper.__dict__[RECORDINGS] = recordings
    return wrapper


def recordings_of(value: Any) -> Recordings | None:
    """The recordings of a wrapper, or of a mock whose `side_effect` is a wrapper; None for anything else."""
    for candidate in (value, getattr(value, "side_effect", None), getattr(value, "__func__", None)):
        found = getattr(candidate, "__dict__", {}).get(RECORDINGS)
        if isinstance(found, Recordings):
            return found
    return None


def patch_attribute(target: str, kind: str, wrapper: Callable[..., Any]) -> Callable[[], None]:
    """Replace the attribute that `module:qualname` names; calling the result restores it."""
    module, _, qualname = target.partition(":")
    above, _, name = qualname.rpartition(".")
    owner: Any = find_raw(f"{module}:{above}") if above else import_module(module, target)
    before = vars(owner).get(name, _ABSENT)  # absent: inherited from a base class
    descriptor: Any = {CLASSMETHOD: classmethod, STATICMETHOD: staticmethod}.get(kind)
    setattr(owner, name, wrapper if descriptor is None else descriptor(wrapper))

    def restore() -> None:
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)

    return restore


def _serve(recordings: Recordings, attempt: Attempt) -> Any:
    """Return or raise what the recorded call returned or raised."""
    __tracebackhide__ = True
    assert attempt.served is not None
    value, raised = recordings.outcome(attempt.served)
    if raised:
        raise value
    return value


def _served_items(recordings: Recordings, attempt: Attempt) -> Iterator[Any]:
    """The recorded items of a generator. Asking for more items than the recorded caller took is a miss."""
    for item in _serve(recordings, attempt):
        if isinstance(item, RaisedAfter):
            raise item.error
        yield item
    assert attempt.served is not None
    if attempt.served.header.ended == CLOSED:
        name, remedy = recordings.wrapped.name, recordings.mode.remedy
        raise recordings.missed(SideEffectNotRecorded(name, "more items of a generator", None, remedy))


class _RecordedCall:
    """Around a real call: records the value that the body sets, or the exception that ends the body.

    Only an `Exception` is recorded: a cancelled or interrupted call has no outcome to serve later.
    """

    def __init__(self, recordings: Recordings, attempt: Attempt) -> None:
        self.value: Any = None
        self._recordings = recordings
        self._attempt = attempt
        self._outside = outside_of_replay()  # what the test records is real, also below a replayed call

    def __enter__(self) -> Self:
        self._outside.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._outside.__exit__(None, None, None)
        if error is None:
            self._recordings.record(self._attempt, self.value)
        elif isinstance(error, Exception):
            self._recordings.record(self._attempt, error, raised=True)


class _RecordedItems:
    """Around a real generator: records the items that were taken, and how the generator ended."""

    def __init__(self, recordings: Recordings, attempt: Attempt) -> None:
        self._recordings = recordings
        self._attempt = attempt
        self._items: list[Any] = []

    def add(self, item: Any) -> Any:
        self._items.append(item)
        return item

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self._items.append(RaisedAfter(error))
        complete = error is None or isinstance(error, Exception)  # else the caller has closed the generator
        self._recordings.record(self._attempt, self._items, ended=COMPLETE if complete else CLOSED)


def _plain(state: WrapperState) -> Callable[..., Any]:
    recordings = state.recordings

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        attempt, rest, instance = state.look_up(args, kwargs)
        if attempt.served is not None:
            return _serve(recordings, attempt)
        real = state.real(instance)
        with _RecordedCall(recordings, attempt) as call:
            call.value = real(*rest, **kwargs)
        return call.value

    return wrapper


def _coroutine(state: WrapperState) -> Callable[..., Any]:
    recordings = state.recordings

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        attempt, rest, instance = state.look_up(args, kwargs)
        if attempt.served is not None:
            return _serve(recordings, attempt)
        real = state.real(instance)
        with _RecordedCall(recordings, attempt) as call:
            call.value = await real(*rest, **kwargs)
        return call.value

    return wrapper


def _generator(state: WrapperState) -> Callable[..., Any]:
    recordings = state.recordings

    def wrapper(*args: Any, **kwargs: Any) -> Iterator[Any]:
        __tracebackhide__ = True
        attempt, rest, instance = state.look_up(args, kwargs)
        if attempt.served is not None:
            yield from _served_items(recordings, attempt)
            return
        real = state.real(instance)
        with _RecordedItems(recordings, attempt) as items:
            for item in real(*rest, **kwargs):
                yield items.add(item)

    return wrapper


def _async_generator(state: WrapperState) -> Callable[..., Any]:
    recordings = state.recordings

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        __tracebackhide__ = True
        attempt, rest, instance = state.look_up(args, kwargs)
        if attempt.served is not None:
            for item in _served_items(recordings, attempt):
                yield item
            return
        real = state.real(instance)
        with _RecordedItems(recordings, attempt) as items:
            async for item in real(*rest, **kwargs):
                yield items.add(item)

    return wrapper
