"""Finds the functions of a module, and the places where it keeps each, without running code of the program.

Values are judged by their type and read from dictionaries: no lazy value is evaluated, no property and no `__getattr__`
is called. A function under several names is found once, with all its places.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from ...core.functions import CALLABLES, held_by, inside, is_own, kind_of
from ...core.type_facts import instance_dict, mro, namespace, qualname
from .slots import ClassPlace, DescriptorPlace, DictPlace, DispatchPlace, Place
from .wrapper import SnapWrapper, inner_of

# Values of these types hold no function; most names of a module or class that hold none either hold such a value.
_PLAIN = frozenset({str, bytes, int, float, bool, type(None), tuple, list, dict, set, frozenset, ModuleType})


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
        for name, value in [one for one in self._namespace.items() if type(one[1]) not in _PLAIN]:
            self._look_at(name, value, DictPlace(self._namespace, name), "function")
        return list(self._found.values())

    def _look_at(self, name: str, value: Any, place: DictPlace | ClassPlace, kind: str) -> None:
        kind_of_value = type(value)
        if kind_of_value in CALLABLES:
            self._add(value, name, kind, place)
        elif issubclass(kind_of_value, type):
            self._look_into(value, name)
        elif issubclass(kind_of_value, (classmethod, staticmethod, property)) or kind_of_value in (
            functools.cached_property,
            functools.partialmethod,
        ):
            function = inside(value)
            if type(function) in CALLABLES:
                self._add(function, name, kind_of(kind_of_value, kind), DescriptorPlace(value, place))
        elif issubclass(kind_of_value, functools.singledispatchmethod):
            dispatcher = (instance_dict(value) or {}).get("dispatcher")
            if dispatcher is not None:  # a subclass may do without
                self._add(dispatcher, name, kind, DispatchPlace(value))
        elif kind == "function" and kind_of_value is not SnapWrapper:
            function = held_by(value, name, self._module, self._namespace, _below)
            if function is not None:
                self._add(function, name, kind, None)

    def _look_into(self, cls: type, name: str) -> None:
        values = namespace(cls)
        if id(cls) in self._classes or not (values.get("__module__") == self._module or self._defines(values)):
            return
        self._classes.add(id(cls))
        own_name = qualname(cls)
        prefix = name if "<locals>" in own_name else own_name
        for attribute, value in [one for one in values.items() if type(one[1]) not in _PLAIN]:
            self._look_at(f"{prefix}.{attribute}", value, ClassPlace(cls, attribute), "method")

    def _defines(self, values: dict[str, Any]) -> bool:
        """Whether functions of the module are in a class that says to be of another, such as the public package."""
        for value in values.values():  # noqa: SIM110 - a generator takes twice as long, for each class of each import
            if type(value) is FunctionType and value.__globals__ is self._namespace:
                return True
        return False

    def _add(self, function: Any, name: str, kind: str, place: Place | None) -> None:
        found = self._found.get(id(function))
        if found is None:
            own = is_own(function, self._module, self._namespace)
            found = self._found[id(function)] = Found(function, name, kind, own)
        found.add(name, kind, place)


def _below(value: object) -> object:
    return inner_of(value) if type(value) is SnapWrapper else value


def owners(names: dict[str, Any], qualname: str) -> Iterator[type]:
    """The class that `Class.name` names and its bases, to say where an inherited function is defined."""
    *path, _ = qualname.split(".")
    value: Any = None
    values: Any = names
    for name in path:
        value = values.get(name)
        if not issubclass(type(value), type):
            return
        values = namespace(value)
    if path:
        yield from mro(value)
