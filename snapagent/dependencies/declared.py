"""The dependencies of a config, compiled: which callables they name, and which targets record them."""

from __future__ import annotations

from ..config.targets import Target, TargetSet
from .presets import Operation, load_preset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..config.dependencies import DependencyRule
    from ..config.reading import Config
    from ..config.settings import Settings


class Declared:
    """All dependencies of a config. Raises LookupError when a preset cannot be loaded."""

    def __init__(self, config: Config) -> None:
        self.rules = config.all_dependencies
        self._common = frozenset(config.dependencies)
        self._targets = _PatternSet(rule for rule in self.rules if rule.pattern is not None)
        self.operations: dict[str, list[tuple[DependencyRule, Operation]]] = {}  # by module
        for rule in self.rules:
            if rule.preset:
                for operation in load_preset(rule.preset):
                    self.operations.setdefault(operation.module, []).append((rule, operation))

    def wants_module(self, name: str) -> bool:
        """Whether something in this module may be a dependency."""
        return name in self.operations or self._targets.wants_module(name)

    def names_functions_in(self, module: str) -> bool:
        """Whether an entry that is no preset may mean something in this module."""
        return self._targets.wants_module(module)

    def rule_for(self, target: Target) -> DependencyRule | None:
        """The entry that names this function: an exact one goes before a glob, a later one before an earlier one."""
        return self._targets.rule_for(target)

    def exact_names(self, module: str) -> tuple[str, ...]:
        """The qualnames that entries without wildcards name in this module."""
        return self._targets.set.exact_names(module)

    def scope(self, settings: Settings) -> frozenset[DependencyRule]:
        """The entries that are recorded below a target with these settings; empty: it has no tape."""
        if settings.dependencies is None:
            return frozenset()
        return self._common.union(settings.dependencies)


class _PatternSet:
    """A TargetSet whose settings are rules."""

    def __init__(self, rules: Iterable[DependencyRule]) -> None:
        pairs = [(rule.pattern, rule) for rule in rules if rule.pattern is not None]
        self.set = TargetSet(pairs)  # type: ignore[arg-type]  # it hands its settings on without looking at them
        self.wants_module = self.set.wants_module

    def rule_for(self, target: Target) -> DependencyRule | None:
        return self.set.rule_for(target)  # type: ignore[return-value]


__all__ = ["Declared"]
