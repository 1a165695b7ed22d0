"""Stand-ins for handles: live objects of staging that are known only by the calls made on them.

A stand-in is an uninitialised instance of a subclass of the real class, so `isinstance` holds. Its dependencies are
served; plain data of the class is there; anything else raises PlaceholderError.
"""

from __future__ import annotations

import abc
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from ...errors import PlaceholderError
from ...placeholder import UNSTORABLE, restore_placeholder

# Special methods of the real class that a stand-in may have, or has of its own.
_MADE = ("new", "init", "init_subclass", "class", "subclasshook", "class_getitem", "abstractmethods", "del", "dir")
_ACCESS = ("getattribute", "getattr", "setattr", "delattr", "repr", "str", "format", "sizeof", "hash", "eq", "ne")
_STATE = ("reduce", "reduce_ex", "getstate", "setstate", "doc", "module", "qualname", "dict", "weakref", "slots")
_TYPES = ("annotations", "annotate", "annotate_func")
_KEPT = frozenset(f"__{name}__" for name in (*_MADE, *_ACCESS, *_STATE, *_TYPES))
MethodOf = Callable[[type, str], Callable[..., Any] | None]
NOT_RECORDED = "it was not recorded"


class ReadAttribute:
    """Serves the reading of an attribute, called with the instance."""

    def __init__(self, served: Callable[..., Any]) -> None:
        self._served = served

    def __call__(self, instance: object) -> Any:
        return self._served(instance)


def make_stand_in(type_name: str, path: str, method_of: MethodOf) -> Any:
    """A stand-in for an object of the class `type_name` (`module:qualname` or dotted) that a bundle knows as `path`."""
    real = find_class(type_name)
    namespace = _namespace(real, type_name, path, method_of)
    if real is not None and type(real) in (type, abc.ABCMeta) and "__init_subclass__" not in _names_of(real):
        try:
            kind = type(real)(real.__name__, (real,), {**namespace, "__module__": real.__module__})
            kind.__qualname__ = real.__qualname__
            kind.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
            return object.__new__(kind)
        except TypeError:  # a class that allows no subclass, or whose instances C code must make
            pass
    if real is not None:  # `isinstance` goes by this attribute too
        namespace["__class__"] = property(lambda self: real)
    kind = type((type_name or "object").rpartition(".")[2].rpartition(":")[2], (), namespace)
    return object.__new__(kind)


def find_class(type_name: str) -> type | None:
    """The class of that name, if its module is imported or can be; None for another thing."""
    module, colon, qualname = type_name.partition(":")
    if not colon:
        parts = type_name.split(".")
        splits = [(".".join(parts[:at]), ".".join(parts[at:])) for at in range(len(parts) - 1, 0, -1)]
    else:
        splits = [(module, qualname)]
    for name, rest in splits:
        try:
            __import__(name)
            found: Any = sys.modules[name]
            for step in rest.split("."):
                found = getattr(found, step)
        except (ImportError, AttributeError):
            continue
        if isinstance(found, type):
            return found
    return None


def _names_of(real: type) -> set[str]:
    return {name for base in real.__mro__[:-1] for name in vars(base)}


def _namespace(real: type | None, type_name: str, path: str, method_of: MethodOf) -> dict[str, Any]:
    attributes: dict[str, Any] = {}  # that the program sets

    def refuse(name: str) -> NoReturn:
        raise PlaceholderError(f"{path}.{name}", type_name, NOT_RECORDED, path)

    def get(self: object, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            return object.__getattribute__(self, name)
        if name in attributes:
            return attributes[name]
        served = method_of(real, name) if real is not None else None
        if served is not None:
            return served(self) if isinstance(served, ReadAttribute) else functools.partial(served, self)
        raw: Any = inspect.getattr_static(real, name, None) if real is not None else None
        if raw is not None and not hasattr(type(raw), "__get__"):
            return raw
        refuse(name)

    def put(self: object, name: str, value: object) -> None:
        attributes[name] = value

    def reduce(self: object, protocol: object) -> tuple[Any, ...]:
        return restore_placeholder, (path, UNSTORABLE, type_name.replace(":", "."), NOT_RECORDED)

    namespace: dict[str, Any] = {
        "__slots__": ("__weakref__",) if real is None else (),
        "__getattribute__": get,
        "__setattr__": put,
        "__delattr__": lambda self, name: attributes.pop(name, None),
        "__repr__": lambda self: f"<stand-in for {path}: {type_name}>",
        "__str__": lambda self: f"<stand-in for {path}: {type_name}>",
        "__reduce_ex__": reduce,
        "__hash__": object.__hash__,
        "__eq__": object.__eq__,
        "__ne__": object.__ne__,
        "__del__": lambda self: None,
        "__copy__": lambda self: self,
        "__deepcopy__": lambda self, memo: self,
    }
    if real is None:
        return namespace
    for name in _names_of(real) - _KEPT:
        if name.startswith("__") and name.endswith("__") and name not in namespace:
            raw: Any = inspect.getattr_static(real, name)
            served = method_of(real, name)
            if served is not None:
                namespace[name] = _serving(served)
            elif callable(getattr(raw, "__func__", raw)):
                namespace[name] = _refusing(name, refuse)
    return namespace


def _serving(served: Callable[..., Any]) -> Callable[..., Any]:
    def special(self: object, *args: Any, **kwargs: Any) -> Any:
        return served(self, *args, **kwargs)

    return special


def _refusing(name: str, refuse: Callable[[str], NoReturn]) -> Callable[..., Any]:
    def special(self: object, *args: object, **kwargs: object) -> NoReturn:
        refuse(name)

    return special
