"""Numbers that are the `id` of an object beside them: two such numbers are equal when their objects have one place."""

from __future__ import annotations

from collections import deque

from ..core.records import Record
from ..serializer.freezing.children import children

LEAST = 2**32  # no object lies below it on systems where ids are compared so
_MOST_VISITED = 100_000


class _Place(Record):
    """The path to an object: the steps are kept apart, since paths share their beginnings."""

    above: int  # the number of the place above
    key: object


class Identities:
    """The places of all objects in the expected value and in the one that was got, by `id`; found at the first use."""

    def __init__(self, expected: object, got: object) -> None:
        self._roots = (expected, got)
        self._numbers: dict[_Place, int] = {}
        self._places: tuple[dict[int, int], dict[int, int]] | None = None
        self._alive: list[object] = []

    def of_expected(self, number: int) -> int | None:
        """What stands for the place of the object with this id; None where the expected value has no such object."""
        return self._found()[0].get(number)

    def of_got(self, number: int) -> int | None:
        """What stands for the place of the object with this id; None where the value that was got has none."""
        return self._found()[1].get(number)

    def same(self, expected: int, got: int) -> bool:
        """Whether the two numbers are the ids of objects at one place."""
        if expected < LEAST or got < LEAST:
            return False
        place = self.of_expected(expected)
        return place is not None and place == self.of_got(got)

    def _found(self) -> tuple[dict[int, int], dict[int, int]]:
        if self._places is None:
            self._places = self._walked(self._roots[0]), self._walked(self._roots[1])
        return self._places

    def _walked(self, root: object) -> dict[int, int]:
        """Breadth first. A key that may be an identity goes by its position; members of a set share one place."""
        places = {id(root): -1}
        rest = deque([root])
        while rest and len(places) < _MOST_VISITED:
            value = rest.popleft()
            for at, (key, child) in enumerate(children(value)):
                if id(child) not in places:
                    place = _Place(places[id(value)], ("at", at) if type(key) is int and key >= LEAST else _step(key))
                    places[id(child)] = self._numbers.setdefault(place, len(self._numbers))
                    self._alive.append(child)
                    rest.append(child)
        return places


def _step(key: object) -> object:
    return key if isinstance(key, str | int | bytes | None) else type(key).__qualname__
