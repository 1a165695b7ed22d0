"""The child process of `promote --cover`: replays bundles of one function under coverage.py, and tells their branches.

The request is `{"path": [...], "target": ..., "names": [...], "base_path": ...}`, the answer `{"branches": {name:
[[line, line], ...]}, "problems": {name: reason}}`. A branch is a step from one line of the function to another one;
negative numbers are its entry and its exit, as coverage.py numbers them.
"""

from __future__ import annotations

import ast
import sys
from typing import Any

import snapagent
from snapagent.compare.outcomes import NOT_REPLAYABLE
from snapagent.errors import SnapagentError

from .children import answer

Branches = list[tuple[int, int]]


def _respond(request: dict[str, Any]) -> dict[str, object]:
    branches: dict[str, Branches] = {}
    problems: dict[str, str] = {}
    for name in request["names"]:
        try:
            branches[name] = _branches_of(request["target"], name, request["base_path"])
        except SnapagentError as error:
            problems[name] = str(error)
        except BaseException as error:  # SystemExit of the program while it is imported, for instance
            problems[name] = f"{type(error).__name__}: {error}"
    return {"branches": branches, "problems": problems}


def _branches_of(target: str, name: str, base_path: str) -> Branches:
    """The branches of the target that the replay of a bundle takes. Raises SnapagentError where it cannot be told."""
    import coverage

    bundle = snapagent.load_capture(target, hash=name, base_path=base_path)
    bundle.prepare()
    module, _, qualname = target.partition(":")
    file = getattr(sys.modules.get(module), "__file__", None)
    if not isinstance(file, str):
        raise SnapagentError(f"{module} has no source file whose branches could be measured")
    measured = coverage.Coverage(data_file=None, branch=True, config_file=False, include=[file])
    measured.start()
    try:
        verdict = bundle.verdict(allow_io=False)
    finally:
        measured.stop()
    if verdict.kind == NOT_REPLAYABLE:
        raise SnapagentError(verdict.reason)
    first, last = _lines_of(file, qualname)
    arcs = measured.get_data().arcs(file) or []
    return sorted(arc for arc in arcs if all(first <= abs(line) <= last for line in arc))


def _lines_of(file: str, qualname: str) -> tuple[int, int]:
    """The first and the last line of a function; those of the whole file where its source does not name it."""
    with open(file, "rb") as source:
        tree = ast.parse(source.read())
    found: ast.AST = tree
    for name in qualname.split("."):
        below = getattr(found, "body", [])
        named = [node for node in below if isinstance(node, _DEFINITIONS) and node.name == name]
        if not named:
            return 1, sys.maxsize
        found = named[-1]
    assert isinstance(found, _DEFINITIONS)
    decorators = [node.lineno for node in found.decorator_list]
    return min([found.lineno, *decorators]), found.end_lineno or sys.maxsize


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


if __name__ == "__main__":
    answer(_respond)
