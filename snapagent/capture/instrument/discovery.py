"""Finds the functions of a module, and the places where it keeps each, without running code of the program.

Values are judged by their type and read from dictionaries: no lazy value is evaluated, no property and no `__getattr__`
is called. A function under several names is found once, with all its places.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from .slots import ClassPlace, DescriptorPlace, DictPlace, DispatchPlace, Place, class_dict, inside
from .wrapper import SnapWrapper

_LRU_CACHE = type(functools.lru_cache(lambda: None))
_CALLABLES = (FunctionType, _LRU_CACHE, functools.partial)
_MAX_LOOKED_AT = 200  # objects, when the function behind a framework's object is looked for
_MAX_DEPTH = 4


class Found:
    """A function of the module: the name that its bundles carry, its kind, and where it is kept.

    `places` is empty for one that only an object of a framework holds (a click command, a Celery task).
    """

    __slots__ = ("function", "kind", "names", "own", "places", "qualname")

    def __init__(self, function: Any, qualname: str, kind: str, own: bool) -> None:
        self.function = function
        self.qualname = qualname
        self.kind = kind
        self.own = own
        self.names: list[str] = []
        self.places: list[Place] = []

    def add(self, name: str, kind: str, place: Place | None) -> None:
        if name == getattr(self.function, "__qualname__", None) and name != self.qualname:
            self.qualname, self.kind = name, kind
        self.names.append(name)
        if place is not None:
            self.places.append(place)


class Discovery:
    """One search of a module."""

    def __init__(self, module_name: str, namespace: dict[str, Any]) -> None:
        self._module = module_name
        self._namespace = namespace
        self._found: dict[int, Found] = {}
        self._classes: set[int] = set()

    def functions(self) -> list[Found]:
        """All functions of the module and of the classes that it defines, also those that are not its own.

        `own` is True for those that the module defines, False for those that it only imports.
        """
        for name, value in list(self._namespace.items()):
            self._look_at(name, value, DictPlace(self._namespace, name), "function")
        return list(self._found.values())

    def _look_at(self, name: str, value: Any, place: DictPlace | ClassPlace, kind: str) -> None:
        kind_of_value = type(value)
        if kind_of_value in _CALLABLES:
            self._add(value, name, kind, place)
        elif issubclass(kind_of_value, type):
            self._look_into(value, name)
        elif issubclass(kind_of_value, (classmethod, staticmethod, property)) or kind_of_value in (
            functools.cached_property,
            functools.partialmethod,
        ):
            function = inside(value)
            if type(function) in _CALLABLES:
                self._add(function, name, kind_of(kind_of_value, kind), DescriptorPlace(value, place))
        elif kind_of_value is functools.singledispatchmethod:
            self._add(vars(value)["dispatcher"], name, kind, DispatchPlace(value))
        elif kind == "function" and kind_of_value is not SnapWrapper and _may_hold(kind_of_value):
            function = self._held_by(value, name)
            if function is not None:
                self._add(function, name, kind, None)

    def _look_into(self, cls: type, name: str) -> None:
        values = class_dict(cls)
        if id(cls) in self._classes or not (values.get("__module__") == self._module or self._defines(values)):
            return
        self._classes.add(id(cls))
        qualname: str = type.__dict__["__qualname__"].__get__(cls)
        prefix = name if "<locals>" in qualname else qualname
        for attribute, value in list(values.items()):
            self._look_at(f"{prefix}.{attribute}", value, ClassPlace(cls, attribute), "method")

    def _defines(self, values: dict[str, Any]) -> bool:
        """Whether functions of the module are in a class that says to be of another, such as the public package."""
        return any(type(value) is FunctionType and value.__globals__ is self._namespace for value in values.values())

    def _add(self, function: Any, name: str, kind: str, place: Place | None) -> None:
        found = self._found.get(id(function))
        if found is None:
            found = self._found[id(function)] = Found(function, name, kind, self._is_own(function))
        found.add(name, kind, place)

    def _is_own(self, function: Any) -> bool:
        """Whether the module defines it: its code runs in the module's namespace, or it says so (`functools.wraps`)."""
        if type(function) is functools.partial:
            return False
        return getattr(function, "__globals__", None) is self._namespace or function.__module__ == self._module

    def _held_by(self, value: object, name: str) -> FunctionType | None:
        """The function `name` of this module inside an object that took its place, found as the collector sees it."""
        level: list[object] = [value]
        seen = {id(value), id(self._namespace)}
        for _ in range(_MAX_DEPTH):
            held = [_held_directly(outer) for outer in level if _may_descend(outer, value, self._module)]
            level = []
            for inner in (inner for several in held for inner in several):
                if type(inner) is FunctionType and inner.__qualname__ == name and self._is_own(inner):
                    return inner
                if id(inner) not in seen and len(seen) < _MAX_LOOKED_AT:
                    seen.add(id(inner))
                    level.append(inner)
        return None


def kind_of(descriptor: type, kind: str) -> str:
    """The kind of a function inside a descriptor of this type; `kind` where that tells nothing."""
    if issubclass(descriptor, classmethod):
        return "classmethod"
    if issubclass(descriptor, staticmethod):
        return "staticmethod"
    return kind


def _may_hold(kind: type) -> bool:
    """Whether instances may be a framework's object around a function: not plain data, not modules."""
    return kind.__flags__ & _HEAP_TYPE != 0 and not issubclass(kind, (ModuleType, BaseException))


_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement


def _may_descend(outer: object, start: object, module_name: str) -> bool:
    kind = type(outer)
    if issubclass(kind, type):
        return outer is type(start) and class_dict(outer).get("__module__") == module_name
    return kind is not ModuleType


def _held_directly(outer: object) -> list[object]:
    """What an object refers to; of a function only what it closes over, for its module is not its content."""
    if type(outer) is not FunctionType:
        return gc.get_referents(outer)
    return [inner for cell in outer.__closure__ or () for inner in gc.get_referents(cell)]


def owners(module_name: str, namespace: dict[str, Any], qualname: str) -> Iterator[type]:
    """The class that `Class.name` names and its bases, to say where an inherited function is defined."""
    *path, _ = qualname.split(".")
    value: Any = None
    values: Any = namespace
    for name in path:
        value = values.get(name)
        if not issubclass(type(value), type):
            return
        values = class_dict(value)
    if path:
        yield from type.__dict__["__mro__"].__get__(value)
