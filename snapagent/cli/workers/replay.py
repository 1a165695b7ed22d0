"""A child process of `snapagent replay`: loads bundles and calls today's code with them, one after another.

Reads lines of JSON from stdin: the rules first, then the tasks. Answers each task with a line of JSON. A call that
kills the process fails only its own bundle, because the parent starts another process.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from importlib import import_module
from time import perf_counter
from typing import Any

import snapagent
from snapagent.compare import make_options
from snapagent.compare.outcomes import CHANGED, NOT_COMPARABLE, Verdict
from snapagent.errors import NotAcceptedError, NotComparableError, NotReplayableError, SnapagentError

from .children import as_answer, serve


def replay(task: Mapping[str, str], rules: Mapping[str, Any]) -> dict[str, Any]:
    """Call one bundle's target with its arguments, and compare. An exception of the call is part of the result."""
    began = perf_counter()
    find = partial(snapagent.load_capture, task["target"], hash=task["name"], base_path=task["base_path"])
    try:
        bundle = find()
        bundle.prepare(rules["setup"])
        facsimiles, problem = _facsimiles(rules["facsimiles"])  # its module may need the application set up
        if problem:
            return as_answer(problem, began)
        fitting = _fitting(task, facsimiles)
        if fitting:
            bundle = find(facsimiles=fitting)
        if task.get("accepts"):
            return _accepted(bundle, rules, began)
        redacted = {note.path: f"redacted ({note.reason})" for note in bundle.header.notes if note.kind == "redacted"}
        options = make_options(**rules["compare"], excused=redacted)
        verdict = bundle.verdict(options=options, allow_io=rules["allow_io"], twice=rules.get("twice", False))
    except NotReplayableError as error:
        return as_answer(f"{error.reason}; {error.remedy}", began)
    except SnapagentError as error:
        return as_answer(str(error), began)
    except Exception as error:  # a failing import, an argument that cannot be unpickled
        return as_answer(f"{type(error).__name__}: {error}", began)
    return _told(verdict, began)


def _accepted(bundle: snapagent.Bundle, rules: Mapping[str, Any], began: float) -> dict[str, Any]:
    """Put today's outcome in place of the stored one, or say why it cannot be."""
    try:
        verdict = bundle.accept(**rules["compare"], by="snapagent replay --accept", allow_io=rules["allow_io"])
    except NotComparableError as error:
        return {**as_answer(str(error), began, NOT_COMPARABLE), "refused": "it is not comparable"}
    except NotAcceptedError as error:
        return {**as_answer("", began, CHANGED), "refused": f"{error.reason}; {error.remedy}"}
    return {**_told(verdict, began), "accepted": not verdict}


def _told(verdict: Verdict, began: float) -> dict[str, Any]:
    """A verdict as an answer."""
    return {
        **as_answer(verdict.reason, began, verdict.kind),
        "differences": [difference.as_dict() for difference in verdict.comparison.differences],
        "expected": verdict.expected,
        "got": verdict.got,
        "paths": list(verdict.paths),
        "noise": list(verdict.noise),
        "unused": list(verdict.unused),
        "notes": list(verdict.notes),
    }


def _fitting(task: Mapping[str, str], facsimiles: Mapping[str, object]) -> dict[str, object] | None:
    """The facsimiles for placeholders of this bundle; others would be errors."""
    paths = set(task.get("placeholders", "").split("\n"))
    return {path: value for path, value in facsimiles.items() if path in paths} or None


def _facsimiles(name: str | None) -> tuple[Mapping[str, object], str]:
    """The dictionary at `module:NAME`, or of the function there, and a problem or an empty text."""
    if name is None:
        return {}, ""
    try:
        value = _named(name)
        value = value() if callable(value) else value
    except Exception as error:
        return {}, f"--facsimiles {name}: {type(error).__name__}: {error}"
    if not isinstance(value, Mapping):
        return {}, f"--facsimiles {name} is a {type(value).__name__}, not a dictionary of stand-ins by path"
    return value, ""


@cache
def _named(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


if __name__ == "__main__":
    serve(replay)
