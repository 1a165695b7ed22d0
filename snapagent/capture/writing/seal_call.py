"""Seals captured calls: hands what the recorder collected to the sealing pipeline. Runs in the writer's thread."""

from __future__ import annotations

from ...core.clock import perf_counter, thread_time
from ...sealing.raw_call import RawCall
from ...sealing.redaction.earlier import EarlierSecrets
from ...sealing.seal import SealRules, seal_in_stages, shape_before_sealing
from ...store.keys import pseudonym_key
from .origin import Origins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
        results: list[Sealed | Exception | None] = [None] * len(calls)
        seconds = [0.0] * len(calls)
        began, now = thread_time(), perf_counter()
        rules, origin = self._facts_of(calls[0])
        running = [(index, self._stages(call, rules, origin)) for index, call in enumerate(calls)]
        while running:
            for index, stages in running:
                try:
                    results[index] = next(stages)
                except Exception as error:
                    results[index] = error
                before, now = now, perf_counter()
                seconds[index] += now - before
            running = [one for one in running if results[one[0]] is None]
        share = (thread_time() - began) / (sum(seconds) or 1.0)
        for call, took in zip(calls, seconds, strict=True):
            call.sealed += took * share
        return results  # type: ignore[return-value]  # none is None any more

    def _facts_of(self, call: Pending) -> tuple[SealRules, Mapping[str, object]]:
        """What all calls of one function have in common."""
        if self._pseudonym_key is None:
            self._pseudonym_key = pseudonym_key(self._keys, self._base_path)
        return SealRules.of(call.settings, self._pseudonym_key), self._origins.of(call.target.module)

    def _stages(self, call: Pending, rules: SealRules, origin: Mapping[str, object]) -> Iterator[Sealed | None]:
        if hasattr(call, "trace"):
            origin = self._origins.of(call.target.module, call.trace)
        yield from seal_in_stages(_raw_call(call, origin), rules, self._earlier, _tape_of(call))

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
