"""The path of an object that the pickler met, found by a search of the live values.

The C pickler does not report its position. Tracking it would slow every capture down; a search costs only captures that
note a path. The search is breadth first, so it finds the shortest path. The next search continues where it stopped.
"""

from __future__ import annotations

import types
from collections import deque

from ...core.paths import format_keys
from .children import ATOMS, children

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Keys = tuple[object, ...]
    Link = tuple[int, Keys]  # id of the parent (0 for a root), and the steps from there

_MOST_VISITED = 100_000
_MOST_MEMBERS = 10_000  # of one container
UNKNOWN = "**"
_ANYWHERE = ATOMS - {types.CodeType, types.ModuleType}  # equal ones may be one object, so identity tells no place


class Locator:
    """Finds objects from `roots`, pairs of a path, as keys, and the value there."""

    def __init__(self, roots: Iterable[tuple[Keys, object]]) -> None:
        self._links: dict[int, Link] = {}
        self._alive: list[object] = []  # so that no id is used again meanwhile
        self._queue: deque[object] = deque()
        self._visited = 0
        for keys, value in roots:
            self._add(value, (0, keys))

    def path_of(self, value: object) -> str:
        """The path of `value`, or `**` when it is not found."""
        while id(value) not in self._links and self._queue and self._visited < _MOST_VISITED:
            parent = self._queue.popleft()
            for key, child in children(parent, _MOST_MEMBERS):
                self._add(child, (id(parent), (key,)))
        return self._path(id(value))

    def _add(self, value: object, link: Link) -> None:
        self._visited += 1
        if type(value) not in _ANYWHERE and id(value) not in self._links:
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
