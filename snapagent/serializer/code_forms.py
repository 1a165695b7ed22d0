"""How the things inside code that is stored by value are written: by a name, by the rules of `freezing`, or as code."""

from __future__ import annotations

import importlib
import pickle
import sys
import types

from ..core.type_facts import is_class, module_name, qualname
from .enums import is_enum_class, reduce_enum
from .freezing.reduce import Unstorable
from .naming import MAIN_NAMES, is_named, real_main_name, unwrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from .freezing.time_limit import TimeLimit

    class Leaves(Protocol):
        """The pickler of the whole value: it decides over every object inside the code that is not code itself."""

        by_value: dict[str, None]
        max_bytes: int
        time_limit: TimeLimit

        @property
        def leaves_out(self) -> bool: ...

        def reducer_override(self, value: Any) -> Any: ...

        def left_out_form(self, value: Any) -> Any: ...

        def named_form(self, code: Any) -> tuple[Any, ...] | None: ...

        def note_slow_dump(self, code: Any) -> None: ...


MOST_GLOBALS = 64  # names in a namespace that belongs to no module, above which a function would drag in too much
CODE_TYPES = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset,
        types.CodeType, types.CellType, property, staticmethod, classmethod, types.MethodType,
        types.MappingProxyType, types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType,
        types.MethodDescriptorType, types.ClassMethodDescriptorType, types.MethodWrapperType,
        type(Ellipsis), type(NotImplemented), pickle.PickleBuffer,
    }
)  # fmt: skip


class Circular(Unstorable):
    """A default of a function leads back to it, and so is needed to make it."""

    def __init__(self, function: types.FunctionType) -> None:
        super().__init__("it refers to itself")
        self.function = function


def form_inside(leaves: Leaves, value: Any) -> Any:
    """The pickle form of a value inside code; NotImplemented for code, and for what picklers store by themselves.

    Raises TooSlow, and Unstorable for a function or module that cannot be stored.
    """
    kind = type(value)
    if kind in CODE_TYPES:
        form = leaves.left_out_form(value)
        return NotImplemented if form is None else form
    if kind is types.FunctionType:
        return _form_of_function(leaves, value)
    if is_class(value):
        return _form_of_class(leaves, value)
    if kind is types.ModuleType:
        return importlib.import_module, (_name_of_module(value),)
    return leaves.reducer_override(value)


def _form_of_function(leaves: Leaves, function: Any) -> Any:
    if is_named(function, function.__module__, function.__qualname__):
        return function.__qualname__
    form = leaves.named_form(function)
    if form is not None:
        return form
    refuse_dragging(function)
    leaves.by_value[name_of_code(function)] = None
    return NotImplemented


def _form_of_class(leaves: Leaves, cls: Any) -> Any:
    if is_named(cls, module_name(cls), qualname(cls)):
        return qualname(cls)
    form = leaves.named_form(cls)
    if form is not None:
        return form
    if module_name(cls) != "builtins":
        leaves.by_value[name_of_code(cls)] = None
    return reduce_enum(cls) if is_enum_class(cls) else NotImplemented


def behind_wrapper(value: Any) -> Any:
    """The program's function in the place of snapagent's wrapper around it; every other value as it is."""
    function = unwrapped(value)
    is_inside = function is not None and not is_named(value, function.__module__, function.__qualname__)
    return function if is_inside else value


def name_of_code(value: Any) -> str:
    """`module.qualname` of a function or class, for the header."""
    if is_class(value):
        return f"{module_name(value)}.{qualname(value)}"
    return f"{value.__module__}.{value.__qualname__}" if value.__module__ else str(value.__qualname__)


def state_of(function: Any) -> Any:
    """The attributes of a function, as dill stores them: its `__dict__` and those that it keeps elsewhere."""
    own: dict[str, Any] = {}
    for name in ("__doc__", "__kwdefaults__", "__annotations__"):
        found = getattr(function, name, None)
        if found is not None:
            own[name] = found
    if function.__qualname__ != function.__name__:
        own["__qualname__"] = function.__qualname__
    if function.__module__ != function.__globals__.get("__name__"):
        own["__module__"] = function.__module__
    return (function.__dict__, own) if own else function.__dict__


def module_of(namespace: dict[Any, Any]) -> str | None:
    """The name of the loaded module whose `__dict__` this very dictionary is."""
    name = namespace.get("__name__")
    if type(name) is not str:
        return None
    try:
        return name if vars(sys.modules[name]) is namespace else None
    except (KeyError, TypeError):
        return None


def refuse_dragging(function: Any) -> None:
    """Raise Unstorable for a function that would drag a whole namespace along."""
    namespace = function.__globals__
    if module_of(namespace) is None and (len(namespace) > MOST_GLOBALS or "__spec__" in namespace):
        raise Unstorable("its globals belong to no module")
    if function.__module__ is None and "__name__" not in namespace:
        return  # made from code that was compiled at run time, with globals of its own
    if type(function.__module__) is not str or function.__module__ not in sys.modules:
        raise Unstorable("its module is not loaded")


def _name_of_module(module: Any) -> str:
    name = vars(module).get("__name__")
    if type(name) is not str or sys.modules.get(name) is not module:
        raise Unstorable("it holds a module that cannot be imported")
    return (real_main_name() or name) if name in MAIN_NAMES else name
