"""The callable that a test wraps: its name, its parameters, and how to call the real function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType, FunctionType
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
from ..effects.dependencies import RECORDINGS
from ..functions import find_function, find_raw, unwrap


class WrappedCallable(Record):
    """A callable whose calls are side effects. `parameters` are those that a caller passes, without the instance."""

    target: str  # module:qualname, as its recordings name it
    name: str  # the qualified name: the folder of its recordings
    kind: str
    flavor: str
    parameters: Parameters
    defaults: dict[str, Any]
    function: Callable[..., Any]
    make: Callable[[], Any] | None = None

    def is_same(self, other: WrappedCallable) -> bool:
        """Whether both are the same function, on whatever instance."""
        functions = [getattr(each.function, "__func__", each.function) for each in (self, other)]
        return self.target == other.target and functions[0] == functions[1]


def wrapped_callable(
    source: str | Callable[..., Any], make: Callable[[], Any] | None, name: str | None
) -> WrappedCallable:
    """Resolve the name or callable that a test gives.

    Raises:
        SideEffectNotFoundError: no such module or name.
        TypeError: the name does not lead to a function or method.
    """
    if isinstance(source, str):
        target, raw, owner = _located(source)
        function = find_function(target)
        kind = _kind(raw, owner)
    else:
        target, function = _target_of(source), source if inspect.ismethod(source) else unwrap(source)
        kind = METHOD if make is not None and isinstance(source, FunctionType) else FUNCTION
    function = _below_wrapper(function)
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"{target!r} is not a function or method, so its calls cannot be recorded")
    code = _plain_function(function)
    parameters, defaults = _signature(function, code)
    if kind in BOUND_KINDS or (code is not None and code is not function):
        first = parameters.items[0][0] if parameters.items else ""
        parameters = Parameters(parameters.items[1:])
        defaults = {key: value for key, value in defaults.items() if key != first}
    own_name = name or target.rpartition(":")[2].rpartition("<locals>.")[2]
    return WrappedCallable(target, own_name, kind, flavor_of(function), parameters, defaults, function, make)


def _below_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    """The real function, also when the test has already patched it."""
    recordings = getattr(function, "__dict__", {}).get(RECORDINGS)
    return function if recordings is None else recordings.wrapped.function


def _located(text: str) -> tuple[str, object, object]:
    """The target that `text` names, the raw attribute, and its owner. Of a dotted name the first split that exists."""
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
    except (TypeError, ValueError):  # a builtin without a signature
        return Parameters(()), {}
    defaults = {each.name: each.default for each in found if each.default is not each.empty}
    return Parameters(tuple((each.name, each.kind.name.lower()) for each in found)), defaults


def flavor_of(function: Callable[..., Any]) -> str:
    """`plain`, `coroutine`, `generator` or `async_generator`."""
    if inspect.iscoroutinefunction(function) or _makes_generator_coroutines(function):
        return COROUTINE
    if inspect.isasyncgenfunction(function):
        return ASYNC_GENERATOR
    return GENERATOR if inspect.isgeneratorfunction(function) else PLAIN


def _makes_generator_coroutines(function: Callable[..., Any]) -> bool:
    """Whether `types.coroutine` was applied to it: its generators are awaited."""
    code = getattr(function, "__code__", None)
    return isinstance(code, CodeType) and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def real_callable(wrapped: WrappedCallable, instance: object, has_instance: bool) -> Callable[..., Any]:
    """The callable to record: of an object that `make` builds now, else of the caller's instance."""
    __tracebackhide__ = True
    if wrapped.kind not in BOUND_KINDS:
        return wrapped.function
    if wrapped.make is not None:
        return _method_of(_made(wrapped), wrapped)
    if has_instance:
        return wrapped.function.__get__(instance)  # type: ignore[no-any-return]
    if wrapped.kind == CLASSMETHOD:
        owner = find_raw(wrapped.target.rpartition(".")[0])
        return wrapped.function.__get__(owner)  # type: ignore[no-any-return]
    remedy = f"say how to build the real object: side_effects.wrap({wrapped.target!r}, make=...)"
    raise SideEffectNotRecorded(wrapped.name, "this call", None, remedy)


def _method_of(made: object, wrapped: WrappedCallable) -> Callable[..., Any]:
    """The method of the new object, without the wrapper when the class is patched."""
    found: Callable[..., Any] = getattr(made, wrapped.target.rpartition(":")[2].rpartition(".")[2])
    if RECORDINGS in getattr(getattr(found, "__func__", found), "__dict__", {}):
        return wrapped.function.__get__(made)  # type: ignore[no-any-return]
    return found


def _made(wrapped: WrappedCallable) -> object:
    """The object that `make` builds. An error there is not an outcome of the call: it fails the test, unrecorded."""
    __tracebackhide__ = True
    assert wrapped.make is not None
    try:
        return wrapped.make()
    except Exception as error:
        remedy = f"building the real object to record it raised {type(error).__name__}: {error}"
        raise SideEffectNotRecorded(wrapped.name, "this call", None, remedy) from error
