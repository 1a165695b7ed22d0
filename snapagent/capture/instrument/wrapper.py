"""The wrapper around a target: wrapt's FunctionWrapper, changed to behave as the function does.

`enabled` is the recorder's test, which wrapt calls from C before anything else: a call that is not captured has no
additional frame. The other changes: bound methods are real bound methods, pickling goes by name, and the operators and
protocols that wrapt adds for proxied values are removed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, SupportsIndex

from ...core.functions import COROUTINES
from .function_wrapper import function_wrapper
from .method_flag import bind_as_functions, call_without_binding
from .trampolines import trampoline

if TYPE_CHECKING:
    from wrapt import FunctionWrapper

    from ..recording.recorder import Recorder
    from .slots import Place

# Attributes of the wrapper itself; all others, `__doc__` and `__dict__` too, are read from the function.
_OWN = frozenset({"__wrapped__", "__get__", "__call__", "__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__"})

if TYPE_CHECKING:
    _Base = FunctionWrapper[..., Any]
else:
    _Base = function_wrapper()


class SnapWrapper(_Base):
    """Takes the function's place. A value of this class is not wrapped again."""

    # `isinstance(f, Sized)` and the like read these from the type; None means that the type does not have it.
    if not TYPE_CHECKING:
        __len__ = __contains__ = __reversed__ = __enter__ = __exit__ = __aenter__ = __aexit__ = None
        __bytes__ = __int__ = __float__ = __complex__ = __index__ = __round__ = __abs__ = None
    else:
        _self_places: Place | tuple[Place, ...]  # where the module keeps it, for `restore`

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN or name.startswith("_self_"):
            if name != "__wrapped__":
                return super().__getattribute__(name)
            function = inner_of(self)
            return getattr(function, "__wrapped__", function)  # as `functools.wraps` sets it
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
bind_as_functions(SnapWrapper)


def inner_of(wrapper: SnapWrapper) -> Any:
    """The callable inside the wrapper."""
    return object.__getattribute__(wrapper, "__wrapped__")


def wrap(function: Any, recorder: Recorder, places: Sequence[Place] = ()) -> SnapWrapper:
    """A wrapper of `function`, recorded by `recorder`, to be written to these places."""
    name, qualname = getattr(function, "__name__", "call"), getattr(function, "__qualname__", "call")
    around = trampoline(recorder, name, qualname, may_await=_is_coroutine_inside(function))
    # wrapt reads `__self__` of the wrapped callable in each call, save for a static method. A function has no
    # `__self__`, and the AttributeError takes longer than the rest of wrapt's part of a captured call.
    wrapper = SnapWrapper(staticmethod(function), around, enabled=recorder.admit)
    wrapper.__wrapped__ = function
    wrapper._self_places = places[0] if len(places) == 1 else tuple(places)
    return wrapper


def _is_coroutine_inside(function: Any) -> bool:
    """Whether a plain function decorates a coroutine function."""
    seen: set[int] = set()
    while type(function) is FunctionType and id(function) not in seen:
        if function.__code__.co_flags & COROUTINES:
            return True
        seen.add(id(function))
        function = getattr(function, "__wrapped__", None)  # not in its `__dict__`, which would be made for this
    return False


def _same(function: Any) -> Any:
    return function


def _found(module: str, qualname: str) -> Any:
    value: Any = sys.modules.get(module)
    for name in qualname.split("."):
        value = getattr(value, name, None)
    return value
