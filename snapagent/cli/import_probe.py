"""The child process of `check --import`: imports the modules of the targets and looks at what is really there.

Reads a request from stdin, `{"path": [...], "targets": ["module:qualname", ...]}`, and writes
`{"module:qualname": [status, reason], ...}` to the descriptor that stdout was. What the application prints while it is
imported goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FunctionType, ModuleType


def judge(target: str) -> tuple[str, str]:
    """Import the target's module and say `wraps` or `cannot`, and why not."""
    module_name, _, qualname = target.partition(":")
    try:
        module = import_module(module_name)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # the application's own SystemExit included
        return "cannot", f"importing {module_name} raised {type(error).__name__}: {error}"
    found = _walk(module, qualname.split("."))
    if found is None:
        return "cannot", f"{module_name} was imported and has no {qualname!r}"
    value = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
    if isinstance(value, FunctionType):
        return "wraps", ""
    inner = getattr(value, "__wrapped__", None) if not isinstance(value, type) else None
    what = f"it is a {type(value).__module__}.{type(value).__qualname__}"
    if isinstance(inner, FunctionType):
        return "cannot", f"{what} around a function; capture a function that it calls"
    return "cannot", f"{what}, and only functions written in Python can be wrapped"


def _walk(module: ModuleType, names: Sequence[str]) -> object:
    """Follow names through the dicts of the module and its classes: no descriptor and no `__getattr__` runs."""
    value: object = module
    for name in names:
        if not isinstance(value, (ModuleType, type)) or name not in vars(value):
            return None
        value = vars(value)[name]
    return value


def _answer() -> None:
    request = json.load(sys.stdin)
    sys.path[:] = request["path"]
    real_stdout = os.dup(1)
    os.dup2(2, 1)
    verdicts = {target: judge(target) for target in request["targets"]}
    with open(real_stdout, "w", encoding="ascii") as reply:
        json.dump(verdicts, reply)
    os._exit(0)  # threads and exit handlers of the application are not waited for


if __name__ == "__main__":
    _answer()
