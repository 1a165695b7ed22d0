"""A recorder that keeps calls in memory, for tests of instrumentation: no serializer, no store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

from snapagent.capture.instrument import Instrumenter
from snapagent.config.settings import Settings
from snapagent.config.targets import Target, TargetPattern, TargetSet


class Memory:
    """Takes the place of a recorder: `calls` has (args, kwargs, outcome) of each finished call."""

    def __init__(self, target: Target, function: Any, kind: str, flavor: str, settings: Settings) -> None:
        self.target = target
        self.function = function
        self.kind = kind
        self.flavor = flavor
        self.settings = settings
        self.calls: list[tuple[Any, Any, Any]] = []
        self.steps: list[str] = []
        self.skipped: list[str] = []
        self.on = True
        self.keep = True  # False: only count, so that no argument lives longer
        self.ledger = SimpleNamespace(count_skipped=lambda reason, admitted: self.skipped.append(reason))

    def admit(self) -> bool:
        return self.on

    def begin(self, args: Any, kwargs: Any) -> Any:
        self.steps.append("begin")
        return (args, dict(kwargs)) if self.keep else ((), {})

    def resume(self, pending: Any) -> None:
        self.steps.append("resume")

    def suspend(self, pending: Any) -> None:
        self.steps.append("suspend")

    def returned(self, pending: Any, value: Any) -> None:
        self.calls.append((*pending, ("returned", value if self.keep else None)))

    def raised(self, pending: Any, error: BaseException) -> None:
        self.calls.append((*pending, ("raised", type(error))))

    def ended(self, pending: Any, items: list[Any], how: str, error: BaseException | None = None) -> None:
        self.calls.append((*pending, ("ended", list(items) if self.keep else [], how, error and type(error))))


class Memories:
    """Takes the place of an engine: `calls(qualname)` are the finished calls of a target."""

    def __init__(self, keep: bool = True) -> None:
        self.keep = keep
        self.made: dict[str, Memory] = {}
        self.unreachable: dict[str, str] = {}

    def recorder_for(self, target: Target, function: Any, kind: str, flavor: str, settings: Settings) -> Any:
        memory = self.made.setdefault(str(target), Memory(target, function, kind, flavor, settings))
        memory.keep = self.keep
        return memory

    def note_unreachable(self, target: Target, reason: str) -> None:
        self.unreachable[str(target)] = reason

    def calls(self, qualname: str) -> list[tuple[Any, Any, Any]]:
        """The calls of a target, named without its module."""
        found = [memory for name, memory in self.made.items() if name.partition(":")[2] == qualname]
        return [call for memory in found for call in memory.calls]


@contextmanager
def instrumented(module: ModuleType, *patterns: str, mode: str = "wrap", keep: bool = True) -> Iterator[Memories]:
    """The module's functions that the patterns name (by default all) are wrapped for a while."""
    memories = Memories(keep)
    rules = [(TargetPattern.parse(text), Settings(mode=mode)) for text in patterns or (f"{module.__name__}:**",)]
    instrumenter = Instrumenter(TargetSet(rules), memories.recorder_for, memories.note_unreachable)
    instrumenter.instrument(module.__name__, module)
    try:
        yield memories
    finally:
        instrumenter.restore()
