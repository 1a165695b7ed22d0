"""What `check` finds out: which functions each target of the configuration stands for, and whether they can be wrapped.

Everything here is read off the source; `import_probe` asks the real modules, in a child process, when that is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import takewhile

from ...config.reading import Config, TargetRule
from ...config.targets import Target, TargetPattern, is_ours, near_matches
from ...core.records import Record
from ..terminal.wording import shown_path
from .modules import BUILTIN, EXTENSION, NAMESPACE, UNREADABLE, Definition, Looker, ModuleLook

WRAPS, CANNOT, UNSURE, NOTHING = "wraps", "cannot", "unsure", "nothing"
MAX_MODULES = 5000  # looked at for one glob


class Finding(Record):
    """One function that a target stands for: `status` is wraps, cannot or unsure, `place` is file:line."""

    target: str
    status: str
    kind: str
    reason: str = ""
    place: str = ""


class Verdict(Record):
    """What became of one entry of `targets`. `status` is that of its best finding, or nothing."""

    target: str
    line: int
    status: str
    reason: str
    functions: tuple[Finding, ...] = ()
    nearest: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        return self.status in (WRAPS, UNSURE)


def resolve(config: Config, looker: Looker) -> Iterator[Verdict]:
    """A verdict for each target of the configuration, in the order of the file."""
    targets = config.target_set()
    for rule in config.rules:
        found = list(_exact(rule.pattern, looker) if rule.pattern.is_exact else _by_glob(rule.pattern, looker))
        kept = [one for one in found if targets.rule_for(Target.parse(one.target)) is not None]
        yield _verdict(rule, found, kept, looker)


def _verdict(rule: TargetRule, found: list[Finding], kept: list[Finding], looker: Looker) -> Verdict:
    text = str(rule.pattern)
    if found and not kept:
        return Verdict(text, rule.line, NOTHING, "all that it matches is under exclude_targets", tuple(found))
    if not kept:
        reason, nearest = _why_nothing(rule.pattern, looker)
        return Verdict(text, rule.line, NOTHING, reason, (), nearest)
    best = next(status for status in (WRAPS, UNSURE, CANNOT) if any(one.status == status for one in kept))
    reason = "" if best == WRAPS else next(one.reason for one in kept if one.status == best)
    return Verdict(text, rule.line, best, reason, tuple(kept))


def _exact(pattern: TargetPattern, looker: Looker) -> Iterator[Finding]:
    """The finding for a name without wildcards: of the dotted form, the first split that is there."""
    for module, name in pattern.splits:
        finding = find(Target(".".join(module), ".".join(name)), looker)
        if finding is not None:
            yield finding
            return


def find(target: Target, looker: Looker) -> Finding | None:
    """What the source says of one function; None when it is not there."""
    if target.module == "__main__":
        return _cannot(
            target, "the script that is started is not imported; move the function to a module, or use @capture()"
        )
    if is_ours(target.module):
        return _cannot(target, "snapagent cannot capture itself")
    look = looker.module(target.module)
    if look is None or look.origin == NAMESPACE:
        return None
    if look.origin == BUILTIN:
        return _cannot(
            target, "its module is built into the interpreter; only functions written in Python can be wrapped"
        )
    if look.origin == EXTENSION:
        return _cannot(target, f"its module is compiled ({look.path}); only functions written in Python can be wrapped")
    if look.origin == UNREADABLE:
        return _cannot(target, f"{look.path} cannot be read: {look.problem}")
    definition = look.definitions.get(target.qualname)
    if definition is not None and definition.kind != "imported":
        return _judge(target, look, definition)
    return _found_elsewhere(target, looker, definition) or _made_at_run_time(target, look, definition)


def _judge(target: Target, look: ModuleLook, definition: Definition) -> Finding:
    place = f"{shown_path(look.path)}:{definition.line}" if look.path else ""
    status, reason = WRAPS, ""
    if definition.kind == "class":
        status, reason = CANNOT, f"it is a class; name its methods: {target}.*"
    elif definition.kind == "assigned":
        status, reason = UNSURE, "it is assigned, not defined: --import tells whether it is a function"
    return Finding(str(target), status, definition.kind, reason, place)


def _found_elsewhere(target: Target, looker: Looker, definition: Definition | None) -> Finding | None:
    behind = looker.definition(target.module, target.qualname)
    if behind is None:
        return None
    home = f"{behind[0].name}:{behind[1].qualname}"
    how = "imported" if definition is not None else "inherited or imported"
    return _cannot(target, f"it is {how} from elsewhere; name it where it is defined: {home}", behind[1].kind)


def _made_at_run_time(target: Target, look: ModuleLook, definition: Definition | None) -> Finding | None:
    if definition is not None:  # an import that leads out of what can be read
        origin = definition.origin.rstrip(":").replace(":", ".")
        return _cannot(target, f"it is imported from {origin}, which was not found or is not written in Python")
    holder = target.qualname.rpartition(".")[0]
    if "__getattr__" in look.definitions or look.stars or (holder and _has_bases_out_of_sight(look, holder)):
        return Finding(str(target), UNSURE, "unknown", "the source does not say: --import tells")
    return None


def _has_bases_out_of_sight(look: ModuleLook, qualname: str) -> bool:
    cls = look.definitions.get(qualname)
    return cls is not None and any(base not in ("object", "ABC", "Protocol", "abc.ABC") for base in cls.bases)


def _cannot(target: Target, reason: str, kind: str = "unknown") -> Finding:
    return Finding(str(target), CANNOT, kind, reason)


def _by_glob(pattern: TargetPattern, looker: Looker) -> Iterator[Finding]:
    """Every function that a glob matches among the modules that can be found."""
    for module in dict.fromkeys(_candidate_modules(pattern, looker)):
        look = looker.module(module)
        for qualname, definition in look.definitions.items() if look is not None else ():
            target = Target(module, qualname)
            if look is not None and definition.is_function and pattern.matches(target):
                yield _judge(target, look, definition)


def _candidate_modules(pattern: TargetPattern, looker: Looker) -> Iterator[str]:
    left = MAX_MODULES
    for segments, _ in pattern.splits:
        prefix = list(takewhile(lambda segment: "*" not in segment, segments))
        depth = 100 if "**" in segments else len(segments)
        starts = [".".join(prefix)] if prefix else looker.top_level(os.getcwd())
        for start in starts:
            for module in _walk(looker, start, depth):
                if left <= 0:
                    return
                left -= 1
                if pattern.could_match_module(module):
                    yield module


def _walk(looker: Looker, module: str, depth: int) -> Iterator[str]:
    if looker.module(module) is None:
        return
    yield module
    if module.count(".") + 1 < depth:
        for submodule in looker.submodules(module):
            yield from _walk(looker, submodule, depth)


def _why_nothing(pattern: TargetPattern, looker: Looker) -> tuple[str, tuple[str, ...]]:
    """Words for a target that stands for nothing, and the names that it may have meant."""
    module, name = (".".join(part) for part in pattern.splits[0])
    if not pattern.is_exact:
        return "no function matches it", _known_near(pattern, looker)
    for segments, name_segments in pattern.splits:
        look = looker.module(".".join(segments))
        if look is not None and look.origin != NAMESPACE:
            module, name = look.name, ".".join(name_segments)
            known = [found.qualname for found in look.definitions.values() if found.is_function]
            return f"{module} has no {name!r}", tuple(f"{module}:{near}" for near in near_matches(name, known))
    missing, known_modules = _first_missing(module, looker)
    return f"there is no module {missing!r} on the search path", near_matches(missing, known_modules)


def _first_missing(module: str, looker: Looker) -> tuple[str, list[str]]:
    """The first part of a dotted module name that is not there, and what is there beside it."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        if looker.module(name) is None:
            parent = ".".join(parts[: end - 1])
            return name, list(looker.submodules(parent) if parent else looker.top_level(os.getcwd()))
    return module, []


def _known_near(pattern: TargetPattern, looker: Looker) -> tuple[str, ...]:
    prefix = list(takewhile(lambda segment: "*" not in segment, pattern.splits[0][0]))
    if not prefix:
        return ()
    missing, beside = _first_missing(".".join(prefix), looker)
    return near_matches(missing, beside) if looker.module(missing) is None else ()
