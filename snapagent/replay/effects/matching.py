"""Chooses the recorded effect that answers a call. Reads are never answered by similarity.

An effect with the same dependency, receiver and arguments is served once. After that a read may be repeated, when all
recorded answers were equal. A write with other values gets the answer of the next unused one of the same shape, so that
the run goes on, and the difference fails the check.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...core.records import Record
from ...dependencies.tape import READ, WRITE, StoredEffect

SERVED, REPEATED, DIFFERENT = "served", "repeated", "different"
NEVER, STEADY, LAST = "never", "steady", "last"  # values of `repeat:`


class MadeCall(Record):
    """A call of a dependency during a replay. `keys` has its key for each receiver that it may have."""

    dependency: str
    keys: Mapping[str | None, str]
    path: tuple[str, ...]
    role: str
    shape: str


class Match(Record):
    """The effect that answers a call, by its index in the tape, and how it was found."""

    how: str
    index: int


def find_match(effects: Mapping[int, StoredEffect], used: Collection[int], call: MadeCall) -> Match | None:
    """The match for a call, None when nothing on the tape answers it."""
    equal = [index for index, effect in effects.items() if is_equal_call(effect, call)]
    unused = [index for index in equal if index not in used]
    if unused:
        return Match(SERVED, _same_path_first(effects, unused, call.path))
    if equal and call.role == READ and _may_repeat([effects[index] for index in equal]):
        return Match(REPEATED, equal[-1])
    if call.role == WRITE:
        for index, effect in effects.items():
            if index not in used and _is_same_operation(effect, call):
                return Match(DIFFERENT, index)
    return None


def is_equal_call(effect: StoredEffect, call: MadeCall) -> bool:
    """Whether the effect is a call with the same arguments on the same object."""
    return effect.dependency == call.dependency and call.keys.get(effect.receiver) == effect.key


def _same_path_first(effects: Mapping[int, StoredEffect], indices: Sequence[int], path: tuple[str, ...]) -> int:
    return next((index for index in indices if effects[index].path == path), indices[0])


def _may_repeat(equal: Sequence[StoredEffect]) -> bool:
    repeat = equal[-1].repeat
    if repeat == NEVER:
        return False
    return repeat == LAST or len({_answer(effect) for effect in equal}) == 1


def _answer(effect: StoredEffect) -> tuple[object, ...]:
    return effect.outcome, effect.kept, effect.result, effect.is_argument


def _is_same_operation(effect: StoredEffect, call: MadeCall) -> bool:
    return (
        effect.dependency == call.dependency
        and effect.role == WRITE
        and effect.receiver in call.keys
        and effect.shape == call.shape
        and effect.path == call.path
    )
