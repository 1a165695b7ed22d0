"""The recorder of a target that has dependencies: opens a tape for each captured call and closes it at its end."""

from __future__ import annotations

from functools import lru_cache
from time import perf_counter

from ...bundle import COMPLETE
from ...config.settings import Settings
from ...serializer.freezing.freeze import FreezeRules
from ...serializer.freezing.frozen import notes_of
from ..recording.pending import Pending
from ..recording.recorder import Recorder
from .tape import Effect, Tape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...config.dependencies import DependencyRule
    from .operation_recorder import OperationRecorder


@lru_cache(maxsize=256)
def taping(scope: frozenset[DependencyRule], starts: tuple[OperationRecorder, ...]) -> type[TapingRecorder]:
    """The recorder class for targets of this scope; `starts` record something when a tape is opened."""
    return type("TapingRecorder", (TapingRecorder,), {"scope": scope, "starts": starts})


@lru_cache(maxsize=256)
def _rules(max_bytes: int, exclude_types: tuple[str, ...]) -> FreezeRules:
    """Those for the effects of all targets with these settings, which share the freezers."""
    return FreezeRules(max_bytes=max_bytes, exclude_types=exclude_types)


class TapedPending(Pending):
    """A call that has begun, with its tape. The tape's bytes count in the queue."""

    __slots__ = ("_size", "effects", "receivers", "tape")

    tape: Tape
    # Those of the tape, once the target has ended.
    effects: list[Effect]
    receivers: dict[int, str | Effect]

    @property
    def size(self) -> int:
        return self._size + self.tape.size

    @size.setter
    def size(self, value: int) -> None:
        self._size = value


class TapingRecorder(Recorder):
    """`scope` are the entries of the config whose calls are recorded below this target."""

    scope: frozenset[DependencyRule] = frozenset()
    starts: tuple[OperationRecorder, ...] = ()
    pending_class = TapedPending

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Pending | None:
        pending: Any = super().begin(args, kwargs)
        if pending is None:
            return None
        opened = perf_counter()
        pending.tape = tape = self._tape()
        notes = notes_of(pending.frozen_call)
        if notes:
            tape.remember_placeholders(notes, self.parameters().bind(args, kwargs))
        for start in self.starts:
            start.record_start(tape)
        took = perf_counter() - opened
        pending.cost += took
        pending.used += took
        tape.enter()
        return pending  # type: ignore[no-any-return]

    def _tape(self) -> Tape:
        settings: Settings = self.settings
        rules = _rules(settings.effects_max_bytes, settings.exclude_types)
        limits = settings.effects, settings.effects_max_bytes
        return Tape(str(self.target), self._signature[0], self.scope, limits, rules)

    def resume(self, pending: Any) -> None:
        super().resume(pending)
        pending.tape.enter()

    def suspend(self, pending: Any) -> None:
        pending.tape.leave()
        super().suspend(pending)

    def returned(self, pending: Any, value: object, error: BaseException | None = None, ended: str = COMPLETE) -> None:
        pending.effects, pending.receivers = pending.tape.close()
        pending.cost += pending.tape.cost
        pending.used += pending.tape.cost
        super().returned(pending, value, error, ended)
