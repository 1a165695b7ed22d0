"""One replay of a stored call, in a plain function or inside a running event loop.

What comes before and after the call is written once, as a generator of `Steps`: it yields each attempt, and is told
how the call ended. `drive` makes the call in a plain function, `adrive` in a running loop.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from ..bundle import ASYNC_GENERATOR, CAPPED, CLOSED, GENERATOR
from ..compare.outcomes import Outcome, Raised, Returned
from ..errors import EffectNotRecorded, SnapagentError, UndeclaredEffect
from . import call as calling
from .application import prepare
from .functions import find_function, unwrap
from .stored import RAISED
from .surroundings import ReplayRules, Surroundings
from .values import StoredValues


class Attempt:
    """A call that is ready to be made, once: the function, its arguments, and what surrounds it.

    `fn` is called in place of the target. Raises NotReplayableError and BundleLoadError for what cannot be made ready.
    """

    def __init__(self, values: StoredValues, fn: Callable[..., Any] | None, rules: ReplayRules) -> None:
        header = values.header
        if fn is None:
            prepare(header)
        function = find_function(values.target) if fn is None else _replacement(fn)
        self.around = Surroundings(values.stored, rules, function, values.given)
        instance, args, kwargs = values.passed(self.around.stand_ins)
        bound = getattr(function, "__self__", None) is not None and hasattr(function, "__func__")
        positional = (instance, *args) if values.stored.has_instance and not bound else args
        self._exception = header.exception
        self._call = calling.PreparedCall(
            values.target, function, positional, kwargs, header.flavor, most_items(values)
        )

    def run(self) -> Any:
        """Make the call. Raises what the function raises."""
        __tracebackhide__ = True
        with self.around.entered():
            return calling.run(self._call)

    async def arun(self) -> Any:
        """The same inside a running event loop."""
        __tracebackhide__ = True
        async with self.around.aentered():
            return await calling.arun(self._call)

    def raised(self, error: BaseException) -> Raised:
        """An exception as an outcome. Ctrl-C, pytest's exceptions and SnapagentError are raised, unless captured so.

        An effect that was missed is an outcome too: the verdict tells it.
        """
        __tracebackhide__ = True
        outcome = Raised(error)
        if self.around.effects.miss is not None and isinstance(error, EffectNotRecorded | UndeclaredEffect):
            return outcome
        foreign = isinstance(error, SnapagentError) or not isinstance(error, Exception)
        if foreign and outcome.type != self._exception:
            raise error
        return outcome


T = TypeVar("T")
Steps = Generator[Attempt, Outcome, T]


def drive(steps: Steps[T]) -> T:
    """Go through the steps, and make the calls that they ask for. Raises what they raise."""
    __tracebackhide__ = True
    run = _Run(steps)
    while run.attempt is not None:
        try:
            ended: Outcome | BaseException = _outcome(run.attempt)
        except BaseException as error:
            ended = error
        run.resume(ended)
    return run.result


async def adrive(steps: Steps[T]) -> T:
    """The same inside a running event loop."""
    __tracebackhide__ = True
    run = _Run(steps)
    while run.attempt is not None:
        try:
            ended: Outcome | BaseException = await _aoutcome(run.attempt)
        except BaseException as error:
            ended = error
        run.resume(ended)
    return run.result


def _outcome(attempt: Attempt) -> Outcome:
    __tracebackhide__ = True
    try:
        return Returned(attempt.run())
    except BaseException as error:
        return attempt.raised(error)


async def _aoutcome(attempt: Attempt) -> Outcome:
    __tracebackhide__ = True
    try:
        return Returned(await attempt.arun())
    except BaseException as error:
        return attempt.raised(error)


class _Run(Generic[T]):
    """Steps while they run: the call to make now, or None and their result."""

    def __init__(self, steps: Steps[T]) -> None:
        __tracebackhide__ = True
        self._steps = steps
        self.attempt: Attempt | None = None
        self.result: T
        self.resume(None)

    def resume(self, ended: Outcome | BaseException | None) -> None:
        """Go on with how the call ended, or with the error that is no outcome."""
        __tracebackhide__ = True
        try:
            if isinstance(ended, BaseException):
                self.attempt = self._steps.throw(ended)
            else:
                self.attempt = self._steps.send(ended)  # type: ignore[arg-type]  # None starts the steps
        except StopIteration as stop:
            self.attempt, self.result = None, stop.value


def most_items(values: StoredValues) -> int:
    """The most items to read from a generator: no more than were captured, when it was not read to its end."""
    if values.header.flavor not in (GENERATOR, ASYNC_GENERATOR) or values.outcome == RAISED:
        return calling.MOST_ITEMS
    taken = len(values.result)
    return taken if values.header.ended in (CLOSED, CAPPED) else taken + calling.MOST_ITEMS


def _replacement(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function that a test passes to `call`, without the wrapper of captures; a bound method stays bound."""
    return fn if hasattr(fn, "__self__") else unwrap(fn)
