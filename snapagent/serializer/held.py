"""Finds the name under which a module or class holds a function, a class or a singleton, whatever its `__qualname__`.

A decorator's closure that a module holds, the undecorated function behind it (`page.__wrapped__`), the getter of a
property (`Order.total.fget`), a lambda in a class body and a singleton are all found again by such a path. Namespaces
are only read, no code of the program runs, and nothing is imported. The paths of one module are collected once, and
each one is followed again before it is used: the namespace may have changed.
"""

from __future__ import annotations

import functools
import sys
import types

from ..core.type_facts import (
    descends,
    instance_dict,
    is_class,
    is_exception_type,
    is_heap_type,
    module_name,
    namespace,
    qualname,
)
from .naming import MAIN_NAMES, lookup, real_main_name, unwrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WRAPPED = "__wrapped__"
MOST_WRAPPED = 8  # functions behind one another
MOST_NESTED = 3  # classes inside classes
LRU_CACHE = type(functools.lru_cache(lambda: None))
_PARTS: dict[type, tuple[str, ...]] = {
    property: ("fget", "fset", "fdel"),
    classmethod: ("__func__",),
    functools.cached_property: ("func",),
    functools.partialmethod: ("func",),
    functools.partial: ("func",),
}
INSIDE = frozenset({WRAPPED, "__func__", "fget", "fset", "fdel", "func"})  # the steps that lead into a value


class _Contents:
    """The paths of one module by the id of what stands there. Ids of values that are gone may be those of others."""

    __slots__ = ("namespace", "objects", "paths", "size", "types")

    def __init__(self, names: dict[str, Any], module: str) -> None:
        self.namespace = names
        self.size = len(names)
        self.paths: dict[int, str] = {}  # functions and classes
        self.objects: dict[int, str] = {}
        self.types: set[int] = set()  # of those objects, by id: a metaclass may define `__hash__`
        for name, value in list(names.items()):
            self._add(name, value, module, 0)

    def _add(self, path: str, value: Any, module: str, depth: int) -> None:
        value = unwrapped(value) or value
        kind = type(value)
        if kind is types.FunctionType or kind is LRU_CACHE:
            self._add_function(path, value)
        elif is_class(value):
            self._add_class(path, value, module, depth)
        elif kind in _PARTS:
            for part in _PARTS[kind]:
                self._add_function(f"{path}.{part}", part_of(value, part))
        elif kind is staticmethod:
            self._add_function(path, value.__func__)
        elif _may_be_singleton(kind):
            self.objects.setdefault(id(value), path)
            self.types.add(id(kind))

    def _add_function(self, path: str, value: Any) -> None:
        for _ in range(MOST_WRAPPED):
            value = unwrapped(value) or value
            if type(value) is types.FunctionType:
                self.paths.setdefault(id(value), path)
            elif type(value) is not LRU_CACHE:
                return
            value = (instance_dict(value) or {}).get(WRAPPED)
            path = f"{path}.{WRAPPED}"

    def _add_class(self, path: str, cls: Any, module: str, depth: int) -> None:
        if module_name(cls) != module or depth >= MOST_NESTED:
            return
        if lookup(module, qualname(cls)) is not cls:
            self.paths.setdefault(id(cls), path)
        for name, value in list(namespace(cls).items()):
            if type(name) is str and "." not in name and not (is_class(value) and value is cls):
                self._add(f"{path}.{name}", value, module, depth + 1)


def _may_be_singleton(kind: type) -> bool:
    if kind is object:
        return True
    return is_heap_type(kind) and not is_exception_type(kind) and not descends(kind, types.ModuleType)


_known: dict[str, _Contents] = {}


def contents_of(module: str) -> _Contents | None:
    """What a loaded module holds; None for what cannot be named."""
    loaded = sys.modules.get(module)
    if loaded is None or (module in MAIN_NAMES and real_main_name() is None):
        return None
    try:
        names: Any = vars(loaded)
    except TypeError:
        return None
    if type(names) is not dict:
        return None
    found = _known.get(module)
    if found is None or found.namespace is not names or found.size != len(names):
        found = _known[module] = _Contents(names, module)
    return found


def _named(value: object, module: object, which: str) -> str | None:
    """`module:path` of a value that the module holds."""
    contents = contents_of(module) if type(module) is str and module else None
    if contents is None:
        return None
    assert type(module) is str
    path = getattr(contents, which).get(id(value))
    if path is None or followed(contents.namespace, path) is not value:
        return None
    return f"{(real_main_name() or module) if module in MAIN_NAMES else module}:{path}"


def followed(names: Any, path: str) -> Any:
    """What stands at a path now, below wrappers of snapagent."""
    first, *rest = path.split(".")
    found = names.get(first)
    found = unwrapped(found) or found
    for step in rest:
        if is_class(found):
            found = namespace(found).get(step)
            found = found.__func__ if type(found) is staticmethod else found
        else:
            found = part_of(found, step)
        found = unwrapped(found) or found
    return found


def part_of(value: Any, step: str) -> Any:
    """One of the functions inside a descriptor, or behind a decorated function."""
    kind = type(value)
    if step == WRAPPED or kind is functools.cached_property or kind is functools.partialmethod:
        return (instance_dict(value) or {}).get(step)
    return namespace(kind)[step].__get__(value) if step in _PARTS.get(kind, ()) else None


def name_of_function(function: Any) -> str | None:
    """`module:path` of a function: in the module whose globals it has, or in the one that it says to be of."""
    home = function.__globals__.get("__name__")
    return _named(function, home, "paths") or _named(function, function.__module__, "paths")


def name_of_class(cls: type) -> str | None:
    """`module:path` of a class that its module holds under another name than its own."""
    return _named(cls, module_name(cls), "paths")


def may_hold(kind: type) -> bool:
    """Whether an object of this class is held by its own module, or at the top of another one of the package."""
    if kind is object:
        return True
    contents = contents_of(module_name(kind))
    return (contents is not None and id(kind) in contents.types) or id(kind) in _top_level_of_package(kind).types


def name_of_object(value: object) -> str | None:
    """`module:path` of an object in a place where `may_hold` looks; of a plain `object` in any module."""
    kind = type(value)
    if kind is object:
        return name_anywhere(value)
    return name_in_own_module(value) or _top_level_of_package(kind).name_of(value)


def name_in_own_module(value: object) -> str | None:
    """`module:path` of an object that the module of its class holds."""
    return _named(value, module_name(type(value)), "objects")


class _TopLevel:
    """Names at the top of loaded modules, by the id of what they name; collected anew when more modules are loaded."""

    __slots__ = ("modules", "names", "types")

    def __init__(self) -> None:
        self.modules = 0
        self.names: dict[int, tuple[str, str]] = {}
        self.types: set[int] = set()

    def collect(self, below: str, only: type | None) -> None:
        """Collect objects of one type, or of any class made in Python, from modules whose name begins with `below`."""
        self.modules = len(sys.modules)
        for module, loaded in list(sys.modules.items()):
            if type(loaded) is not types.ModuleType or not f"{module}.".startswith(below):
                continue
            for name, value in list(vars(loaded).items()):
                kind = type(value)
                if kind is only or (only is None and (id(kind) in self.types or is_heap_type(kind))):
                    self.names[id(value)] = module, name
                    self.types.add(id(kind))

    def name_of(self, value: object) -> str | None:
        module, name = self.names.get(id(value), ("", ""))
        loaded = sys.modules.get(module)
        if loaded is None or vars(loaded).get(name) is not value:
            return None
        module = (real_main_name() or "") if module in MAIN_NAMES else module
        return f"{module}:{name}" if module else None


_top_levels: dict[object, _TopLevel] = {}  # by package, or by the one type that was looked for
_MOST_TOP_LEVELS = 256


def _top_level(key: object, below: str, only: type | None) -> _TopLevel:
    known = _top_levels.get(key)
    if known is None:
        if len(_top_levels) >= _MOST_TOP_LEVELS:
            _top_levels.clear()
        known = _top_levels[key] = _TopLevel()
    if known.modules != len(sys.modules):
        known.collect(below, only)
    return known


def _top_level_of_package(kind: type) -> _TopLevel:
    package = module_name(kind).partition(".")[0]
    return _top_level(package, f"{package}.", None)


def name_anywhere(value: object) -> str | None:
    """`module:name` of an object that any module holds: a sentinel, or a proxy, whose class is of another package."""
    return _top_level(id(type(value)), "", type(value)).name_of(value)
