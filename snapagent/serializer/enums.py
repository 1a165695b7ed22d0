"""Enum classes that no module can name: stored as their members and methods, because dill cannot store them."""

from __future__ import annotations

import types

from ..core.type_facts import mro, namespace, qualname

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STORED_TYPES = (types.FunctionType, property, classmethod, staticmethod)


def is_enum_class(cls: type) -> bool:
    """Whether `cls` is an Enum class; `enum` is not imported for it."""
    return any(base.__name__ in ("EnumType", "EnumMeta") and base.__module__ == "enum" for base in mro(type(cls)))


def reduce_enum(cls: Any) -> tuple[Any, ...]:
    """The pickle form of an Enum class."""
    body = namespace(cls)
    members = [(name, member._value_) for name, member in body["_member_map_"].items()]
    prefix = qualname(cls) + "."
    methods = {
        name: value for name, value in body.items() if type(value) in _STORED_TYPES and _own(name, value, prefix)
    }
    names = {name: body[name] for name in ("__module__", "__doc__") if name in body} | {"__qualname__": qualname(cls)}
    return build_enum, (type(cls), cls.__name__, cls.__bases__, members, methods, names)


def _own(name: str, value: Any, prefix: str) -> bool:
    """Whether the class body defined it, rather than the Enum machinery."""
    function = value.fget if type(value) is property else getattr(value, "__func__", value)
    defined = type(function) is types.FunctionType and function.__qualname__.startswith(prefix)
    return defined and name not in ("__new__", "__new_member__")


def build_enum(
    metaclass: Any, name: str, bases: tuple[type, ...], members: list[tuple[str, Any]], methods: Any, names: Any
) -> Any:
    """Make an Enum class from its stored parts. Streams of bundles name this function, so its name must stay."""
    body = metaclass.__prepare__(name, bases)
    for part in (names, methods, dict(members)):
        for key, value in part.items():
            body[key] = value
    return metaclass(name, bases, body)
