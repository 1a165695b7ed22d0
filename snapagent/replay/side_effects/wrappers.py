"""What stands in place of a side effect: a function, coroutine function or generator function, as the real thing is."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ...bundle import ASYNC_GENERATOR, BOUND_KINDS, CLOSED, COMPLETE, COROUTINE, GENERATOR
from ...errors import SideEffectNotRecorded
from .recording import RaisedAfter
from .recordings import Attempt, Book
from .wrapped_call import BOOK, real_callable


class Standing:
    """The calls of one wrapper. `takes_instance`: it stands in a class, and is called with the instance first."""

    def __init__(self, book: Book, takes_instance: bool = False) -> None:
        self.book = book
        self._takes_instance = takes_instance and book.effect.kind in BOUND_KINDS
        self._real: Callable[..., Any] | None = None

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Attempt, tuple[Any, ...], Any]:
        """The attempt, the arguments without the instance, and the instance."""
        __tracebackhide__ = True
        instance, rest = (args[0], args[1:]) if self._takes_instance else (None, args)
        return self.book.begin(rest, kwargs), rest, instance

    def real(self, instance: Any) -> Callable[..., Any]:
        """What is called to record; built once, and only for that."""
        __tracebackhide__ = True
        if self._takes_instance and self.book.effect.make is None:
            return real_callable(self.book.effect, instance, True)
        if self._real is None:
            try:
                self._real = real_callable(self.book.effect, None, False)
            except SideEffectNotRecorded as error:
                raise self.book.missed(error) from error.__cause__
        return self._real


def wrapper_of(book: Book, takes_instance: bool = False) -> Callable[..., Any]:
    """A function of the same flavor as the real thing, that serves or records."""
    standing = Standing(book, takes_instance)
    make = {COROUTINE: _coroutine, GENERATOR: _generator, ASYNC_GENERATOR: _async_generator}
    wrapper = make.get(book.effect.flavor, _plain)(standing)
    functools.update_wrapper(wrapper, book.effect.function)
    wrapper.__dict__[BOOK] = book
    return wrapper


def book_of(value: Any) -> Book | None:
    """The book of a wrapper, or of a mock whose side effect is one."""
    for candidate in (value, getattr(value, "side_effect", None), getattr(value, "__func__", None)):
        found = getattr(candidate, "__dict__", {}).get(BOOK)
        if isinstance(found, Book):
            return found
    return None


def _give(book: Book, attempt: Attempt) -> Any:
    """What the recorded call gave: returned, or raised again."""
    __tracebackhide__ = True
    assert attempt.served is not None
    value, raised = book.outcome(attempt.served)
    if raised:
        raise value
    return value


def _plain(standing: Standing) -> Callable[..., Any]:
    book = standing.book

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        attempt, rest, instance = standing.begin(args, kwargs)
        if attempt.served is not None:
            return _give(book, attempt)
        real = standing.real(instance)
        try:
            value = real(*rest, **kwargs)
        except Exception as error:
            book.keep(attempt, error, raised=True)
            raise
        book.keep(attempt, value)
        return value

    return wrapper


def _coroutine(standing: Standing) -> Callable[..., Any]:
    book = standing.book

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        attempt, rest, instance = standing.begin(args, kwargs)
        if attempt.served is not None:
            return _give(book, attempt)
        real = standing.real(instance)
        try:
            value = await real(*rest, **kwargs)
        except Exception as error:
            book.keep(attempt, error, raised=True)
            raise
        book.keep(attempt, value)
        return value

    return wrapper


class _Items:
    """The items of a generator as they are given, and how it ended."""

    def __init__(self, book: Book, attempt: Attempt) -> None:
        self._book = book
        self._attempt = attempt
        self._items: list[Any] = []
        self._ended = CLOSED

    def add(self, item: Any) -> Any:
        self._items.append(item)
        return item

    def complete(self) -> None:
        self._ended = COMPLETE

    def failed(self, error: Exception) -> None:
        self._items.append(RaisedAfter(error))
        self._ended = COMPLETE

    def keep(self) -> None:
        self._book.keep(self._attempt, self._items, ended=self._ended)

    @staticmethod
    def served(book: Book, attempt: Attempt) -> Iterator[Any]:
        """Recorded items; more than were taken when it was recorded are a miss."""
        for item in _give(book, attempt):
            if isinstance(item, RaisedAfter):
                raise item.error
            yield item
        assert attempt.served is not None
        if attempt.served.header.ended == CLOSED:
            name = book.effect.name
            raise book.missed(SideEffectNotRecorded(name, "more items of a generator", None, book.mode.remedy))


def _generator(standing: Standing) -> Callable[..., Any]:
    book = standing.book

    def wrapper(*args: Any, **kwargs: Any) -> Iterator[Any]:
        __tracebackhide__ = True
        attempt, rest, instance = standing.begin(args, kwargs)
        if attempt.served is not None:
            yield from _Items.served(book, attempt)
            return
        items = _Items(book, attempt)
        try:
            for item in standing.real(instance)(*rest, **kwargs):
                yield items.add(item)
            items.complete()
        except Exception as error:
            items.failed(error)
            raise
        finally:
            items.keep()

    return wrapper


def _async_generator(standing: Standing) -> Callable[..., Any]:
    book = standing.book

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        __tracebackhide__ = True
        attempt, rest, instance = standing.begin(args, kwargs)
        if attempt.served is not None:
            for item in _Items.served(book, attempt):
                yield item
            return
        items = _Items(book, attempt)
        try:
            async for item in standing.real(instance)(*rest, **kwargs):
                yield items.add(item)
            items.complete()
        except Exception as error:
            items.failed(error)
            raise
        finally:
            items.keep()

    return wrapper
