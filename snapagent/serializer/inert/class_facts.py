"""Facts about the loaded classes of a stream, read from their dictionaries: no attribute access, no call.

A stream does not always name its values: the fields of a named tuple and of a frozen dataclass with slots are stored by
position. In the process that wrote the stream, the names are in the dictionaries of the classes.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping
from types import ModuleType

from ...core.type_facts import descends, is_class, module_name, mro, namespace, qualname
from .stand_ins import StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ClassFacts:
    """`fields` are the names of values stored by position, `bases` the class and its bases (`module:qualname`);
    `is_set` is true when the order in which a stream lists its members has no meaning.
    """

    __slots__ = ("bases", "fields", "is_set")

    def __init__(self, fields: tuple[str, ...], bases: frozenset[str], is_set: bool) -> None:
        self.fields = fields
        self.bases = bases
        self.is_set = is_set


_NOTHING = ClassFacts((), frozenset(), False)
_known: dict[StandIn, tuple[weakref.ref[type], ClassFacts]] = {}
_MOST = 10_000  # cached classes


def class_facts(cls: StandIn) -> ClassFacts:
    """Facts about the class that a stand-in stands for; empty when it is not loaded."""
    live = _live_class(cls)
    if live is None:
        return _NOTHING
    known = _known.get(cls)
    if known is not None and known[0]() is live:
        return known[1]
    found = ClassFacts(
        _field_names(live),
        frozenset(f"{module_name(base)}:{qualname(base)}" for base in mro(live)),
        any(base is set or base is frozenset for base in mro(live)),
    )
    if len(_known) >= _MOST:
        _known.clear()
    _known[cls] = weakref.ref(live), found
    return found


def _live_class(cls: StandIn) -> type | None:
    """The loaded class of that name, if there is one; its metaclass is not consulted."""
    module = sys.modules.get(cls.module)
    if type(module) is not ModuleType and not descends(type(module), ModuleType):
        return None
    names: Mapping[str, Any] = ModuleType.__getattribute__(module, "__dict__")
    if "." not in cls.qualname:
        only: Any = names.get(cls.qualname)
        return only if is_class(only) else None
    found: type | None = None
    for step in cls.qualname.split("."):
        below: Any = names.get(step)
        if not is_class(below):
            return None
        found, names = below, namespace(below)
    return found


def _field_names(live: type) -> tuple[str, ...]:
    """Named tuple, dataclass or attrs fields, in order."""
    bases = mro(live)
    for base in bases:
        names = namespace(base)
        fields = names.get("_fields")
        if type(fields) is tuple and tuple in bases:
            return _only_text(fields)
        declared = names.get("__dataclass_fields__")
        if type(declared) is dict:
            return _only_text(declared)
        attributes = names.get("__attrs_attrs__")
        if attributes is not None and descends(type(attributes), tuple):
            return _only_text(getattr(attribute, "name", None) for attribute in tuple.__iter__(attributes))
    return ()


def _only_text(names: Any) -> tuple[str, ...]:
    return tuple(name for name in names if type(name) is str)
