"""The tape of one call of a target while it runs: the effects so far, the limits, and the live objects it knows.

Several threads may add effects. What they share is changed by single operations on lists and dicts only.
"""

from __future__ import annotations

import weakref
from itertools import count

from .frames import current, generation, open_
from .live_values import value_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from ...bundle import Note
    from ...config.dependencies import DependencyRule
    from ...dependencies.presets import Deferred
    from ...serializer.freezing.freeze import FreezeRules
    from ...serializer.freezing.frozen import Frozen
    from .effect_recorder import EffectRecorder

MOST_EFFECTS = "there were more than {} calls of dependencies"
MOST_BYTES = "the calls of dependencies were larger than {} bytes"
FAULT = "a call of a dependency could not be recorded ({})"
FORKED = "the process was forked during the call"
_PLACEHOLDERS = frozenset({"excluded", "unstorable", "too_big", "too_deep", "lazy"})
_WITHOUT_WEAK_REFERENCES = frozenset({list, dict, tuple, bytearray, range})
_ticks = count()
tick = _ticks.__next__  # orders the beginnings and endings of all effects of the process


class Effect:
    """One call of a dependency, recorded on one or several tapes. Slots are read faster than defaults of the class."""

    __slots__ = (
        *("after", "call", "codes", "deferred", "end", "ended", "exception", "is_argument", "items", "kept"),
        *("outcome", "parameters", "recorder", "result_type", "role", "same_as", "shape", "start"),
    )
    items: Any  # of a result that is kept as items

    def __init__(self, recorder: EffectRecorder, call: bytes | Frozen | None, codes: tuple[CodeType, ...]) -> None:
        self.recorder = recorder
        self.call = call
        self.codes = codes
        self.end: int | None = None
        self.outcome: bytes | Frozen | None = None
        self.after: bytes | Frozen | None = None
        self.deferred: Deferred | None = None
        self.exception: str | None = None
        self.ended = "complete"
        self.kept = "stored"
        self.result_type = ""
        self.is_argument: str | None = None
        self.same_as: Effect | None = None
        self.role: str | None = None  # where it is not the same for all calls of the dependency; so are the next two
        self.shape: str | None = None
        self.parameters: tuple[tuple[str, str], ...] | None = None
        self.start = tick()


class Tape:
    """The effects of one call. `code` runs the target, `scope` are the entries of the config that it records."""

    def __init__(
        self,
        target: str,
        code: CodeType,
        scope: frozenset[DependencyRule],
        limits: tuple[int, int],
        rules: FreezeRules,
    ) -> None:
        self.target = target
        self.code = code
        self.scope = scope
        self.rules = rules
        self.effects: list[Effect] = []
        self.deferred: list[Effect] = []  # those whose result is read after the call
        self.receivers: dict[int, str | Effect] = {}  # id of an effect -> where its instance is from
        self.size = 0  # bytes
        self.cost = 0.0  # seconds
        self.late = 0
        self.closed = False
        self.closed_at = 0  # the tick: what ends later was pending when the target ended
        self.reason = ""  # why it is not complete
        self._most_effects, self._most_bytes = limits
        self._generation = generation[0]
        self._outer: tuple[Tape, ...] = ()
        self._known: dict[int, tuple[Any, str | Effect]] = {}  # id -> (the object or a weak reference, where from)
        open_.append(None)

    def __del__(self) -> None:
        if self._generation == generation[0] and open_:
            open_.pop()

    # ---- the target runs and is suspended

    def enter(self) -> None:
        self._outer = outer = current.get()
        current.set((*outer, self))

    def leave(self) -> None:
        current.set(self._outer)

    def close(self) -> tuple[list[Effect], dict[int, str | Effect]]:
        """The target has ended: no more effects. Hands them over, with their receivers.

        A task or thread that outlives the target keeps the tape alive in its context, but not the recorded bytes.
        """
        self.closed = True
        self.leave()
        self._known.clear()
        self.closed_at = tick()
        for effect in self.deferred:
            effect.recorder.complete(effect, self)
        if self._generation != generation[0]:
            self.give_up(FORKED)
        recorded = self.effects, self.receivers
        self.effects, self.receivers, self.deferred = [], {}, []
        return recorded

    def is_pending(self, effect: Effect) -> bool:
        """Whether an effect of this tape had not ended when the target did."""
        return effect.end is None or effect.end > self.closed_at

    # ---- effects

    def accepts(self, recorder: EffectRecorder) -> bool:
        """Whether a call of this dependency is recorded here. Counts the late ones."""
        if self.closed:
            self.late += 1
            return False
        if self.reason or recorder.dependency == self.target:
            return False
        named = recorder.scopes.get(id(self.scope))
        if not (recorder.is_in(self.scope) if named is None else named):
            return False
        if len(self.effects) >= self._most_effects:
            self.give_up(MOST_EFFECTS.format(self._most_effects))
            return False
        return True

    def add(self, effect: Effect, receiver: object) -> None:
        self.effects.append(effect)
        if receiver is not None:
            origin = self.origin_of(receiver)
            if origin is not None:
                self.receivers[id(effect)] = origin
        if effect.call is not None:
            self.grow(len(effect.call))

    def grow(self, size: int) -> None:
        self.size += size
        if self.size > self._most_bytes:
            self.give_up(MOST_BYTES.format(self._most_bytes))

    def give_up(self, reason: str) -> None:
        """Record no more: the bundle is kept, and replay refuses it for this reason."""
        self.reason = self.reason or reason

    # ---- live objects that are known by the calls made on them

    def remember_placeholders(self, notes: tuple[Note, ...], bound: dict[str, Any]) -> None:
        """The live arguments that the bundle holds placeholders for: a call on one of them names its path."""
        for note in notes:
            if note.kind in _PLACEHOLDERS and note.path:
                value = value_at(note.path, bound)
                if value is not None:
                    self.remember(value, note.path)

    def remember(self, value: object, origin: str | Effect) -> str | Effect | None:
        """Remember where an object is from, unless that is known; then it is returned."""
        key = id(value)
        known = self._known.get(key)
        if known is not None and _held(known[0]) is value:
            return known[1]
        reference: Any = value
        if type(value) not in _WITHOUT_WEAK_REFERENCES:
            try:
                reference = weakref.ref(value)
            except TypeError:  # its type has none
                reference = value
        self._known[key] = reference, origin
        return None

    def origin_of(self, value: object) -> str | Effect | None:
        """The path of a placeholder argument, or the effect that returned this very object."""
        known = self._known.get(id(value))
        if known is None:
            return None
        return known[1] if _held(known[0]) is value else None


def _held(reference: Any) -> Any:
    return reference() if type(reference) is weakref.ref else reference
