"""Turns a closed tape into what the sealing pipeline takes. Runs in the writer's thread."""

from __future__ import annotations

from ...dependencies.callers import names_of
from ...dependencies.keys import Interval
from ...dependencies.raw_tape import RawEffect, RawTape
from ...dependencies.tape import PENDING, RAISED, RETURNED, StoredEffect, Summary
from ...serializer.freezing.frozen import data_of, notes_of
from .tape import Effect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .tape import Tape
    from .taping_recorder import TapedPending


def raw_tape(pending: TapedPending) -> RawTape | None:
    """None for a tape that recorded nothing and missed nothing: the bundle needs none."""
    tape = pending.tape
    if not (pending.effects or tape.reason or tape.late):
        return None
    recorded = sorted(pending.effects, key=lambda effect: effect.start)
    number = {id(effect): index for index, effect in enumerate(recorded)}
    endings = sorted(effect.end for effect in recorded if effect.end is not None and not tape.is_pending(effect))
    rank = {end: index for index, end in enumerate(endings)}
    effects = []
    for index, effect in enumerate(recorded):
        receiver = pending.receivers.get(id(effect))
        if isinstance(receiver, Effect):
            known = number.get(id(receiver))
            receiver = None if known is None else f"effect {known}"
        effects.append(_raw_effect(index, effect, receiver, tape, number, rank))
    seconds = max(pending.finished - pending.began, 0.0)
    summary = Summary(complete=not tape.reason, reason=tape.reason, late=tape.late, seconds=round(seconds, 6))
    return RawTape(effects, summary, Interval(pending.started, pending.started + seconds))


def _raw_effect(
    index: int, effect: Effect, receiver: str | None, tape: Tape, number: dict[int, int], rank: dict[int, int]
) -> RawEffect:
    recorder = effect.recorder
    pending = tape.is_pending(effect)
    outcome = None if pending else effect.outcome
    after = None if pending else effect.after
    notes = [note for frozen in (effect.call, outcome) if frozen is not None for note in notes_of(frozen)]
    stored = StoredEffect(
        dependency=recorder.dependency,
        preset=recorder.preset,
        role=effect.role or recorder.role,
        repeat=recorder.repeat,
        flavor=recorder.flavor,
        receiver=receiver,
        path=names_of(effect.codes, tape.code),
        start=index,
        end=None if pending or effect.end is None else rank[effect.end],
        outcome=PENDING if pending else RAISED if effect.exception is not None else RETURNED,
        ended=effect.ended,
        exception=None if pending else effect.exception,
        kept=effect.kept,
        result_type=effect.result_type,
        shape=effect.shape or recorder.shape,
        is_argument=effect.is_argument,
        same_as=number.get(id(effect.same_as)) if effect.same_as is not None else None,
        parameters=recorder.parameters.items if effect.parameters is None else effect.parameters,
        exclude=tuple(recorder.exclude),
    )
    return RawEffect(
        effect=stored,
        call=data_of(effect.call) if effect.call is not None else None,
        outcome=data_of(outcome) if outcome is not None else None,
        after=data_of(after) if after is not None else None,
        defaults=recorder.defaults,
        exclude=recorder.exclude,
        notes=tuple(notes),
    )
