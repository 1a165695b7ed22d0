"""What a test wraps: the name, the parameters and the real thing behind a side effect."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ...bundle import (
    ASYNC_GENERATOR,
    BOUND_KINDS,
    CLASSMETHOD,
    COROUTINE,
    FUNCTION,
    GENERATOR,
    METHOD,
    PLAIN,
    STATICMETHOD,
)
from ...config.targets import Target
from ...core.records import Record
from ...core.signature import Parameters, defaults_of
from ...errors import NotReplayableError, SideEffectNotFoundError, SideEffectNotRecorded
from ..functions import find_function, find_raw, unwrap

BOOK = "__snapagent_book__"  # attribute under which a wrapper keeps its book, and so its effect


class Effect(Record):
    """One effectful callable. `parameters` are those that a caller passes, without the bound instance."""

    target: str  # module:qualname, as its recordings name it
    name: str  # the qualified name: the folder of its recordings
    kind: str
    flavor: str
    parameters: Parameters
    defaults: dict[str, Any]
    function: Callable[..., Any]
    make: Callable[[], Any] | None = None

    def is_same(self, other: Effect) -> bool:
        """Whether both are the same function, on whatever instance."""
        functions = [getattr(effect.function, "__func__", effect.function) for effect in (self, other)]
        return self.target == other.target and functions[0] == functions[1]


def effect_of(wanted: str | Callable[..., Any], make: Callable[[], Any] | None, name: str | None) -> Effect:
    """From what the test author gives: a name or a callable.

    Raises:
        SideEffectNotFoundError: no such module or name.
        TypeError: what is there is not callable.
    """
    if isinstance(wanted, str):
        target, raw, owner = _located(wanted)
        function = find_function(target)
        kind = _kind(raw, owner)
    else:
        target, function = _target_of(wanted), wanted if inspect.ismethod(wanted) else unwrap(wanted)
        kind = METHOD if make is not None and isinstance(wanted, FunctionType) else FUNCTION
    function = _below_wrapper(function)
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"{target!r} is no function: a side effect is a function or a method")
    code = _plain_function(function)
    parameters, defaults = _signature(function, code)
    if kind in BOUND_KINDS or (code is not None and code is not function):
        first = parameters.items[0][0] if parameters.items else ""
        parameters = Parameters(parameters.items[1:])
        defaults = {key: value for key, value in defaults.items() if key != first}
    own_name = name or target.rpartition(":")[2].rpartition("<locals>.")[2]
    return Effect(target, own_name, kind, flavor_of(function), parameters, defaults, function, make)


def _below_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    """The real thing, where the test has patched it already."""
    book = getattr(function, "__dict__", {}).get(BOOK)
    return function if book is None else book.effect.function


def _located(text: str) -> tuple[str, object, object]:
    """The target that `text` means (the dotted form: whichever split exists), what is there, and its owner."""
    failure: NotReplayableError | None = None
    for candidate in Target.candidates(text):
        try:
            raw = find_raw(str(candidate))
        except NotReplayableError as error:
            failure = failure or error
            continue
        above = candidate.qualname.rpartition(".")[0]
        owner = find_raw(f"{candidate.module}:{above}") if above else None
        return str(candidate), raw, owner
    how = "write 'module:function' or 'module:Class.method'"
    raise SideEffectNotFoundError(text, failure.reason if failure else "it names no function", how) from failure


def _target_of(function: Callable[..., Any]) -> str:
    named = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(named, "__module__", None) or "builtins"
    return f"{module}:{named.__qualname__}"


def _kind(raw: object, owner: object) -> str:
    if isinstance(raw, classmethod):
        return CLASSMETHOD
    if isinstance(raw, staticmethod):
        return STATICMETHOD
    return METHOD if isinstance(owner, type) else FUNCTION


def _plain_function(function: Any) -> FunctionType | None:
    inner = getattr(function, "__func__", function)
    if not isinstance(inner, FunctionType):
        inner = getattr(type(function).__call__, "__func__", None)
    return inner if isinstance(inner, FunctionType) else None


def _signature(function: Any, code: FunctionType | None) -> tuple[Parameters, dict[str, Any]]:
    if code is not None:
        return Parameters.of(code), defaults_of(code)
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin that does not say
        return Parameters(()), {}
    defaults = {each.name: each.default for each in found if each.default is not each.empty}
    return Parameters(tuple((each.name, each.kind.name.lower()) for each in found)), defaults


def flavor_of(function: Callable[..., Any]) -> str:
    """`plain`, `coroutine`, `generator` or `async_generator`."""
    if inspect.iscoroutinefunction(function):
        return COROUTINE
    if inspect.isasyncgenfunction(function):
        return ASYNC_GENERATOR
    return GENERATOR if inspect.isgeneratorfunction(function) else PLAIN


def real_callable(effect: Effect, instance: object, has_instance: bool) -> Callable[..., Any]:
    """What is called to record: on the object that `make` builds now, else on the instance that the caller has."""
    __tracebackhide__ = True
    if effect.kind not in BOUND_KINDS:
        return effect.function
    if effect.make is not None:
        return _method_of(_made(effect), effect)
    if has_instance:
        return effect.function.__get__(instance)  # type: ignore[no-any-return]
    if effect.kind == CLASSMETHOD:
        owner = find_raw(effect.target.rpartition(".")[0])
        return effect.function.__get__(owner)  # type: ignore[no-any-return]
    remedy = f"say how the real thing is built: side_effects.wrap({effect.target!r}, make=...)"
    raise SideEffectNotRecorded(effect.name, "this call", None, remedy)


def _method_of(made: object, effect: Effect) -> Callable[..., Any]:
    """The method of the object that was built; below our own wrapper where its class is patched."""
    found: Callable[..., Any] = getattr(made, effect.target.rpartition(":")[2].rpartition(".")[2])
    if BOOK in getattr(getattr(found, "__func__", found), "__dict__", {}):
        return effect.function.__get__(made)  # type: ignore[no-any-return]
    return found


def _made(effect: Effect) -> object:
    """The real thing. That it cannot be built is no outcome of the call: nothing is recorded, and the test fails."""
    __tracebackhide__ = True
    assert effect.make is not None
    try:
        return effect.make()
    except Exception as error:
        remedy = f"building the real thing, to record it, raised {type(error).__name__}: {error}"
        raise SideEffectNotRecorded(effect.name, "this call", None, remedy) from error
