"""The effects of a replay: the stored ones with the writes of today, to take their place when a change is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ...bundle import Note
from ...dependencies.raw_tape import RawEffect
from ...dependencies.tape import READ, StoredEffect
from ...errors import NotAcceptedError
from ...sealing.raw_call import RawCall
from .dependencies import Dependency
from .handles import receiver_of
from .matching import MadeCall
from .progress import Progress

_REFERENCE = re.compile(rb"effects\[(\d+)\]")


def as_made(effect: StoredEffect, dependency: Dependency, made: MadeCall, frozen: RawCall) -> RawEffect:
    """A write with the arguments of today's call; its answer stays the recorded one."""
    now = effect.replace(key=made.keys[effect.receiver], parameters=dependency.parameters.items, path=made.path)
    return RawEffect(now, frozen.call, effect.result, effect.after, frozen.defaults, effect.exclude, frozen.call_notes)


def todays_effects(
    target: str, effects: Sequence[StoredEffect], notes: Iterable[Note], progress: Progress, mode: str
) -> list[RawEffect] | None:
    """The effects as the replay asked for them, in today's order; None when nothing about them has changed.

    `notes` are those of the stored effects. Raises NotAcceptedError when effects that refer to one another would have
    to be numbered anew.
    """
    dropped = {index for index in progress.left() if progress.has_to_be_made(index, mode)}
    order = [index for index in _order(effects, progress) if index not in dropped]
    if order == list(range(len(effects))) and not progress.remade:
        return None
    moved = {old for new, old in enumerate(order) if new != old} | dropped
    if moved & _referred(effects[index] for index in order):
        reason = "its writes have moved, and later calls are made on what they returned"
        raise NotAcceptedError(target, reason, "capture the call again")
    own = _by_effect(notes)
    found = []
    for new, old in enumerate(order):
        raw = progress.remade.get(old) or RawEffect.of_stored(effects[old], own.get(old, ()))
        found.append(raw.replace(effect=raw.effect.replace(start=new)) if new != old else raw)
    return found


def _order(effects: Sequence[StoredEffect], progress: Progress) -> list[int]:
    """Indices of all effects. Writes of one dependency and caller exchange places until they are in today's order."""
    groups: dict[object, list[int]] = {}
    for index in progress.used:
        effect = effects[index]
        if effect.role != READ:
            groups.setdefault((effect.dependency, effect.path), []).append(index)
    order = list(range(len(effects)))
    for made in groups.values():
        made.sort(key=progress.used.__getitem__)
        for place, index in zip(sorted(made), made, strict=True):
            order[place] = index
    return order


def _referred(effects: Iterable[StoredEffect]) -> set[int]:
    """The effects that these name by number: as the object of a call, as an argument, or as the same result."""
    found: set[int] = set()
    for effect in effects:
        if effect.same_as is not None:
            found.add(effect.same_as)
        prefix = receiver_of(0)[:-1]
        if effect.receiver is not None and effect.receiver.startswith(prefix):
            found.add(int(effect.receiver[len(prefix) :]))
        for blob in effect.blobs.values():
            found.update(map(int, _REFERENCE.findall(blob)))
    return found


def _by_effect(notes: Iterable[Note]) -> dict[int, tuple[Note, ...]]:
    """The notes of each effect, with paths that begin there."""
    found: dict[int, tuple[Note, ...]] = {}
    for note in notes:
        number, _, path = note.path.removeprefix("effects[").partition("]")
        if number.isdigit():
            own = note.replace(path=path.removeprefix("."))
            found[int(number)] = (*found.get(int(number), ()), own)
    return found
