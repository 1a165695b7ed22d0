"""Facts about a type, read through the descriptors of `type` itself, so that nothing of the program runs.

`isinstance`, `hasattr` and plain attribute access may call a `__class__` property, a `__getattr__` or a metaclass.
"""

from __future__ import annotations

import types
from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Fact = TypeVar("Fact")


def remembered(fact: Callable[[Any], Fact]) -> Callable[[Any], Fact]:
    """A fact about a type that is found out once for each. No type is kept alive by that: no fact must refer to it."""
    known: dict[int, Fact] = {}
    references: dict[int, ref[type]] = {}

    def ask(kind: Any) -> Fact:
        key = id(kind)
        try:
            return known[key]
        except KeyError:
            answer = fact(kind)

        def forget(_: object) -> None:
            known.pop(key, None)
            references.pop(key, None)

        references[key] = ref(kind, forget)
        known[key] = answer
        return answer

    return ask


_mro_of = type.__dict__["__mro__"].__get__
_dict_of = type.__dict__["__dict__"].__get__
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__
_flags_of = type.__dict__["__flags__"].__get__

_IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_EXCEPTION = 1 << 30  # Py_TPFLAGS_BASE_EXC_SUBCLASS
_CLASS = 1 << 31  # Py_TPFLAGS_TYPE_SUBCLASS


def mro(kind: type) -> tuple[type, ...]:
    """The method resolution order."""
    order: tuple[type, ...] = _mro_of(kind)
    return order


def descends(kind: type, base: type) -> bool:
    """Whether `base` is in the method resolution order: by identity, since a metaclass may define `__eq__`."""
    return any(one is base for one in mro(kind))


def namespace(kind: type) -> Any:
    """The class's own `__dict__` (a mapping proxy)."""
    return _dict_of(kind)


def module_name(kind: type) -> str:
    """The class's `__module__`, or "" when it is not a string."""
    try:
        name = _module_of(kind)
    except AttributeError:
        return ""
    return name if type(name) is str else ""


def qualname(kind: type) -> str:
    """The class's `__qualname__`."""
    name = _qualname_of(kind)
    return name if type(name) is str else ""


def type_name(kind: type) -> str:
    """`module.qualname`; the bare name for built-in types."""
    module = module_name(kind)
    return qualname(kind) if module in ("builtins", "") else f"{module}.{qualname(kind)}"


def is_heap_type(kind: type) -> bool:
    """Whether the type was made at run time: by a class statement, or by an extension module."""
    return bool(_flags_of(kind) & _HEAP_TYPE)


def is_immutable(kind: type) -> bool:
    """Whether attributes of the type cannot be set: so are nearly all types of the standard library that are in C."""
    return bool(_flags_of(kind) & _IMMUTABLE)


def is_exception_type(kind: type) -> bool:
    """Whether its objects are exceptions."""
    return bool(_flags_of(kind) & _EXCEPTION)


def find(kind: type, name: str) -> tuple[type | None, Any]:
    """The class of the MRO that defines `name`, and the raw value there; (None, None) when none does."""
    for base in _mro_of(kind):
        values = _dict_of(base)
        if name in values:
            return base, values[name]
    return None, None


def is_class(value: object) -> bool:
    """Whether `value` is a class, whatever its `__class__` says."""
    return bool(_flags_of(type(value)) & _CLASS)


def slots(kind: type) -> dict[str, Any]:
    """Names and descriptors of the slots of all classes of the MRO."""
    found: dict[str, Any] = {}
    for index, name in _places_of_slots(kind):
        value = _dict_of(_mro_of(kind)[index]).get(name)
        if type(value) is types.MemberDescriptorType:
            found[name] = value
    return found


@remembered
def _places_of_slots(kind: type) -> tuple[tuple[int, str], ...]:
    """The slots, those of bases first, by index of the class in the MRO and name: a descriptor refers to its class."""
    order = _mro_of(kind)
    return tuple(
        (index, name)
        for index in reversed(range(len(order)))
        if is_heap_type(order[index])
        for name, value in _dict_of(order[index]).items()
        if type(value) is types.MemberDescriptorType
    )


def instance_dict(value: object) -> dict[Any, Any] | None:
    """The `__dict__` of an object, unless its class computes one."""
    _, descriptor = find(type(value), "__dict__")
    if type(descriptor) is not types.GetSetDescriptorType:
        return None
    found = descriptor.__get__(value)
    return found if type(found) is dict else None


def attributes(value: object) -> dict[str, Any]:
    """The attributes that an object holds itself: its `__dict__` and its slots; nothing is computed."""
    found: dict[str, Any] = dict(instance_dict(value) or ())
    for name, descriptor in slots(type(value)).items():
        try:
            found[name] = descriptor.__get__(value)
        except AttributeError:
            continue  # a slot that is empty
    return found


def reference_name(value: object) -> str:
    """The name under which a class, function or module is found again."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    return f"{getattr(value, '__module__', '')}.{name}"
