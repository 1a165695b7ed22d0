"""Lists, dicts and sets: items are paired by position, key and membership; items without a partner are reported."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..core.paths import Step
from .matching import match
from .report import ADDED, MISSING, ORDER
from .text import short
from .walking import Pair, Steps, Walk

_ABSENT = object()
_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def compare_sequences(walk: Walk, steps: Steps, expected: Sequence[object], got: Sequence[object]) -> None:
    """Item by item; in lists of different lengths, added and missing items are told apart from changed ones."""
    if _plainly_equal(expected, got):
        return
    if walk.is_unordered(steps):
        _compare_as_bags(walk, steps, expected, got)
    elif len(expected) == len(got):
        walk.descend(_paired(steps, expected, got, range(len(expected))))
    else:
        _compare_lengths(walk, steps, expected, got)


def _plainly_equal(expected: Collection[object], got: Collection[object]) -> bool:
    """Whether both have the same plain values of the same types: a fast test, without a step for each item."""
    if len(expected) != len(got):
        return False
    kinds = list(map(type, expected))
    return _PLAIN.issuperset(kinds) and kinds == list(map(type, got)) and list(expected) == list(got)


def _paired(steps: Steps, expected: Sequence[object], got: Sequence[object], indices: Iterable[int]) -> list[Pair]:
    return [((*steps, Step.item(index)), expected[index], got[index]) for index in indices]


def _compare_lengths(walk: Walk, steps: Steps, expected: Sequence[object], got: Sequence[object]) -> None:
    """Skip the equal items at both ends. Between them pairs have changed, and the rest was added or is missing."""
    shorter = min(len(expected), len(got))
    front = 0
    while front < shorter and walk.equal((*steps, Step.item(front)), expected[front], got[front]):
        front += 1
    back = 0
    while back < shorter - front and walk.equal(
        (*steps, Step.item(len(expected) - 1 - back)), expected[-1 - back], got[-1 - back]
    ):
        back += 1
    surplus = range(shorter - back, len(expected) - back)
    lacks = [((*steps, Step.item(index)), MISSING, expected[index]) for index in surplus]
    surplus = range(shorter - back, len(got) - back)
    lacks += [((*steps, Step.item(index)), ADDED, got[index]) for index in surplus]
    walk.descend(_paired(steps, expected, got, range(front, shorter - back)), lacks)


def _compare_as_bags(walk: Walk, steps: Steps, expected: Sequence[object], got: Sequence[object]) -> None:
    matched = match(walk, steps, expected, got)
    for index in matched.missing:
        walk.lacks((*steps, Step.item(index)), MISSING, expected[index])
    for index in matched.added:
        walk.lacks((*steps, Step.item(index)), ADDED, got[index])


def compare_sets(walk: Walk, steps: Steps, expected: Iterable[object], got: Iterable[object]) -> None:
    """By equal members; a member is its own path step."""
    wanted, found = list(expected), list(got)
    matched = match(walk, steps, wanted, found)
    for index in matched.missing:
        walk.lacks((*steps, _key_step(wanted[index])), MISSING, wanted[index])
    for index in matched.added:
        walk.lacks((*steps, _key_step(found[index])), ADDED, found[index])


def compare_dicts(walk: Walk, steps: Steps, expected: Mapping[Any, object], got: Mapping[Any, object]) -> None:
    """By key, in any order (an `OrderedDict` has its order compared too)."""
    if type(expected) is dict and _plainly_equal(expected, got) and _plainly_equal(expected.values(), got.values()):
        return
    keys, missing, added = _partners(walk, steps, expected, got)
    pairs: list[Pair] = [((*steps, _key_step(key)), expected[key], got[other]) for key, other in keys]
    for key in missing:
        walk.lacks((*steps, _key_step(key)), MISSING, expected[key])
    for key in added:
        walk.lacks((*steps, _key_step(key)), ADDED, got[key])
    if isinstance(expected, OrderedDict) and not missing and not added and [other for _, other in keys] != list(got):
        walk.differ(steps, list(expected), list(got), ORDER)
    if isinstance(expected, defaultdict) and isinstance(got, defaultdict):
        pairs.append(((*steps, Step.attribute("default_factory")), expected.default_factory, got.default_factory))
    walk.descend(pairs)


def _partners(
    walk: Walk, steps: Steps, expected: Mapping[Any, object], got: Mapping[Any, object]
) -> tuple[list[tuple[object, object]], list[object], list[object]]:
    """Keys of both sides that belong together, and those without a partner.

    A hash look-up finds most; keys without an `__eq__` of their own, and NaN, are compared as values are.
    """
    theirs = {key: key for key in got}
    keys: list[tuple[object, object]] = []
    unfound: list[object] = []
    for key in expected:
        partner = theirs.get(key, _ABSENT)
        if partner is not _ABSENT and type(partner).__qualname__ == type(key).__qualname__:
            keys.append((key, theirs.pop(key)))
        else:
            unfound.append(key)
    spare = list(theirs)
    matched = match(walk, steps, unfound, spare)
    keys += [(unfound[index], spare[at]) for index, at in matched.pairs]
    return keys, [unfound[index] for index in matched.missing], [spare[at] for at in matched.added]


def _key_step(key: object) -> Step:
    return Step.item(key_of(key))


def key_of(key: object) -> object:
    """A key as a step: a plain one itself, any other as a short text."""
    return key if isinstance(key, str | int | float | bytes | None) else short(key, 40)
