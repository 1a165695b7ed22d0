"""Resolve the targets of a configuration to functions, and find out whether these can be wrapped.

Uses only the source. `workers/import_probe` asks the imported modules in a child process.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterator
from itertools import takewhile

from ...config.dependencies import DependencyRule
from ...config.reading import Config
from ...config.targets import Target, TargetPattern, why_never_target
from ...core.near_names import near_matches
from ...core.records import Record
from ...errors import ConfigError
from ..terminal.wording import shown_path
from .modules import BUILTIN, EXTENSION, NAMESPACE, UNREADABLE, Definition, ModuleSource, SourceFinder

WRAPS, CANNOT, UNSURE, NOTHING = "wraps", "cannot", "unsure", "nothing"
_INSTEAD = "only functions written in Python can be wrapped; make the one that calls it a target"
MAX_MODULES = 5000  # searched for one glob


class Finding(Record):
    """A function that a target matches. `status` is wraps, cannot or unsure; `place` is file:line."""

    target: str
    status: str
    kind: str
    reason: str = ""
    place: str = ""


class Resolution(Record):
    """The result for one entry of `targets` or `dependencies`. `status` is that of its best finding, or nothing."""

    target: str
    line: int
    status: str
    reason: str
    functions: tuple[Finding, ...] = ()
    nearest: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        return self.status in (WRAPS, UNSURE)


def resolve(config: Config, finder: SourceFinder) -> Iterator[Resolution]:
    """A resolution for each target of the configuration, in the order of the file."""
    targets = config.target_set()
    for rule in config.rules:
        found = list(_exact(rule.pattern, finder) if rule.pattern.is_exact else _by_glob(rule.pattern, finder))
        kept = [one for one in found if targets.rule_for(Target.parse(one.target)) is not None]
        yield _resolution(rule.pattern, rule.line, found, kept, finder)


def resolve_dependencies(config: Config, finder: SourceFinder) -> Iterator[Resolution]:
    """A resolution for each dependency of the configuration; a preset that loads is fine."""
    for rule in config.all_dependencies:
        if rule.pattern is None:
            yield _preset(rule)
            continue
        found = list(_exact(rule.pattern, finder) if rule.pattern.is_exact else _by_glob(rule.pattern, finder))
        yield _for_dependency(_resolution(rule.pattern, rule.line, found, found, finder))


def _preset(rule: DependencyRule) -> Resolution:
    from ...dependencies.presets import load_preset

    try:
        load_preset(rule.preset)
    except Exception as error:  # that of another package, whose code may raise anything
        reason = f"the preset cannot be loaded ({type(error).__name__}: {error})"
        return Resolution(rule.text, rule.line, CANNOT, reason)
    return Resolution(rule.text, rule.line, WRAPS, "", (Finding(rule.text, WRAPS, "preset"),))


def _for_dependency(found: Resolution) -> Resolution:
    """With the advice that fits a dependency: whatever calls the C code can be declared in its place."""
    if found.status != CANNOT or "name " in found.reason:
        return found
    reason = found.reason.removesuffix(f"; {_INSTEAD}")
    return found.replace(reason=f"{reason}; declare the Python function that calls it")


def _resolution(
    pattern: TargetPattern, line: int, found: list[Finding], kept: list[Finding], finder: SourceFinder
) -> Resolution:
    text = str(pattern)
    if found and not kept:
        return Resolution(text, line, NOTHING, "exclude_targets excludes everything that it matches", tuple(found))
    if not kept:
        reason, nearest = _why_nothing(pattern, finder)
        return Resolution(text, line, NOTHING, reason, (), nearest)
    best = next(status for status in (WRAPS, UNSURE, CANNOT) if any(one.status == status for one in kept))
    reason = "" if best == WRAPS else next(one.reason for one in kept if one.status == best)
    return Resolution(text, line, best, reason, tuple(kept))


def _exact(pattern: TargetPattern, finder: SourceFinder) -> Iterator[Finding]:
    """The finding for a name without wildcards; for the dotted form, the first split that exists."""
    for module, name in pattern.splits:
        finding = find(Target(".".join(module), ".".join(name)), finder)
        if finding is not None:
            yield finding
            return


def find(target: Target, finder: SourceFinder) -> Finding | None:
    """The finding for one function, from its source; None when it does not exist."""
    if target.module == "__main__":
        return _cannot(target, "the main script is not imported; move the function to a module, or use @capture()")
    never = why_never_target(target.module)
    if never is not None:
        return _cannot(target, never)
    source = finder.module(target.module)
    if source is None or source.origin == NAMESPACE:
        return None
    unusable = _without_source(source)
    if unusable:
        return _cannot(target, unusable)
    definition = source.definitions.get(target.qualname)
    if definition is not None and definition.kind != "imported":
        return _judge(target, source, definition)
    return _found_elsewhere(target, finder, definition) or _made_at_run_time(target, source, definition, finder)


def _without_source(source: ModuleSource) -> str:
    """Why nothing of a module can be wrapped, or "" when its source can be read."""
    if source.origin == BUILTIN:
        return f"its module is built into the interpreter; {_INSTEAD}"
    if source.origin == EXTENSION:
        return f"its module is compiled ({source.path}); {_INSTEAD}"
    return f"{source.path} cannot be read: {source.problem}" if source.origin == UNREADABLE else ""


def _judge(target: Target, source: ModuleSource, definition: Definition) -> Finding:
    place = f"{shown_path(source.path)}:{definition.line}" if source.path else ""
    status, reason = WRAPS, ""
    if definition.kind == "class":
        status, reason = CANNOT, f"it is a class; name its methods: {target}.*"
    elif definition.kind == "assigned":
        status, reason = UNSURE, "it is assigned, not defined; --import finds out whether it is a function"
    return Finding(str(target), status, definition.kind, reason, place)


def _found_elsewhere(target: Target, finder: SourceFinder, definition: Definition | None) -> Finding | None:
    behind = finder.definition(target.module, target.qualname)
    if behind is None:
        return None
    home = f"{behind[0].name}:{behind[1].qualname}"
    how = "imported" if definition is not None else "inherited or imported"
    return _cannot(target, f"it is {how} from elsewhere; name it where it is defined: {home}", behind[1].kind)


def _made_at_run_time(
    target: Target, source: ModuleSource, definition: Definition | None, finder: SourceFinder
) -> Finding | None:
    if definition is not None:  # an import of something without readable source
        origin = definition.origin.rstrip(":").replace(":", ".")
        return _cannot(target, f"it is imported from {origin}, which was not found or is not written in Python")
    holder = target.qualname.rpartition(".")[0]
    if "__getattr__" in source.definitions or source.stars or (holder and _may_inherit(source, holder, finder)):
        return Finding(str(target), UNSURE, "unknown", "the source does not show it; --import finds out")
    return None


def _may_inherit(source: ModuleSource, qualname: str, finder: SourceFinder, depth: int = 0) -> bool:
    """Whether a class has a base, however far up, whose members the source does not show.

    Built-in bases do not count: their members are written in C.
    """
    cls = source.definitions.get(qualname)
    if cls is None or cls.kind != "class":
        return False
    for base in cls.bases:
        if base in ("ABC", "Protocol", "abc.ABC") or isinstance(getattr(builtins, base, None), type):
            continue
        behind = finder.definition(source.name, base)
        if behind is None or behind[1].kind != "class" or depth > 20:
            return True
        if _may_inherit(behind[0], behind[1].qualname, finder, depth + 1):
            return True
    return False


def _cannot(target: Target, reason: str, kind: str = "unknown") -> Finding:
    return Finding(str(target), CANNOT, kind, reason)


def _by_glob(pattern: TargetPattern, finder: SourceFinder) -> Iterator[Finding]:
    """Every function that a glob matches among the modules that can be found."""
    for module in dict.fromkeys(_candidate_modules(pattern, finder)):
        source = finder.module(module)
        for qualname, definition in source.definitions.items() if source is not None else ():
            target = Target(module, qualname)
            if source is not None and definition.is_function and pattern.matches(target):
                yield _judge(target, source, definition)


def _candidate_modules(pattern: TargetPattern, finder: SourceFinder) -> Iterator[str]:
    left = MAX_MODULES
    for segments, _ in pattern.splits:
        prefix = list(takewhile(lambda segment: "*" not in segment, segments))
        depth = 100 if "**" in segments else len(segments)
        starts = [".".join(prefix)] if prefix else finder.top_level(os.getcwd())
        for start in starts:
            for module in _walk(finder, start, depth):
                if left <= 0:
                    return
                left -= 1
                if pattern.could_match_module(module):
                    yield module


def _walk(finder: SourceFinder, module: str, depth: int) -> Iterator[str]:
    if finder.module(module) is None:
        return
    yield module
    if module.count(".") + 1 < depth:
        for submodule in finder.submodules(module):
            yield from _walk(finder, submodule, depth)


def nearest_in_source(name: str, finder: SourceFinder) -> tuple[str, ...]:
    """Names in the source that are like a name that does not exist."""
    try:
        return _why_nothing(TargetPattern.parse(name), finder)[1]
    except ConfigError:
        return ()


def _why_nothing(pattern: TargetPattern, finder: SourceFinder) -> tuple[str, tuple[str, ...]]:
    """The reason why a target matches nothing, and the nearest names."""
    module, name = (".".join(part) for part in pattern.splits[0])
    if not pattern.is_exact:
        return _why_glob_matches_nothing(pattern, finder), _known_near(pattern, finder)
    for segments, name_segments in pattern.splits:
        source = finder.module(".".join(segments))
        if source is not None and source.origin != NAMESPACE:
            module, name = source.name, ".".join(name_segments)
            known = [found.qualname for found in source.definitions.values() if found.is_function]
            return f"{module} has no {name!r}", tuple(f"{module}:{near}" for near in near_matches(name, known))
    missing, known_modules = _first_missing(module, finder)
    return f"there is no module {missing!r} on the search path", near_matches(missing, known_modules)


def _why_glob_matches_nothing(pattern: TargetPattern, finder: SourceFinder) -> str:
    for segments, _ in pattern.splits:
        prefix = ".".join(takewhile(lambda segment: "*" not in segment, segments))
        source = finder.module(prefix) if prefix else None
        if source is not None and _without_source(source):
            return f"no function matches it: {_without_source(source)}"
    return "no function matches it"


def _first_missing(module: str, finder: SourceFinder) -> tuple[str, list[str]]:
    """The first part of a dotted module name that does not exist, and its existing siblings."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        if finder.module(name) is None:
            parent = ".".join(parts[: end - 1])
            return name, list(finder.submodules(parent) if parent else finder.top_level(os.getcwd()))
    return module, []


def _known_near(pattern: TargetPattern, finder: SourceFinder) -> tuple[str, ...]:
    prefix = list(takewhile(lambda segment: "*" not in segment, pattern.splits[0][0]))
    if not prefix:
        return ()
    missing, beside = _first_missing(".".join(prefix), finder)
    return near_matches(missing, beside) if finder.module(missing) is None else ()
