"""The wrapper around a target: wrapt's, with what wrapt changes about a function put right.

`enabled` is the recorder's test, which wrapt asks in C before anything else: a call that is not captured has no frame
of ours. The rest makes the wrapper behave as the function does: bound methods are real bound methods, pickling goes by
name, and the operators and protocols that wrapt adds for proxied values are not there.
"""

from __future__ import annotations

import sys
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, SupportsIndex

from wrapt import FunctionWrapper

from .trampolines import trampoline

if TYPE_CHECKING:
    from ..recorder import Recorder
    from .places import Place

_KEPT = frozenset({"__wrapped__", "__copy__", "__deepcopy__"})
_ADDED = frozenset(
    name
    for name in set(dir(FunctionWrapper)) - set(dir(FunctionType)) - _KEPT
    if name.startswith("__") and name.endswith("__")
)


class SnapWrapper(FunctionWrapper[..., Any]):
    """Stands where the function stood. Being of this class is the mark by which wrapping twice is avoided."""

    _self_places: tuple[Place, ...] = ()  # where it stands, for the way back

    # `isinstance(f, Sized)` and its like ask the type for these; None says that it has none.
    __len__ = __contains__ = __reversed__ = __enter__ = __exit__ = __aenter__ = __aexit__ = None  # type: ignore[assignment]
    __bytes__ = __int__ = __float__ = __complex__ = __index__ = __round__ = __abs__ = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        if name in _ADDED:  # `hasattr(f, "__len__")` is false for a function
            return getattr(super().__getattribute__("__wrapped__"), name)
        return super().__getattribute__(name)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        qualname = self.__qualname__
        if _found(self.__module__, qualname) is self:
            return qualname
        return _same, (self.__wrapped__,)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __copy__(self) -> SnapWrapper:
        return self

    def __deepcopy__(self, memo: object) -> SnapWrapper:
        return self

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def wrap(function: Any, recorder: Recorder) -> SnapWrapper:
    """A wrapper of `function`, recorded by `recorder`."""
    name, qualname = getattr(function, "__name__", "call"), getattr(function, "__qualname__", "call")
    return SnapWrapper(function, trampoline(recorder, name, qualname), enabled=recorder.admit)


def _same(function: Any) -> Any:
    return function


def _found(module: str, qualname: str) -> Any:
    value: Any = sys.modules.get(module)
    for name in qualname.split("."):
        value = getattr(value, name, None)
    return value
