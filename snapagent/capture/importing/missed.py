"""Finds the targets that the import hook missed, when capture is switched off or the process ends."""

from __future__ import annotations

import sys

from ...config.targets import Target, why_never_target
from . import main_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...config.reading import Config
    from ...config.targets import TargetSet

_AS_MAIN = (
    "its module ran as the main program, whose functions exist before they can be wrapped; import it from a small "
    "start script, or use @capture()"
)
_REWRITTEN = (
    "pytest loaded its module itself, to rewrite its assertions; keep such functions in a module that pytest does not "
    "rewrite, or use @capture()"
)
_PAST_THE_HOOK = (
    "its module was loaded without the import system, by its path or by another loader; use @capture() there"
)


def missed_targets(config: Config, seen: set[str]) -> Iterator[tuple[Target, str]]:
    """(target, reason and remedy) of each target named exactly whose module is loaded but was not instrumented."""
    names = main_names()
    for rule in config.rules:
        if not rule.pattern.is_exact or rule.pattern.is_dotted:
            continue
        target = Target.parse(rule.pattern.text)
        if target.module in seen:
            continue
        never = why_never_target(target.module)
        if never is not None:
            yield target, never
        elif target.module in names:
            yield target, _AS_MAIN
        elif target.module in sys.modules:
            loader = type(getattr(sys.modules[target.module], "__loader__", None)).__name__
            yield target, _REWRITTEN if loader == "AssertionRewritingHook" else _PAST_THE_HOOK


def unfound_dotted(config: Config, targets: TargetSet, found: set[str], seen: set[str]) -> Iterator[Target]:
    """For each dotted target that matched no function, the reading whose module was instrumented.

    Left out are names of which a part may be a submodule that was not imported in this process.
    """
    for rule in config.rules:
        if not rule.pattern.is_exact or not rule.pattern.is_dotted:
            continue
        readings = Target.candidates(rule.pattern.text)
        if any(str(reading) in found or targets.rule_for(reading) is None for reading in readings):
            continue
        reading = next((one for one in readings if one.module in seen and one.module in sys.modules), None)
        if reading is not None and not _may_be_submodule(reading):
            yield reading


def _may_be_submodule(target: Target) -> bool:
    head, dot, _ = target.qualname.partition(".")
    namespace = object.__getattribute__(sys.modules[target.module], "__dict__")
    return bool(dot) and "__path__" in namespace and head not in namespace
