"""The children of a live value, found without running code of the program: for paths, sizes and depth; and
the path of a value that the pickler met.

The C pickler does not report its position, and tracking it would slow every capture down. A search costs only captures
that note a path. It is breadth first, so it finds the shortest path; the next search continues where it stopped.
"""

from __future__ import annotations

import functools
import types
from collections import deque
from itertools import islice

from ...core.paths import format_keys
from ...core.signature import defaults_of
from ...core.type_facts import attributes, is_class, is_exception_type, mro, remembered
from ..exceptions import chained
from .iterator_forms import ONE_WAY, parts_of_one_way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    Keys = tuple[object, ...]
    Link = tuple[int, Keys]  # id of the parent (0 for a root), and the steps from there

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, types.CodeType, types.ModuleType})
ANY_MEMBER = "*"  # the key of a member of a set, which has none
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_BY_ID = {id(kind): kind for kind in _CONTAINERS}  # a metaclass may define `__hash__`
_MOST_VISITED = 100_000
_MOST_MEMBERS = 10_000  # of one container
UNKNOWN = "**"
_ANYWHERE = ATOMS - {types.CodeType, types.ModuleType}  # equal ones may be one object, so identity tells no place


@remembered
def container_of(kind: type) -> Any:
    """The built-in container that a type is or derives from; None for others."""
    return next((_BY_ID[id(base)] for base in mro(kind) if id(base) in _BY_ID), None)


def members(value: Any, container: Any) -> Iterator[tuple[object, object]]:
    """(key, member) of a container, by the built-in iteration of that container, also for subclasses."""
    if container is dict:
        yield from dict.items(value)
    elif container in (set, frozenset):
        for member in container.__iter__(value):
            yield ANY_MEMBER, member
    else:
        yield from enumerate(container.__iter__(value))


def children(value: Any, most: int | None = None) -> Iterable[tuple[object, object]]:
    """(key, child) of all that pickling would visit; keys are steps of a path. At most `most` of a container."""
    kind = type(value)
    if kind in ATOMS or is_class(value):
        return ()
    if kind is types.FunctionType:
        return _closure(value) if value.__closure__ or value.__defaults__ or value.__kwdefaults__ else ()
    container = container_of(kind)
    found: list[tuple[object, object]] = []
    if container is not None:
        try:
            found += islice(members(value, container), most)
        except RuntimeError:  # another thread is changing it
            return found
        if kind is container:
            return found
    if kind is types.BuiltinFunctionType:
        return found
    if kind in ONE_WAY:
        return parts_of_one_way(value)
    if kind is types.MethodType:
        return [("__self__", value.__self__)]
    if kind is functools.partial:
        found += [("func", value.func), ("args", value.args), ("keywords", value.keywords)]
    if is_exception_type(kind):
        found.append(("args", BaseException.args.__get__(value)))  # type: ignore[attr-defined]
        found += chained(value).items()
    found += attributes(value).items()
    return found


def _closure(function: types.FunctionType) -> list[tuple[object, object]]:
    """The defaults and enclosed values that are stored with a function's code, by parameter and variable name."""
    found: list[tuple[object, object]] = list(defaults_of(function).items())
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:
            continue  # a variable that has no value yet
    return found


class Locator:
    """Finds objects from `roots`, pairs of a path, as keys, and the value there."""

    def __init__(self, roots: Iterable[tuple[Keys, object]]) -> None:
        self._links: dict[int, Link] = {}
        self._alive: list[object] = []  # so that no id is used again meanwhile
        self._queue: deque[object] = deque()
        self._visited = 0
        for keys, value in roots:
            if type(value) not in _ANYWHERE and id(value) not in self._links:
                self._add(value, (0, keys))

    def path_of(self, value: object) -> str:
        """The path of `value`, or `**` when it is not found."""
        links, queue, wanted = self._links, self._queue, id(value)
        while wanted not in links and queue and self._visited < _MOST_VISITED:
            parent = queue.popleft()
            for key, child in children(parent, _MOST_MEMBERS):
                self._visited += 1
                if type(child) not in _ANYWHERE and id(child) not in links:
                    self._add(child, (id(parent), (key,)))
        return self._path(wanted)

    def _add(self, value: object, link: Link) -> None:
        self._links[id(value)] = link
        self._alive.append(value)
        self._queue.append(value)

    def _path(self, wanted: int) -> str:
        keys: Keys = ()
        while wanted:
            link = self._links.get(wanted)
            if link is None:
                return UNKNOWN
            wanted = link[0]
            keys = link[1] + keys
        return format_keys(keys)
