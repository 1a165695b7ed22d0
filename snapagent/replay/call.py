"""Calls a function again: awaits coroutines, and lists generators as far as they ran when they were captured."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from ..bundle import ASYNC_GENERATOR, COROUTINE, GENERATOR
from ..core.records import Record
from ..core.replaying import REPLAYING
from ..core.signature import VAR_KEYWORD, VAR_POSITIONAL, Parameters
from ..errors import NotReplayableError
from .io_guard import guarded

MOST_ITEMS = 10_000  # read from a generator beyond the captured ones: it may be endless now


class PreparedCall(Record):
    """A function and its arguments; `items` is the most to read from a generator."""

    target: str
    function: Callable[..., Any]
    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    flavor: str  # as in a bundle's header
    items: int = MOST_ITEMS


def run(call: PreparedCall) -> Any:
    """Make the call, and run a coroutine or generator to its end.

    Raises what the function raises, and NotReplayableError when it must be awaited while an event loop is running.
    """
    __tracebackhide__ = True
    if _is_async(call):
        _refuse_inside_a_loop(call)
        # The loop is made outside of the call: it leaves the thread's current loop alone.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(arun(call))
    with REPLAYING, guarded():
        return _result(call, call.function(*call.positional, **call.keywords))


async def arun(call: PreparedCall) -> Any:
    """The same inside a running event loop; plain functions are called as in `run`."""
    __tracebackhide__ = True
    with REPLAYING, guarded():
        value = call.function(*call.positional, **call.keywords)
        if hasattr(value, "__anext__") and _has_flavor(call, ASYNC_GENERATOR, inspect.isasyncgenfunction):
            return await _alisted(value, call.items)
        if inspect.isawaitable(value) and _has_flavor(call, COROUTINE, inspect.iscoroutinefunction):
            return await value
        return _result(call, value)


def _result(call: PreparedCall, value: Any) -> Any:
    """What a function returned, a generator as the list of its items."""
    __tracebackhide__ = True
    is_one = hasattr(value, "__next__") and _has_flavor(call, GENERATOR, inspect.isgeneratorfunction)
    return _listed(value, call.items) if is_one else value


def _is_async(call: PreparedCall) -> bool:
    function = call.function
    flavored = call.flavor in (COROUTINE, ASYNC_GENERATOR)
    return flavored or inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _has_flavor(call: PreparedCall, flavor: str, is_such: Callable[[Any], bool]) -> bool:
    return call.flavor == flavor or is_such(call.function)


def _refuse_inside_a_loop(call: PreparedCall) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    reason = "it must be awaited, and an event loop is already running"
    raise NotReplayableError(call.target, reason, "await bundle.acall(), .acheck() or .areplay() instead")


def _listed(items: Iterator[Any], most: int) -> list[Any]:
    """At most `most` items; a generator that has more is closed, as it was when it was captured."""
    __tracebackhide__ = True
    found = list(islice(items, most))
    if len(found) == most and hasattr(items, "close"):
        items.close()
    return found


async def _alisted(items: AsyncIterator[Any], most: int) -> list[Any]:
    __tracebackhide__ = True
    found: list[Any] = []
    while len(found) < most:
        try:
            found.append(await anext(items))
        except StopAsyncIteration:
            return found
    if hasattr(items, "aclose"):
        await items.aclose()
    return found


StoredArguments = tuple[Any, tuple[Any, ...], dict[str, Any]]  # instance, args, kwargs


def check_names(parameters: Parameters, overrides: Mapping[str, Any], target: str) -> None:
    """Raises TypeError for a name that the target cannot be called with."""
    names = [name for name, kind in parameters.items if kind not in (VAR_POSITIONAL, VAR_KEYWORD)]
    takes_any = any(kind == VAR_KEYWORD for _, kind in parameters.items)
    unknown = [name for name in overrides if name not in names]
    if unknown and not takes_any:
        raise TypeError(
            f"{target} has no parameter {', '.join(map(repr, unknown))}; it has {', '.join(names) or 'none'}"
        )


def override(
    stored: StoredArguments, parameters: Parameters, has_instance: bool, overrides: Mapping[str, Any]
) -> StoredArguments:
    """The arguments with `overrides` by parameter name, positional or keyword as the caller passed them."""
    instance, args, kwargs = stored
    positional = [instance, *args] if has_instance else list(args)
    names = [name for name, kind in parameters.items if kind.startswith("positional")]
    keywords = dict(kwargs)
    for name, value in overrides.items():
        at = names.index(name) if name in names else len(positional)
        if at < len(positional):
            positional[at] = value
        else:
            keywords[name] = value
    if has_instance:
        return positional[0], tuple(positional[1:]), keywords
    return instance, tuple(positional), keywords
