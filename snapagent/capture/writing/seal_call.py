"""Seals captured calls: hands what the recorder collected to the sealing pipeline. Runs in the writer's thread."""

from __future__ import annotations

from functools import partial
from itertools import groupby

from ...bundle import COMPLETE
from ...core.clock import perf_counter, thread_time
from ...sealing.formed_calls import FormedCalls
from ...sealing.raw_call import RawCall
from ...sealing.redaction.earlier import EarlierSecrets
from ...sealing.seal import STAGES, Sealing, SealRules, shape_before_sealing
from ...store.keys import pseudonym_key
from .origin import Origins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...bundle import SigningKey
    from ...sealing.forms import FormedCall, Written
    from ...sealing.opened_call import Graphs
    from ...sealing.seal import Sealed, Tape
    from ..recording.pending import Pending

    Opened = tuple[Pending, FormedCall | None, Graphs | None, float]  # the seconds that it took to open it

_FEW = 4  # calls of a function for which no form is looked for: most functions of a program are called seldom


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
        self._functions: dict[str, _Function] = {}  # by target

    def __call__(self, calls: Sequence[Pending]) -> list[Sealed | Written | Exception]:
        """Seal calls of one function, each stage for all of them before the next. One that fails harms no other.

        The processor time of all is accounted to the calls in proportion to the time that each took.
        """
        began = thread_time()
        function = self._function_of(calls[0])
        opened = function.open(calls)
        sealed: list[Sealing | FormedCall] = []
        # Run after run, because a secret of one call may be in the calls after it.
        for has_form, run in groupby(opened, _has_form):
            together = list(run)
            if has_form and function.are_clean(together, self._earlier):
                sealed += function.seal_formed(together)
            else:
                sealed += self._seal_others(together, function)
        seconds = [before + one.seconds for (*_, before), one in zip(opened, sealed, strict=True)]
        share = (thread_time() - began) / (sum(seconds) or 1.0)
        for call, took in zip(calls, seconds, strict=True):
            call.sealed += took * share
        return [one.take() for one in sealed]

    def _function_of(self, call: Pending) -> _Function:
        name, origin = str(call.target), self._origins.of(call.target.module)
        known = self._functions.get(name)
        if known is None or known.recorder is not call.recorder or known.origin is not origin:
            if self._pseudonym_key is None:
                self._pseudonym_key = pseudonym_key(self._keys, self._base_path)
            known = _Function(call, origin, SealRules.of(call.settings, self._pseudonym_key))
            self._functions[name] = known
        return known

    def _seal_others(self, opened: Sequence[Opened], function: _Function) -> list[Sealing]:
        """Seal calls without a form, or with secrets."""
        sealings = [
            Sealing(partial(self._begin, call, function.origin), function.rules, self._earlier, graphs)
            for call, _, graphs, _ in opened
        ]
        now = perf_counter()
        for stage in STAGES:
            for sealing in sealings:
                if sealing.error is None:
                    try:
                        stage(sealing)
                    except Exception as error:
                        sealing.error = error
                    before, now = now, perf_counter()
                    sealing.seconds += now - before
        return sealings

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


class _Function:
    """What all calls of one function have in common. `example` is any one of them."""

    def __init__(self, example: Pending, origin: Mapping[str, object], rules: SealRules) -> None:
        self.recorder = example.recorder
        self.origin = origin
        self.rules = rules
        self._calls = 0
        self._forms: FormedCalls | None = None

    def open(self, calls: Sequence[Pending]) -> list[Opened]:
        """The calls with their forms or graphs, as far as these are known by now."""
        self._calls += len(calls)
        if self._forms is None:
            if self._calls <= _FEW:
                return [(call, None, None, 0.0) for call in calls]
            self._forms = FormedCalls(_raw_call(calls[0], self.origin), self.rules)
        opened: list[Opened] = []
        now = perf_counter()
        for call in calls:
            formed = graphs = None
            frozen, outcome = call.frozen_call, call.frozen_outcome
            if type(frozen) is bytes and type(outcome) is bytes and _is_plain(call):
                formed, graphs = self._forms.open(frozen, outcome)
            before, now = now, perf_counter()
            opened.append((call, formed, graphs, now - before))
        return opened

    def are_clean(self, opened: Sequence[Opened], earlier: EarlierSecrets) -> bool:
        """Whether no secret of the environment or of an earlier call is in these calls, which have forms."""
        known = [formed for _, formed, *_ in opened if formed is not None]
        return self._forms is not None and self._forms.are_clean(known, earlier)

    def seal_formed(self, opened: Sequence[Opened]) -> list[FormedCall]:
        """Seal calls that have forms."""
        sealed: list[FormedCall] = []
        now = perf_counter()
        for call, formed, *_ in opened:
            if formed is not None and self._forms is not None:
                self._forms.seal(formed, call.started, call.duration)
                before, now = now, perf_counter()
                formed.seconds = now - before
                sealed.append(formed)
        return sealed


def _has_form(opened: Opened) -> bool:
    return opened[1] is not None


def _is_plain(call: Pending) -> bool:
    """Whether the call returned, and its header has nothing that those of others do not have."""
    return (
        call.exception is None and call.ended == COMPLETE and not hasattr(call, "trace") and not hasattr(call, "tape")
    )


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
