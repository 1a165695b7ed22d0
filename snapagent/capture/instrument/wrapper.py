"""The wrapper around a target: wrapt's, with what wrapt changes about a function put right.

`enabled` is the recorder's test, which wrapt asks in C before anything else: a call that is not captured has no frame
of ours. The rest makes the wrapper behave as the function does: bound methods are real bound methods, pickling goes by
name, and the operators and protocols that wrapt adds for proxied values are not there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from inspect import CO_COROUTINE
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, SupportsIndex

from wrapt import FunctionWrapper

from .method_flag import call_without_binding
from .trampolines import trampoline

if TYPE_CHECKING:
    from ..recording.recorder import Recorder
    from .slots import Place

# What is asked of the wrapper and not of the function; all else, `__doc__` and `__dict__` too, is the function's.
_OWN = frozenset({"__wrapped__", "__get__", "__call__", "__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__"})

if TYPE_CHECKING:
    _Base = FunctionWrapper[..., Any]
else:
    _Base = FunctionWrapper


class SnapWrapper(_Base):
    """Stands where the function stood. Being of this class is the mark by which wrapping twice is avoided."""

    # `isinstance(f, Sized)` and its like ask the type for these; None says that it has none.
    if not TYPE_CHECKING:
        __len__ = __contains__ = __reversed__ = __enter__ = __exit__ = __aenter__ = __aexit__ = None
        __bytes__ = __int__ = __float__ = __complex__ = __index__ = __round__ = __abs__ = None
    else:
        _self_places: tuple[Place, ...]  # where it stands, for the way back

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN or name.startswith("_self_"):
            if name != "__wrapped__":
                return super().__getattribute__(name)
            function = inner_of(self)
            return getattr(function, "__wrapped__", function)  # behind a decorator, who asks means the decorated one
        return getattr(inner_of(self), name)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        qualname = self.__qualname__
        if _found(self.__module__, qualname) is self:
            return qualname
        return _same, (inner_of(self),)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __copy__(self) -> SnapWrapper:
        return self

    def __deepcopy__(self, memo: object) -> SnapWrapper:
        return self

    def __repr__(self) -> str:
        return repr(inner_of(self))


call_without_binding(SnapWrapper)


def inner_of(wrapper: SnapWrapper) -> Any:
    """The callable that the wrapper stands for."""
    return object.__getattribute__(wrapper, "__wrapped__")


def wrap(function: Any, recorder: Recorder, places: Iterable[Place] = ()) -> SnapWrapper:
    """A wrapper of `function`, recorded by `recorder`, that will stand in these places."""
    name, qualname = getattr(function, "__name__", "call"), getattr(function, "__qualname__", "call")
    around = trampoline(recorder, name, qualname, may_await=_is_coroutine_inside(function))
    # Of a static method wrapt does not ask for `__self__`, which a function has not: the AttributeError takes longer
    # than all the rest of wrapt's part of a captured call.
    wrapper = SnapWrapper(staticmethod(function), around, enabled=recorder.admit)
    wrapper.__wrapped__ = function
    wrapper._self_places = tuple(places)
    return wrapper


def _is_coroutine_inside(function: Any) -> bool:
    """Whether a plain function decorates a coroutine function."""
    seen: set[int] = set()
    while type(function) is FunctionType and id(function) not in seen:
        if function.__code__.co_flags & CO_COROUTINE:
            return True
        seen.add(id(function))
        function = function.__dict__.get("__wrapped__")
    return False


def _same(function: Any) -> Any:
    return function


def _found(module: str, qualname: str) -> Any:
    value: Any = sys.modules.get(module)
    for name in qualname.split("."):
        value = getattr(value, name, None)
    return value
