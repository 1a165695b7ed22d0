"""Records the calls of one dependency below targets; has the interface of a recorder, so that drivers can use it.

The arguments become bytes before the call, the outcome after it. Where an argument can have changed, it is frozen
again: replay makes the same change. Only the outermost of nested dependencies is recorded, because it is what replay
serves: while it runs, its tapes are taken from the frame.
"""

from __future__ import annotations

from _thread import get_ident
from time import perf_counter

from ...bundle import CANCELLED, COMPLETE
from ...config.settings import DEFAULT_SETTINGS
from ...config.targets import Target
from ...core.paths import parse_path
from ...core.signals import belongs_to_program
from ...core.signature import Parameters, defaults_of_code
from ...core.type_facts import module_name, qualname, type_name
from ...dependencies.callers import calling_codes
from ...dependencies.presets import Deferred
from ...dependencies.raw_tape import path_of_argument
from ...dependencies.tape import HANDLE, SKIPPED, STORED, WRITE
from ...placeholder import TOO_BIG, UNSTORABLE
from ...serializer.freezing.freeze import FreezeRules, freeze, freeze_result
from ...serializer.freezing.frozen import Frozen, FrozenWithFacts, data_of, notes_of
from ..host_guard import describe, log_once
from ..recording.recorder import capturing, close_call
from .frames import current, open_
from .tape import FAULT, MOST_BYTES, Effect, tick

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FunctionType
    from typing import Any

    from ...bundle import Note
    from ...config.dependencies import DependencyRule
    from .tape import Tape

_ATOMS = frozenset({int, float, complex, str, bytes, bool, type(None)})
_SHARED = frozenset({*_ATOMS, type, type(len), type(lambda: None)})  # identity says nothing about these
_GENERATORS = ("generator", "async_generator")
_RESULTS = {"store": STORED, "handle": HANDLE, "proxy": STORED, "skip": SKIPPED}
_ITEMS = DEFAULT_SETTINGS.replace(max_bytes=DEFAULT_SETTINGS.effects_max_bytes)
_NO_KWARGS: dict[str, Any] = {}


class PendingEffect:
    """A call of a dependency that has begun. The arguments are kept where something depends on them after the call."""

    # Set by `EffectRecorder.begin`, which takes less time than a constructor.
    __slots__ = ("args", "effect", "frame", "kwargs", "may_change", "rules", "tapes", "thread")

    effect: Effect
    tapes: Sequence[Tape]
    frame: tuple[Tape, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    may_change: bool
    rules: FreezeRules  # of the arguments
    thread: int  # that the function runs on


def _is_lost(note: Note) -> bool:
    """Whether a note is about the result as a whole."""
    return note.path == "result" and note.kind == UNSTORABLE


def _are_atoms(values: Iterable[object]) -> bool:
    for value in values:  # noqa: SIM110 - a generator takes twice as long
        if type(value) not in _ATOMS:
            return False
    return True


def accepting(frame: tuple[Tape, ...], recorder: EffectRecorder) -> Sequence[Tape]:
    """The tapes that record this call; nearly always there is one tape."""
    if len(frame) == 1:
        return frame if frame[0].accepts(recorder) else ()
    return [tape for tape in frame if tape.accepts(recorder)]


class EffectRecorder:
    """The recorder of a dependency; `has_instance`: the first argument is the bound instance or class."""

    settings = _ITEMS  # of the items that a generator may hold
    _packed: Callable[[Any, Any], Any] | None = None  # makes of an effect and its result the value that is stored
    open = open_

    def __init__(
        self, dependency: str, rule: DependencyRule, function: FunctionType, flavor: str, has_instance: bool
    ) -> None:
        self.dependency = dependency
        self.rule = rule
        self.flavor = flavor
        self.preset = ""
        self.role = rule.role or WRITE
        self.shape = dependency
        self.repeat = rule.repeat
        self.exclude = rule.exclude
        self.ledger = self  # where a driver counts a coroutine that was never started
        self._signature = function.__code__, function.__defaults__, function.__kwdefaults__
        self._has_instance = has_instance
        self._kept = _RESULTS[rule.result]
        self._parameters: Parameters | None = None
        self._defaults: bytes | None = None
        self._rules: dict[int, FreezeRules] = {}
        self.scopes: dict[int, bool] = {}  # by identity: hashing the entries takes longer than freezing a small value

    def is_in(self, scope: frozenset[DependencyRule]) -> bool:
        """Whether one of these entries names this dependency."""
        known = self.scopes.get(id(scope))
        if known is None:
            known = self.scopes[id(scope)] = self._is_named_by(scope)
        return known

    def _is_named_by(self, scope: frozenset[DependencyRule]) -> bool:
        if self.preset:
            return any(rule.preset == self.preset for rule in scope)
        target = Target.parse(self.dependency)
        return any(rule.pattern is not None and rule.pattern.matches(target) for rule in scope)

    def admit(self) -> bool:
        """Whether a tape may record the next call."""
        return bool(open_) and bool(current.get())

    @property
    def parameters(self) -> Parameters:
        """Without the bound instance."""
        known = self._parameters
        if known is None:
            found = Parameters.of_code(self._signature[0])
            skip = self._has_instance and bool(found.items) and found.items[0][1].startswith("positional")
            defaults = defaults_of_code(*self._signature)
            if defaults:
                self._defaults = data_of(freeze_result(defaults, False, FreezeRules()))
            self._parameters = known = Parameters(found.items[1:]) if skip else found
        return known

    @property
    def defaults(self) -> bytes | None:
        return self._defaults

    def count_skipped(self, reason: str, *, admitted: bool = False) -> None:
        """A coroutine or generator that was dropped before its first step: the call was made and has no outcome."""
        for tape in current.get():
            if tape.accepts(self):
                tape.add(Effect(self, None, ()), None)

    # ---- one call

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PendingEffect | None:
        """Freeze the arguments and reserve a place on each tape. None: nothing is recorded, call the function bare.

        Raises only what a signal handler of the program raised meanwhile.
        """
        frame = current.get()
        if not frame:
            return None
        began = perf_counter()
        me = get_ident()
        if me in capturing:
            return None
        tapes = accepting(frame, self)
        if not tapes:
            return None
        capturing.add(me)
        try:
            instance, rest = (args[0], args[1:]) if self._has_instance and args else (None, args)
            rules = self._with_exclude(tapes[-1].rules) if self.exclude else tapes[-1].rules
            effect = self._effect(args, rest, kwargs, tapes, rules)
            for tape in tapes:
                tape.add(effect, instance)
            pending = PendingEffect()
            pending.effect, pending.tapes, pending.frame = effect, tapes, frame
            pending.rules, pending.thread = rules, me
            # Where all are atoms, the call cannot change an argument, and cannot return one that matters.
            if _are_atoms(rest) and (not kwargs or _are_atoms(kwargs.values())):
                pending.may_change = False
                pending.args, pending.kwargs = () if instance is None else args, _NO_KWARGS
            else:
                pending.may_change = True
                pending.args, pending.kwargs = args, kwargs
        except BaseException as error:
            self._failed(error, tapes)
            return None
        finally:
            capturing.discard(me)
            cost = perf_counter() - began
            for tape in tapes:
                tape.cost += cost
        current.set(() if len(tapes) == len(frame) else tuple([tape for tape in frame if tape not in tapes]))
        return pending

    def _effect(
        self,
        args: tuple[Any, ...],
        rest: tuple[Any, ...],
        kwargs: dict[str, Any],
        tapes: Sequence[Tape],
        rules: FreezeRules,
    ) -> Effect:
        call = freeze((None, rest, kwargs), self._parameters or self.parameters, rules)
        return Effect(self, call, calling_codes(4, tapes[0].code))

    def _with_exclude(self, rules: FreezeRules) -> FreezeRules:
        known = self._rules.get(id(rules))
        if known is None:
            known = rules.replace(exclude=tuple(parse_path(path) for path in self.exclude))
            self._rules[id(rules)] = known
        return known

    def suspend(self, pending: PendingEffect) -> None:
        current.set(pending.frame)

    def resume(self, pending: PendingEffect) -> None:
        pending.thread = get_ident()
        pending.frame = frame = current.get()
        current.set(tuple([tape for tape in frame if tape not in pending.tapes]))

    def raised(self, pending: PendingEffect, error: BaseException) -> None:
        ended = CANCELLED if type(error).__name__ == "CancelledError" else COMPLETE
        close_call(self, pending, error, error, ended)

    def ended(self, pending: PendingEffect, items: list[object], how: str, error: BaseException | None = None) -> None:
        close_call(self, pending, items if error is None else (items, error), error, how)

    def returned(
        self, pending: PendingEffect, value: object, error: BaseException | None = None, ended: str = COMPLETE
    ) -> None:
        """The call returned `value`; or, for the two above, ended otherwise, and `value` is its outcome."""
        began = perf_counter()
        current.set(pending.frame)
        me, effect, tapes = pending.thread, pending.effect, pending.tapes
        for tape in tapes:
            if tape.closed:
                tape.late += 1
                tapes = [one for one in tapes if one is not tape]
        if not tapes:
            return
        capturing.add(me)
        try:
            self._keep_outcome(effect, pending, value, error, tapes)
            if effect.deferred is not None:
                for tape in tapes:
                    tape.deferred.append(effect)
            if pending.may_change and effect.call is not None:
                self._keep_arguments(effect, effect.call, pending)
            if error is not None:
                effect.exception = type_name(type(error))
            if ended != COMPLETE:
                effect.ended = ended
            effect.end = tick()
            call, outcome, after = effect.call, effect.outcome, effect.after
            has_notes = FrozenWithFacts in (type(call), type(outcome), type(after))
            for tape in tapes:
                tape.grow(len(outcome or b"") + len(after or b""))
                if has_notes:
                    self._check_size(tape, effect)
        except BaseException as fault:
            self._failed(fault, tapes)
        finally:
            capturing.discard(me)
            pending.args, pending.kwargs = (), _NO_KWARGS
            cost = perf_counter() - began
            for tape in tapes:
                tape.cost += cost

    def _keep_outcome(
        self, effect: Effect, pending: PendingEffect, value: Any, error: BaseException | None, tapes: Sequence[Tape]
    ) -> None:
        """Store the outcome, or which known object it is."""
        rules = tapes[-1].rules
        if error is not None or self.flavor in _GENERATORS:
            effect.outcome = freeze_result(value, self.flavor not in _GENERATORS, rules)
            return
        if type(value) in _SHARED:
            self._keep_result(effect, value, rules)
            return
        argument = self._argument_that_is(value, pending)
        if argument is not None:
            effect.is_argument = argument
            return
        self._keep_result(effect, value, rules)
        is_deferred = effect.deferred is not None
        earlier = tapes[-1].origin_of(value) if is_deferred else tapes[-1].remember(value, effect)
        if isinstance(earlier, Effect):
            effect.same_as = earlier
        elif len(tapes) > 1 and not is_deferred:
            for tape in tapes:
                tape.remember(value, effect)

    def _keep_result(self, effect: Effect, value: Any, rules: FreezeRules) -> None:
        if self._kept == STORED:
            packed = value if self._packed is None else self._packed(effect, value)
            if type(packed) is Deferred:
                effect.deferred = packed
                return
            effect.outcome = outcome = freeze_result(packed, False, rules)
            if isinstance(outcome, bytes) or not any(_is_lost(note) for note in outcome.notes):
                return
            effect.outcome = None
            effect.kept = HANDLE
        else:
            effect.kept = self._kept
        if effect.kept == HANDLE:
            if type(value) in _ATOMS:  # `fetchone` at the end of the rows, for instance: there is nothing to call
                effect.kept = STORED
                effect.outcome = freeze_result(value, False, rules)
            else:
                kind = type(value)
                effect.result_type = f"{module_name(kind)}:{qualname(kind)}"

    def complete(self, effect: Effect, tape: Tape) -> None:
        """Store the outcome of an effect whose result was read after the call; called when the target has ended."""
        began, me = perf_counter(), get_ident()
        capturing.add(me)
        try:
            if effect.deferred is not None:
                before = len(effect.outcome or b"")
                effect.outcome = freeze_result(effect.deferred.build(), False, tape.rules)
                tape.grow(len(effect.outcome) - before)
                self._check_size(tape, effect)
        except BaseException as fault:
            self._failed(fault, [tape])
        finally:
            capturing.discard(me)
            tape.cost += perf_counter() - began

    def _argument_that_is(self, value: object, pending: PendingEffect) -> str | None:
        index = -1 if self._has_instance else 0
        for argument in pending.args:
            if argument is value:
                return "self" if index < 0 else path_of_argument(self.parameters, index)
            index += 1
        for name in pending.kwargs:
            if pending.kwargs[name] is value:
                return path_of_argument(self.parameters, name)
        return None

    def _keep_arguments(self, effect: Effect, before: bytes | Frozen, pending: PendingEffect) -> None:
        """Freeze the arguments again, which the call can have changed."""
        rest = pending.args[1:] if self._has_instance else pending.args
        after = freeze((None, rest, pending.kwargs), self.parameters, pending.rules)
        if after != before and data_of(after) != data_of(before):
            effect.after = after

    @staticmethod
    def _check_size(tape: Tape, effect: Effect) -> None:
        for frozen in (effect.call, effect.outcome, effect.after):
            if frozen is not None and any(note.kind == TOO_BIG for note in notes_of(frozen)):
                tape.give_up(MOST_BYTES.format(tape.rules.max_bytes))

    def _failed(self, error: BaseException, tapes: Sequence[Tape]) -> None:
        """Mark the tapes as incomplete. Raises what is the program's own."""
        for tape in tapes:
            tape.give_up(FAULT.format(type(error).__name__))
        if belongs_to_program(error):
            raise error
        log_once(f"could not record a call of {self.dependency}", describe(error))
