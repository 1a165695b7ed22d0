"""The child process of `promote --cover`: replays bundles, and answers which branches of their target each one takes.

The request is `{"path": [...], "rules": {...}, "tasks": [...]}`: the search path, and the rules and tasks of a replay.
The answer is `{"taken": {file name: [[line, line], ...]}}` without what cannot be replayed, or `{"problem": ...}`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any

from snapagent.compare.outcomes import NOT_REPLAYABLE
from snapagent.core.functions import function_of, held_by

from .children import answer
from .replay import replay

Branch = tuple[int, int]  # from a line to a line; entering and leaving a function are negative lines


def taken_branches(task: Mapping[str, str], rules: Mapping[str, Any]) -> list[Branch] | None:
    """The branches of its target that the call of a bundle takes; None when it cannot be replayed."""
    measured = import_module("coverage").Coverage(data_file=None, branch=True, config_file=False, messages=False)
    measured.start()
    try:
        result = replay(task, rules)
    finally:
        measured.stop()
    code = _code_of(task["target"])
    if result["kind"] == NOT_REPLAYABLE or code is None:
        return None
    lines = set(_lines_of(code))
    arcs = measured.get_data().arcs(code.co_filename) or ()
    return sorted(arc for arc in arcs if abs(arc[0]) in lines and abs(arc[1]) in lines)


def _code_of(target: str) -> CodeType | None:
    """The code of a function, below its decorators."""
    module, _, qualname = target.partition(":")
    found: Any = sys.modules.get(module)
    for name in qualname.split("."):
        found = vars(found).get(name) if found is not None else None
    function: Any = inspect.unwrap(function_of(found))
    if type(function) is not FunctionType:
        function = held_by(function, qualname, module, vars(sys.modules[module]))
    return function.__code__ if function is not None else None


def _lines_of(code: CodeType) -> Iterator[int]:
    """The lines of a function and of all that is defined inside it."""
    yield code.co_firstlineno
    yield from (line for _, _, line in code.co_lines() if line is not None)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _lines_of(constant)


def _respond(request: dict[str, Any]) -> dict[str, object]:
    taken: dict[str, list[Branch]] = {}
    try:
        for task in request["tasks"]:
            branches = taken_branches(task, request["rules"])
            if branches is not None:
                taken[task["name"]] = branches
    except ModuleNotFoundError as error:
        if error.name != "coverage":
            raise
        return {"problem": "--cover needs the library coverage: pip install coverage"}
    return {"taken": taken}


if __name__ == "__main__":
    answer(_respond)
