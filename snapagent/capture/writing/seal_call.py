"""Seals captured calls: hands what the recorder collected to the sealing pipeline. Runs in the writer's thread."""

from __future__ import annotations

from functools import partial

from ...core.clock import perf_counter, thread_time
from ...sealing.raw_call import RawCall
from ...sealing.redaction.earlier import EarlierSecrets
from ...sealing.seal import STAGES, Sealing, SealRules, shape_before_sealing
from ...store.keys import pseudonym_key
from .origin import Origins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...bundle import SigningKey
    from ...sealing.seal import Sealed, Tape
    from ..recording.pending import Pending


class CallSealer:
    """Turns calls into headers and the stored bytes of their parts.

    The key of the pseudonyms is looked up at the first call, because reading the key of a store creates it.
    """

    def __init__(self, base_path: str, keys: Sequence[SigningKey]) -> None:
        self._base_path = base_path
        self._keys = keys
        self._pseudonym_key: bytes | None = None
        self._earlier = EarlierSecrets()
        self._origins = Origins()

    def __call__(self, calls: Sequence[Pending]) -> list[Sealed | Exception]:
        """Seal calls of one function, each stage for all of them before the next. One that fails harms no other.

        The processor time of all is accounted to the calls in proportion to the time that each took.
        """
        began, now = thread_time(), perf_counter()
        rules, origin = self._facts_of(calls[0])
        sealings = [Sealing(partial(self._begin, call, origin), rules, self._earlier) for call in calls]
        for stage in STAGES:
            for sealing in sealings:
                if sealing.error is None:
                    try:
                        stage(sealing)
                    except Exception as error:
                        sealing.error = error
                    before, now = now, perf_counter()
                    sealing.seconds += now - before
        share = (thread_time() - began) / (sum([sealing.seconds for sealing in sealings]) or 1.0)
        for call, sealing in zip(calls, sealings, strict=True):
            call.sealed += sealing.seconds * share
        return [sealing.take() for sealing in sealings]

    def _facts_of(self, call: Pending) -> tuple[SealRules, Mapping[str, object]]:
        """What all calls of one function have in common."""
        if self._pseudonym_key is None:
            self._pseudonym_key = pseudonym_key(self._keys, self._base_path)
        return SealRules.of(call.settings, self._pseudonym_key), self._origins.of(call.target.module)

    def _begin(self, call: Pending, origin: Mapping[str, object]) -> tuple[RawCall, Tape | None]:
        if hasattr(call, "trace"):
            origin = self._origins.of(call.target.module, call.trace)
        return _raw_call(call, origin), _tape_of(call)

    def shape_of(self, call: Pending) -> str:
        """The shape of a call's arguments before anything is redacted in them. Its time counts as that of sealing."""
        began = thread_time()
        try:
            return shape_before_sealing(_raw_call(call, {}))
        finally:
            call.sealed += thread_time() - began


def _tape_of(call: Pending) -> Tape | None:
    """The effects of the call, if any were recorded."""
    if not hasattr(call, "tape"):
        return None
    from ..effects.raw import raw_tape

    return raw_tape(call)  # type: ignore[arg-type]  # the class that has a tape


def _raw_call(call: Pending, origin: Mapping[str, object]) -> RawCall:
    recorder, frozen, outcome = call.recorder, call.call, call.outcome
    defaults = recorder.defaults()
    return RawCall(
        target=call.target,
        kind=recorder.kind,
        flavor=recorder.flavor,
        parameters=recorder.parameters(),
        call=frozen.data,
        outcome=outcome.data,
        raised=call.raised,
        started=call.started,
        duration=call.duration,
        defaults=defaults.data if defaults is not None else None,
        call_notes=frozen.notes,
        outcome_notes=outcome.notes,
        by_value=tuple(dict.fromkeys(frozen.by_value + outcome.by_value)),
        packages=frozen.packages | outcome.packages,
        exception=call.exception,
        ended=call.ended,
        origin=origin,
    )
