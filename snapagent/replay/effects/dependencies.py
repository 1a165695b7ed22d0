"""The dependencies of a bundle as they are in this process, and their replacement for the length of a replay.

Python functions get other code, which reaches names that were imported early; anything else is replaced where it is
defined.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from types import CodeType, FunctionType
from typing import Any

from ...config.dependencies import DependencyRule
from ...config.reading import Config
from ...config.targets import Target
from ...core.functions import flavor_of, function_of
from ...core.records import Record
from ...core.signature import Parameters, defaults_of
from ...dependencies.presets import Operation, load_preset, load_replacements
from ...dependencies.swapping import restore, swap, swapped
from ...dependencies.tape import ATTRIBUTE, WRITE, StoredEffect
from ...errors import NotReplayableError
from ..functions import find_raw, import_module, unwrap

RECORDINGS = "__snapagent_recordings__"  # attribute of the wrappers of `side_effects`
_MOCKS = ("unittest.mock", "mock")
_IMMUTABLE_TYPE, _HEAP_TYPE = 1 << 8, 1 << 9  # Py_TPFLAGS_...: attributes of an immutable type cannot be set
Answer = Callable[["Dependency", Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class Dependency(Record):
    """A callable whose calls are served. `parameters` and `defaults` are without the bound instance."""

    name: str  # module:qualname, as in the tape
    preset: str
    operation: Operation | None
    function: Any  # below our own wrapper
    has_instance: bool
    parameters: Parameters
    defaults: Mapping[str, Any]
    flavor: str
    role: str
    repeat: str
    exclude: tuple[str, ...] = ()

    @property
    def code(self) -> CodeType | None:
        return getattr(with_own_code(self.function), "__code__", None)


class Dependencies(Record):
    """Those that are served, and the names of those that a test has replaced itself: nothing is required of them."""

    served: tuple[Dependency, ...]
    replaced: frozenset[str]


def find_dependencies(
    target: str, effects: Iterable[StoredEffect], rules: Iterable[DependencyRule], live: Iterable[str]
) -> Dependencies:
    """What the tape and the config name, except presets in `live`.

    Raises NotReplayableError for a dependency of the tape that does not exist here; the message has the nearest name.
    """
    rules, live = tuple(rules), frozenset(live)
    wanted: dict[str, tuple[str, StoredEffect | None]] = {}
    effects = tuple(effects)
    for each in effects:
        wanted.setdefault(each.dependency, (each.preset, each))
    for word in dict.fromkeys(each.preset for each in effects if each.preset):
        for operation in load_preset(word):
            wanted.setdefault(operation.dependency, (word, None))
    for rule in rules:
        for name, preset in _named_by(rule):
            wanted.setdefault(name, (preset, None))
    found: list[Dependency] = []
    replaced: set[str] = set()
    for name, (preset, effect) in wanted.items():
        if preset and preset in live:
            continue
        if preset and effect is None and name.partition(":")[0] not in sys.modules:  # the guard watches those
            continue
        try:
            raw = find_raw(name)
        except NotReplayableError as error:
            if effect is None:  # declared, but not there: it cannot be called either
                continue
            raise _gone(target, name, preset, error) from error
        if is_replaced_by_test(raw):
            replaced.add(name)
            continue
        found.append(_dependency(name, preset, raw, effect, _rule_for(name, preset, rules)))
    return Dependencies(tuple(found), frozenset(replaced))


def rules_for(config: Config, target: str) -> tuple[DependencyRule, ...]:
    """The entries of the config that concern a target."""
    added = config.settings_for(target).dependencies
    return () if added is None else (*config.dependencies, *added)


def _named_by(rule: DependencyRule) -> Iterator[tuple[str, str]]:
    """The callables of an entry that are known without a search: those of presets, and exact names."""
    if rule.preset:
        try:
            for operation in load_preset(rule.preset):
                yield operation.dependency, rule.preset
        except (LookupError, ImportError):
            return
    elif rule.pattern is not None and "*" not in rule.text and ":" in rule.text:
        yield rule.text, ""


def _rule_for(name: str, preset: str, rules: Iterable[DependencyRule]) -> DependencyRule | None:
    if preset:
        return next((rule for rule in rules if rule.preset == preset), None)
    target = Target.parse(name)
    fitting = [rule for rule in rules if rule.pattern is not None and rule.pattern.matches(target)]
    return next((rule for rule in fitting if rule.text == name), fitting[-1] if fitting else None)


def _gone(target: str, name: str, preset: str, error: NotReplayableError) -> NotReplayableError:
    remedy = "capture the call again, or declare its successor"
    if preset:
        remedy = f"install the library of the preset {preset!r}"
    near = ""
    if "near:" not in error.reason:
        module = name.partition(":")[0]
        try:
            known = dir(import_module(module, name))
        except NotReplayableError:
            known = []
        close = get_close_matches(name.rpartition(":")[2].partition(".")[0], known, n=1)
        near = f" (near: {close[0]})" if close else ""
    return NotReplayableError(target, f"its dependency {name} is gone: {error.reason}{near}", remedy)


def is_replaced_by_test(raw: object) -> bool:
    """Whether a mock, a function of a test module, or a wrapper of `side_effects` stands where the dependency was."""
    function = function_of(raw)
    attributes = getattr(function, "__dict__", {})
    if any(type(value).__module__ in _MOCKS for value in (raw, attributes.get("mock"))):  # the latter with autospec
        return True
    module = str(getattr(function, "__module__", "")).rpartition(".")[2]
    return RECORDINGS in attributes or module.startswith(("test_", "conftest")) or module.endswith("_test")


def _dependency(
    name: str, preset: str, raw: object, effect: StoredEffect | None, rule: DependencyRule | None
) -> Dependency:
    function = unwrap(raw)
    plain = with_own_code(function)
    is_method = not preset and "." in name.partition(":")[2] and not isinstance(raw, staticmethod)
    operation = None
    if preset:
        operation = next((one for one in load_preset(preset) if one.dependency == name), None)
    parameters, defaults = Parameters(()), {}
    if operation is None and hasattr(plain, "__code__"):
        parameters, defaults = Parameters.of(plain), defaults_of(plain)
        if is_method:
            parameters = Parameters(parameters.items[1:])
    elif effect is not None:
        parameters = Parameters(effect.parameters)
    return Dependency(
        name=name,
        preset=preset,
        operation=operation,
        function=function,
        has_instance=is_method,
        parameters=parameters,
        defaults={key: value for key, value in defaults.items() if key in dict(parameters.items)},
        flavor=flavor_of(plain) if isinstance(plain, FunctionType) or effect is None else effect.flavor,
        role=effect.role if effect is not None else (rule.role if rule is not None and rule.role else WRITE),
        repeat=effect.repeat if effect is not None else (rule.repeat if rule is not None else "steady"),
        exclude=effect.exclude if effect is not None else (rule.exclude if rule is not None else ()),
    )


def with_own_code(function: Any) -> Any:
    """The function, or the twin that runs its own code while a replay in another thread, or around this one, has it."""
    while (parts := swapped(function)) is not None:
        function = parts.twin
    return function


@contextmanager
def replaced(dependencies: Iterable[Dependency], answer: Answer) -> Iterator[None]:
    """Let `answer` reply to every call of these, until the end of the block."""
    dependencies = tuple(dependencies)
    undo: list[Callable[[], None]] = []
    try:
        for dependency in dependencies:
            if dependency.operation is not None and dependency.operation.install is not None:
                undo.append(_install(dependency, answer))
            elif dependency.flavor != ATTRIBUTE and (dependency.operation is None or not dependency.operation.at_start):
                undo.append(_replace(dependency, answer))
        for word in dict.fromkeys(dependency.preset for dependency in dependencies if dependency.preset):
            undo += [_put(each.module, each.qualname, each.function) for each in load_replacements(word)]
        yield
    finally:
        for step in reversed(undo):
            step()


def _install(dependency: Dependency, answer: Answer) -> Callable[[], None]:
    """Let the preset put its own wrappers in place, which are served."""

    def wrap(operation: Operation, function: Callable[..., Any]) -> Callable[..., Any]:
        own = dependency.replace(name=operation.dependency, operation=operation, function=function,
                                 flavor=flavor_of(function), repeat=operation.repeat)  # fmt: skip

        def served(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            return answer(own, function, args, kwargs)

        return served

    operation = dependency.operation
    assert operation is not None and operation.install is not None
    return operation.install(vars(import_module(operation.module, dependency.name)), wrap) or _nothing


def _nothing() -> None:
    """There is nothing to undo."""


def _replace(dependency: Dependency, answer: Answer) -> Callable[[], None]:
    function = dependency.function
    if isinstance(function, FunctionType):

        def served(twin: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            __tracebackhide__ = True
            return answer(dependency, twin, args, kwargs)

        swap(function, served)
        return lambda: restore(function)

    def replacement(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return answer(dependency, function, args, kwargs)

    module, _, qualname = dependency.name.partition(":")
    return _put(module, qualname, replacement)


def _put(module: str, qualname: str, replacement: Callable[..., Any]) -> Callable[[], None]:
    """Have `replacement` called in the place of a function of a library; it gets the bound instance first."""
    if module not in sys.modules:
        return _nothing
    above, _, last = qualname.rpartition(".")
    owner: Any = find_raw(f"{module}:{above}") if above else sys.modules[module]
    raw = vars(owner).get(last)
    if raw is None:  # inherited: replaced where it is defined
        return _nothing
    function = raw.__func__ if isinstance(raw, classmethod | staticmethod) else raw
    if isinstance(function, FunctionType):  # `psycopg.connect` is a bound method that was taken early
        swap(function, lambda twin, args, kwargs: replacement(*args, **kwargs))
        return lambda: restore(function)
    if isinstance(owner, type) and owner.__flags__ & (_HEAP_TYPE | _IMMUTABLE_TYPE) != _HEAP_TYPE:
        return _nothing  # a method of a C type: its objects are stand-ins, which answer by themselves
    setattr(owner, last, staticmethod(replacement) if isinstance(raw, staticmethod) else replacement)
    return lambda: setattr(owner, last, raw)
