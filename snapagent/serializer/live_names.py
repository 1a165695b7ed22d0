"""What the classes of this process say of themselves, read without asking them: no attribute access, no call.

A stream does not always name what it stores: the fields of a named tuple and of a frozen dataclass with slots are
stored by position. While the process that wrote the stream still runs, the names are in its classes' own dicts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType

from .inert import StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_dict_of = type.__dict__["__dict__"].__get__
_mro_of = type.__dict__["__mro__"].__get__


def live_class(cls: StandIn) -> type | None:
    """The loaded class that a stand-in stands for, if there is one; its metaclass is not consulted."""
    module = sys.modules.get(cls.module)
    if not issubclass(type(module), ModuleType):
        return None
    found: Any = None
    namespace: Mapping[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    for step in cls.qualname.split("."):
        found = namespace.get(step)
        if not issubclass(type(found), type):
            return None
        namespace = _dict_of(found)
    return found if issubclass(type(found), type) else None


def bases_of(cls: StandIn) -> tuple[type, ...]:
    """The loaded class and all its bases; empty when it is not loaded."""
    found = live_class(cls)
    return () if found is None else _mro_of(found)


def is_set_class(cls: StandIn) -> bool:
    """Whether instances are sets: their stream lists the members in an order that means nothing."""
    return any(base in (set, frozenset) for base in bases_of(cls))


def field_names(cls: StandIn) -> tuple[str, ...]:
    """Names of what the class stores by position: named tuple, dataclass or attrs fields, in order; else empty."""
    for base in bases_of(cls):
        namespace = _dict_of(base)
        fields = namespace.get("_fields")
        if type(fields) is tuple and tuple in bases_of(cls):
            return tuple(field for field in fields if type(field) is str)
        declared = namespace.get("__dataclass_fields__")
        if type(declared) is dict:
            return tuple(field for field in declared if type(field) is str)
        attributes = namespace.get("__attrs_attrs__")
        if attributes is not None and tuple in _mro_of(type(attributes)):
            names = (getattr(attribute, "name", None) for attribute in tuple.__iter__(attributes))
            return tuple(name for name in names if type(name) is str)
    return ()
