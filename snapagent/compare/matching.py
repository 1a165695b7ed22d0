"""Pairs items whose order has no meaning: of sets, and of lists at paths that are declared unordered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from ..core.paths import Step
from ..core.records import Record
from .identities import LEAST
from .walking import Steps, Walk


class Matched(Record):
    """Indices: pairs that are equal, and those on either side that have no equal on the other."""

    pairs: tuple[tuple[int, int], ...]
    missing: tuple[int, ...]
    added: tuple[int, ...]


def match(walk: Walk, steps: Steps, expected: Sequence[object], got: Sequence[object]) -> Matched:
    """Pair equal items, one to one; candidates that look the same are tried first, so that plain data costs O(n)."""
    free = dict.fromkeys(range(len(got)))
    pairs = _match_alike(walk, steps, expected, got, free)
    paired = {index for index, _ in pairs}
    missing: list[int] = []
    for index in range(len(expected)):
        if index in paired:
            continue
        place = (*steps, Step.item(index))
        partner = next((at for at in free if walk.equal(place, expected[index], got[at])), None)
        if partner is None:
            missing.append(index)
        else:
            del free[partner]
            pairs.append((index, partner))
    return Matched(tuple(pairs), tuple(missing), tuple(free))


def _match_alike(
    walk: Walk, steps: Steps, expected: Sequence[object], got: Sequence[object], free: dict[int, None]
) -> list[tuple[int, int]]:
    identities = walk.identities
    alike: dict[Hashable, list[int]] = {}
    for at, item in enumerate(got):
        alike.setdefault(_looks(item, identities.of_got), []).append(at)
    for candidates in alike.values():
        candidates.reverse()
    pairs = []
    for index, item in enumerate(expected):
        candidates = alike.get(_looks(item, identities.of_expected), [])
        if candidates and walk.equal((*steps, Step.item(index)), item, got[candidates[-1]]):
            partner = candidates.pop()
            del free[partner]
            pairs.append((index, partner))
    return pairs


def _looks(item: object, place_of: Callable[[int], int | None], depth: int = 3) -> Hashable:
    """A cheap key that equal plain values share; anything else goes by its type's name."""
    if type(item) is int and item >= LEAST:
        place = place_of(item)
        return item if place is None else ("id", place)
    if isinstance(item, str | bytes | int | None):
        return (type(item).__qualname__, item)
    if depth and isinstance(item, list | tuple):
        return (type(item).__qualname__, tuple(_looks(part, place_of, depth - 1) for part in item))
    if depth and isinstance(item, dict):
        entries = [(_looks(key, place_of, 0), _looks(part, place_of, depth - 1)) for key, part in item.items()]
        return (type(item).__qualname__, frozenset(entries))
    return type(item).__qualname__
