"""What a replay has taken from its tape, and what that says about the code: writes that changed, reads left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...compare.report import MADE_TWICE, NOT_MADE, ORDER, Difference
from ...core.records import Record
from ...dependencies.raw_tape import RawEffect
from ...dependencies.tape import PENDING, READ, WRITE, StoredEffect
from ...errors import SnapagentError
from .matching import DIFFERENT, REPEATED, Match

ANSWERS, WRITES, STRICT = "answers", "writes", "strict"
MODES = (ANSWERS, WRITES, STRICT)


class EffectsReport(Record):
    """The result of a replay for its effects. `miss` is the first call that could not be answered."""

    miss: SnapagentError | None = None
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    if_changed: tuple[str, ...] = ()  # notes for an outcome that differs


class Progress:
    """The record of one replay. `used` maps the effects that were served to their number in the order of serving."""

    def __init__(self, effects: Mapping[int, StoredEffect]) -> None:
        self.effects = effects
        self.used: dict[int, int] = {}
        self.order: list[int] = []  # effects in the order in which they were served, repeats included
        self.differences: dict[int, tuple[Difference, ...]] = {}  # of the arguments of writes
        self.remade: dict[int, RawEffect] = {}  # writes that have other arguments now
        self.not_required: set[int] = set()
        self.miss: SnapagentError | None = None
        self.notes: list[str] = []
        self._counts: Counter[str] = Counter()

    def take(self, match: Match, differences: tuple[Difference, ...] = ()) -> None:
        """Note that an effect answers a call."""
        self._counts["repeated" if match.how == REPEATED else "served"] += 1
        self.order.append(match.index)
        self.used.setdefault(match.index, len(self.used))
        if match.how == DIFFERENT:
            self.differences[match.index] = differences

    def exchange(self, taken: int, meant: int) -> None:
        """Another effect than the one that was taken answered the call, as a later call shows."""
        first, second = self.used.pop(taken, None), self.used.pop(meant, None)
        if first is not None:
            self.used[meant] = first
        if second is not None:
            self.used[taken] = second
        swapped = {taken: meant, meant: taken}
        self.order = [swapped.get(index, index) for index in self.order]

    def count(self, kind: str) -> None:
        """Count a call that no effect of the tape answers: `new` values, calls `let through`."""
        self._counts[kind] += 1

    def missed(self, error: SnapagentError) -> None:
        """Remember the first miss: the check fails on it, also when the program swallows the error."""
        self.miss = self.miss or error

    def report(self, mode: str, names: Mapping[int, str]) -> EffectsReport:
        """The result; `names` has a text for each effect."""
        left = self.left()
        reads = sum(self.effects[index].role == READ for index in left)
        counts = [f"{number} {kind}" for kind, number in self._counts.items() if number]
        if reads:
            counts.append(f"{reads} {'read' if reads == 1 else 'reads'} not made")
        notes = tuple(self.notes)
        if counts or self.effects:
            notes = (f"effects: {', '.join(counts) or 'none asked for'}", *notes)
        if self.miss is not None or mode == ANSWERS:
            return EffectsReport(self.miss, (), notes)
        found: list[Difference] = []
        for index in sorted(self.differences):
            found += self.differences[index]
        for index in left:
            if self.has_to_be_made(index, mode):
                found.append(Difference(f"effects[{index}]", NOT_MADE, names[index], ""))
        found += self._out_of_order(mode, names)
        return EffectsReport(None, tuple(found), notes)

    def left(self) -> list[int]:
        """The effects that the replay did not ask for, though it might have."""
        return [index for index in self.effects if index not in self.used and self._is_required(index)]

    def has_to_be_made(self, index: int, mode: str) -> bool:
        """Whether leaving this effect out is a difference."""
        return mode == STRICT or self.effects[index].role == WRITE

    def _is_required(self, index: int) -> bool:
        return index not in self.not_required and self.effects[index].outcome != PENDING

    def _out_of_order(self, mode: str, names: Mapping[int, str]) -> list[Difference]:
        """Writes of one preset or dependency and one path in another order; if strict, of any, and repeats."""
        found: list[Difference] = []
        newest: dict[object, int] = {}
        for place, index in enumerate(self.order):
            effect = self.effects[index]
            if mode == STRICT and index in self.order[:place]:
                found.append(Difference(f"effects[{index}]", MADE_TWICE, "", names[index]))
                continue
            if mode != STRICT and effect.role == READ:
                continue
            group = None if mode == STRICT else (effect.preset or effect.dependency, effect.path)
            before = newest.get(group, -1)
            if index < before:
                found.append(
                    Difference(f"effects[{index}]", ORDER, f"{names[index]} before effect {before}", "after it")
                )
            newest[group] = max(before, index)
        return found


def check_mode(mode: object) -> None:
    """Raises ValueError for a word that is not a way of comparing effects."""
    if mode not in (*MODES, True, False):
        raise ValueError(f"effects must be one of {', '.join(MODES)}, or False for the live dependencies, not {mode!r}")


def texts(effects: Mapping[int, StoredEffect], previews: Sequence[Mapping[str, str]]) -> dict[int, str]:
    """A short text for each effect: the preview of the header where there is one, else its shape."""
    found = {}
    for index, effect in effects.items():
        shown = previews[index].get("arguments", "") if index < len(previews) else ""
        shape = effect.shape if effect.shape and effect.shape != effect.dependency else ""
        found[index] = f"{effect.dependency}({shown})" if shown or not shape else f"{effect.dependency}: {shape}"
    return found
