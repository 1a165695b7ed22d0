"""Finds a function or class inside the dicts, lists and objects that a module or class holds: `HANDLERS['save']`.

As in `held`, namespaces and containers are only read, what one module holds is collected once, and each place is looked
up again before it is used. What a container gets later is not found: another process may not have it. For the same
reason caches are left alone; they are known by their names.
"""

from __future__ import annotations

import functools
import gc
import re
import types
from itertools import islice

from ..core.paths import format_keys
from ..core.records import Record
from ..core.type_facts import (
    descends,
    find,
    instance_dict,
    is_class,
    is_exception_type,
    is_heap_type,
    module_name,
    namespace,
    qualname,
)
from .enums import is_enum_class
from .held import INSIDE, LRU_CACHE, MOST_NESTED, MOST_WRAPPED, WRAPPED, contents_of, followed, part_of
from .naming import MAIN_NAMES, is_named, unwrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Steps = tuple["str | tuple[Any]", ...]  # the name of an attribute, or the key or index of an item alone in a tuple

_MOST_ITEMS = 10_000  # of all containers of one module
_MOST_DEEP = 3  # containers and objects inside one another
_CACHE = re.compile(r"(?i)cache|memo(?:$|_|ized)")  # names of what is filled while the program runs
_ATOMS = frozenset({type(None), bool, int, float, str, bytes})


class Place(Record):
    """Where a function or class is: `name` is `module:path` of what holds it, `steps` lead on from there."""

    name: str
    steps: Steps
    text: str  # `module:path` with the steps, for readers


class _Items:
    """What the containers and objects of one module hold, by id."""

    __slots__ = ("_left", "_seen", "namespace", "places", "size")

    def __init__(self, names: dict[str, Any], module: str) -> None:
        self.namespace = names
        self.size = len(names)
        self.places: dict[int, tuple[str, Steps]] = {}
        self._left = _MOST_ITEMS
        self._seen: set[int] = set()
        for name, value in list(names.items()):
            self._add_named(name, value, module, 0)
        self._seen.clear()

    def place_of(self, code: Any) -> tuple[str, Steps] | None:
        place = self.places.get(id(code))
        return place if place is not None and _reached(self.namespace, *place) is code else None

    def _add_named(self, path: str, value: Any, module: str, depth: int) -> None:
        if _CACHE.search(path.rpartition(".")[2]):
            return
        if not is_class(value):
            self._add_inside(path, (), value)
        elif module_name(value) == module and depth < MOST_NESTED:
            for name, inside in list(namespace(value).items()):
                if type(name) is str and "." not in name and inside is not value:
                    self._add_named(f"{path}.{name}", inside, module, depth + 1)

    def _add_inside(self, path: str, steps: Steps, value: Any) -> None:
        if len(steps) >= _MOST_DEEP or id(value) in self._seen:
            return
        self._seen.add(id(value))
        for step, child in _inside(value):
            self._left -= 1
            if self._left < 0:
                return
            if type(step) is str and _CACHE.search(step):
                continue
            self._add(path, (*steps, step), child)

    def _add(self, path: str, steps: Steps, value: Any) -> None:
        value = unwrapped(value) or value
        kind = type(value)
        if kind is types.FunctionType or kind is LRU_CACHE:
            self._add_function(path, steps, value)
        elif kind is functools.partial:
            self._add(path, (*steps, "func"), value.func)
        elif is_class(value):
            self.places.setdefault(id(value), (path, steps))
        else:
            self._add_inside(path, steps, value)

    def _add_function(self, path: str, steps: Steps, value: Any) -> None:
        for _ in range(MOST_WRAPPED):
            if type(value) is types.FunctionType:
                self.places.setdefault(id(value), (path, steps))
            elif type(value) is not LRU_CACHE:
                return
            inside = (instance_dict(value) or {}).get(WRAPPED)
            value, steps = unwrapped(inside) or inside, (*steps, WRAPPED)


def _mapping_of(value: Any) -> Any:
    """The dict that a value is, or that it shows read-only; None for others."""
    if type(value) is types.MappingProxyType:
        value = next(iter(gc.get_referents(value)), None)
    return value if descends(type(value), dict) else None


def _inside(value: Any) -> Iterator[tuple[str | tuple[Any], Any]]:
    """Steps and what they lead to: items of containers under keys that can be stored, attributes of other objects."""
    kind = type(value)
    mapping = _mapping_of(value)
    if mapping is not None:
        for key, item in list(islice(dict.items(mapping), _MOST_ITEMS)):
            if _is_key(key):
                yield (key,), item
    elif descends(kind, list) or descends(kind, tuple):
        base: Any = list if descends(kind, list) else tuple
        for index in range(min(base.__len__(value), _MOST_ITEMS)):
            yield (index,), base.__getitem__(value, index)
    elif is_heap_type(kind) and not is_exception_type(kind) and not descends(kind, types.ModuleType):
        for name, attribute in list((instance_dict(value) or {}).items()):
            if type(name) is str:
                yield name, attribute


def _is_key(key: Any) -> bool:
    """Whether a key can be looked up, and be stored, without code of the program."""
    kind = type(key)
    if kind in _ATOMS:
        return True
    if kind is tuple:
        return all(map(_is_key, key))
    if is_class(key):
        return is_named(key, module_name(key), qualname(key)) and _is_of("builtins", kind)
    return is_enum_class(kind) and is_named(kind, module_name(kind), qualname(kind)) and _is_of("enum", kind)


def _is_of(module: str, kind: type) -> bool:
    """Whether keys of this type are hashed and compared by the standard library."""
    owners = (find(kind, hook)[0] for hook in ("__hash__", "__eq__"))
    return all(owner is not None and module_name(owner) in ("builtins", module) for owner in owners)


def _reached(names: dict[str, Any], path: str, steps: Steps) -> Any:
    """What stands at a place now, below wrappers of snapagent; None for a place that is gone."""
    found = followed(names, path)
    for step in steps:
        if type(step) is tuple:
            found = _item(found, step[0])
        elif step in INSIDE:
            found = part_of(found, step)
        else:
            found = (instance_dict(found) or {}).get(step)
        found = unwrapped(found) or found
    return found


def _item(value: Any, key: Any) -> Any:
    mapping = _mapping_of(value)
    if mapping is not None:
        return dict.get(mapping, key)
    for base in (list, tuple):
        if descends(type(value), base) and type(key) is int and key < base.__len__(value):
            return base.__getitem__(value, key)
    return None


_known: dict[str, _Items] = {}


def place_of(code: Any) -> Place | None:
    """Where a module holds this function or class inside something else; None for code that is in no such place.

    The containers of a main module may be filled below `if __name__ == "__main__"`: they are not looked into.
    """
    homes = (module_name(code),) if is_class(code) else (code.__globals__.get("__name__"), code.__module__)
    for module in dict.fromkeys(home for home in homes if type(home) is str and home not in MAIN_NAMES):
        contents = contents_of(module)
        found = _place_in(contents.namespace, module, code) if contents is not None else None
        if found is not None:
            name, steps = f"{module}:{found[0]}", found[1]
            return Place(name, steps, name + "".join(map(_text_of, steps)))
    return None


def _place_in(names: dict[str, Any], module: str, code: Any) -> tuple[str, Steps] | None:
    items = _known.get(module)
    if items is None or items.namespace is not names or items.size != len(names):
        if getattr(names.get("__spec__"), "_initializing", False):
            return None  # its body is running: there is more to come
        items = _known[module] = _Items(names, module)
    return items.place_of(code)


def _text_of(step: str | tuple[Any]) -> str:
    if type(step) is not tuple:
        return f".{step}"
    (key,) = step
    return f"[{qualname(key)}]" if is_class(key) else format_keys(("", key)) if type(key) is int else f"[{key!r}]"
