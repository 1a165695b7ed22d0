"""Records the calls of one operation of a preset: the preset says what the arguments and the result are."""

from __future__ import annotations

from sys import modules

from ...core.signature import KEYWORD_ONLY, Parameters
from ...dependencies.callers import calling_codes, library_of
from ...serializer.freezing.freeze import freeze, freeze_result
from ..host_guard import log_once
from .effect_recorder import EffectRecorder, PendingEffect, accepting
from .frames import current
from .tape import FAULT, Effect, tick

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ...config.dependencies import DependencyRule
    from ...dependencies.presets import Described, Operation
    from ...serializer.freezing.freeze import FreezeRules
    from ...serializer.freezing.frozen import Frozen
    from .tape import Tape


class OperationEffect(Effect):
    __slots__ = ("described",)

    described: Described | None


class OperationRecorder(EffectRecorder):
    """Arguments are stored by the names that the preset gives them, as keyword arguments."""

    def __init__(self, rule: DependencyRule, operation: Operation, flavor: str, function: Any) -> None:
        super().__init__(operation.dependency, rule, _no_parameters, flavor, False)
        self.preset = rule.preset
        self.repeat = operation.repeat
        self.operation = operation
        self.function = function
        self._kept = operation.result
        self._library = library_of(operation.module)

    def record_start(self, tape: Tape) -> None:
        """Record what the operation returns now, for one that is called when a tape is opened. Never raises."""
        function: Any = getattr(modules.get(self.operation.module), self.operation.qualname, None)
        if function is None:
            return
        try:
            effect = self._effect((), (), {}, (tape,), tape.rules)
            effect.outcome = freeze_result(function(), False, tape.rules)
            effect.end = tick()
            tape.add(effect, None)
            tape.grow(len(effect.outcome))
        except Exception as error:
            tape.give_up(FAULT.format(type(error).__name__))

    def _effect(
        self,
        args: tuple[Any, ...],
        rest: tuple[Any, ...],
        kwargs: dict[str, Any],
        tapes: Sequence[Tape],
        rules: FreezeRules,
    ) -> Effect:
        described = self.operation.describe(args, kwargs)
        parameters = Parameters(tuple((name, KEYWORD_ONLY) for name in described.arguments))
        effect = OperationEffect(
            self,
            freeze((None, (), described.arguments), parameters, tapes[-1].rules),
            calling_codes(3, tapes[0].code, self._library),
        )
        effect.described = described
        effect.parameters = parameters.items
        effect.role = self.rule.role or described.role
        effect.shape = described.shape
        return effect

    def _packed(self, effect: Any, value: Any) -> Any:
        pack, described = self.operation.pack, effect.described
        effect.described = None  # it may refer to a live cursor, which the program may drop
        return value if pack is None else pack(value, described)

    def _argument_that_is(self, value: object, pending: PendingEffect) -> str | None:
        """`Cursor.execute` returns its cursor: what counts is the statement's outcome."""
        return None

    def _keep_arguments(self, effect: Effect, before: bytes | Frozen, pending: PendingEffect) -> None:
        """The preset's arguments are values of its own."""


class UnrecordedOperation(OperationRecorder):
    """Marks the tapes below which an operation is called that no preset can record."""

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for tape in accepting(current.get(), self):
            tape.give_up(self.operation.unrecorded)
            log_once(f"target {tape.target}", self.operation.unrecorded)


def operation_recorder(rule: DependencyRule, operation: Operation, flavor: str, function: Any) -> OperationRecorder:
    """The recorder of an operation's calls."""
    kind = UnrecordedOperation if operation.unrecorded else OperationRecorder
    return kind(rule, operation, flavor, function)


def _no_parameters_of_its_own() -> None:
    """Stands for the function: a preset names the arguments call by call."""


_no_parameters: Any = _no_parameters_of_its_own
