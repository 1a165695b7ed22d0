"""Wraps the dependencies of a config as their modules load, and undoes that.

A Python function gets other code in place, which reaches names that were imported early; anything else is replaced
where its module keeps it.
"""

from __future__ import annotations

import weakref
from types import FunctionType

from ...bundle import BOUND_KINDS, PLAIN
from ...config.targets import Target
from ...core.functions import flavor_of
from ...dependencies.declared import Declared
from ..host_guard import describe, log_once
from ..instrument import inplace
from ..instrument.discovery import Discovery, Found
from ..instrument.frames import drop_frame, hidden
from ..instrument.instrumenter import looks_at_its_caller, restore_each, restore_places, signature_giver
from ..instrument.wrapper import wrap
from ..recording.recorder import Recorder
from .effect_recorder import EffectRecorder
from .frames import open_
from .operation_recorder import OperationRecorder, operation_recorder
from .taping_recorder import taping
from .threads import MODULES, carry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from ...config.dependencies import DependencyRule
    from ...config.reading import Config
    from ...config.settings import Settings
    from ...dependencies.presets import Operation


class Dependencies:
    """All that is wrapped for effects in this process. Raises LookupError when a preset is unknown."""

    def __init__(self, config: Config) -> None:
        self.declared = Declared(config)
        self._starts = [
            OperationRecorder(rule, operation, "plain", None)
            for pairs in self.declared.operations.values()
            for rule, operation in pairs
            if operation.at_start
        ]
        self._swapped: list[weakref.ref[FunctionType]] = []
        self._wrapped: list[weakref.ref[Any]] = []
        self._undo: list[Callable[[], None]] = []

    def wants_module(self, name: str) -> bool:
        return name in MODULES or self.declared.wants_module(name)

    def recorder_class(self, settings: Settings) -> type[Recorder]:
        """That of a target with these settings: the plain one where it records no effects."""
        scope = self.declared.scope(settings)
        if not scope:
            return Recorder
        return taping(scope, tuple(start for start in self._starts if start.rule in scope))

    def instrument(self, name: str, module: ModuleType) -> None:
        """Wrap the dependencies of a module that has been executed under `name`. Never raises an Exception."""
        try:
            namespace = object.__getattribute__(module, "__dict__")
            if name in MODULES:
                undo = carry(name, module)
                if undo is not None:
                    self._undo.append(undo)
            for rule, operation in self.declared.operations.get(name, ()):
                self._wrap_operation(namespace, rule, operation)
            if self.declared.names_functions_in(name):
                self._wrap_functions(name, namespace)
        except Exception as error:
            log_once(f"could not wrap the dependencies in module {name}", describe(error))

    def _wrap_functions(self, name: str, namespace: dict[str, Any]) -> None:
        found = Discovery(name, namespace).functions()
        known: set[str] = set()
        for function in found:
            for qualname in dict.fromkeys((function.qualname, *function.names)):
                known.add(qualname)
                rule = self.declared.rule_for(Target(name, qualname))
                if rule is not None and (function.own or qualname in self.declared.exact_names(name)):
                    self._wrap(Target(name, function.qualname), function, rule)
                    break
        for qualname in self.declared.exact_names(name):
            if qualname not in known:
                from ...core.near_names import near_matches

                near = ", ".join(near_matches(qualname, sorted(known)))
                hint = f"; the nearest names are {near}" if near else ""
                _warn(f"{name}:{qualname}", f"the module has no Python function of this name{hint}")

    def _wrap(self, target: Target, found: Found, rule: DependencyRule) -> None:
        giver = signature_giver(found.function)
        flavor = flavor_of(found.function)
        if rule.result == "proxy" and type(found.function) is FunctionType and flavor == PLAIN:
            from .proxies import ProxyingRecorder, record_with_proxies

            recorder = ProxyingRecorder(str(target), rule, giver, flavor, found.kind in BOUND_KINDS)
            self._undo.append(record_with_proxies(found.function, recorder))
            return
        self._replace(found, EffectRecorder(str(target), rule, giver, flavor, found.kind in BOUND_KINDS))

    def _replace(self, found: Found, recorder: EffectRecorder) -> None:
        function = found.function
        if type(function) is FunctionType and not looks_at_its_caller(function):
            if inplace.is_gated(function):
                return
            inplace.swap_gated(function, recorder)
            self._swapped.append(weakref.ref(function))
        elif found.places and all(place.is_writable for place in found.places):
            wrapper = wrap(function, recorder, found.places)  # type: ignore[arg-type]  # it has the same interface
            for place in found.places:
                place.write(wrapper)
            self._wrapped.append(weakref.ref(wrapper))
        else:
            _warn(recorder.dependency, f"it cannot be wrapped (its type is {type(function).__qualname__})")

    def _wrap_operation(self, namespace: dict[str, Any], rule: DependencyRule, operation: Operation) -> None:
        if operation.at_start:
            return
        if operation.install is not None:
            undo = operation.install(namespace, lambda one, function: _recorded(rule, one, function))
            if undo is not None:
                self._undo.append(undo)
            return
        for found in Discovery(operation.module, namespace).functions():
            if operation.qualname in (found.qualname, *found.names):
                flavor = flavor_of(found.function)
                self._replace(found, operation_recorder(rule, operation, flavor, found.function))
                return

    def restore(self) -> None:
        """Restore every function and every place."""
        restore_each(self._wrapped, restore_places)
        restore_each(self._swapped, inplace.restore_gated)
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()


def _recorded(rule: DependencyRule, operation: Operation, function: Any) -> Any:
    """A callable that records the calls of one that is no Python function."""
    recorder = operation_recorder(rule, operation, "plain", function)

    def call(*args: Any, **kwargs: Any) -> Any:
        pending = recorder.begin(args, kwargs) if open_ and recorder.admit() else None
        if pending is None:
            return function(*args, **kwargs)
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            drop_frame(error)
            recorder.raised(pending, error)
            raise
        recorder.returned(pending, value)
        return value

    return hidden(call)


def _warn(dependency: str, reason: str) -> None:
    log_once(f"dependency {dependency}", reason, "run 'snapagent check' for details")
