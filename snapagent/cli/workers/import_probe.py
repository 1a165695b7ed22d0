"""The child process of `check --import`: imports the modules of targets and inspects the real objects.

The request is `{"path": [...], "targets": ["module:qualname", ...]}`, the answer
`{"module:qualname": [status, reason], ...}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import FunctionType, ModuleType

from snapagent.core.functions import CALLABLES, function_of, held_by, is_own

from .children import answer


def judge(target: str) -> tuple[str, str]:
    """Import the target's module; the status, `wraps` or `cannot`, and the reason."""
    module_name, _, qualname = target.partition(":")
    try:
        module = import_module(module_name)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # SystemExit included
        return "cannot", f"importing {module_name} raised {type(error).__name__}: {error}"
    found = _walk(module, qualname.split("."))
    if found is _MISSING:
        return "cannot", f"{module_name} was imported and has no {qualname!r}"
    function = function_of(found)
    if type(function) not in CALLABLES:
        what = f"it is a {type(found).__module__}.{type(found).__qualname__}"
        if "." not in qualname and held_by(found, qualname, module_name, vars(module)) is not None:
            return "wraps", ""
        return "cannot", f"{what}, and only functions written in Python can be wrapped"
    own = is_own(function, module_name, vars(module))
    if own or type(function) is not FunctionType or "<locals>" in function.__qualname__:
        return "wraps", ""
    return "cannot", f"it is defined elsewhere; name it there: {function.__module__}:{function.__qualname__}"


_MISSING = object()


def _walk(module: ModuleType, names: Sequence[str]) -> object:
    """Follow names through the dicts of the module and its classes: no descriptor and no `__getattr__` runs."""
    value: object = module
    for name in names:
        if not isinstance(value, (ModuleType, type)) or name not in vars(value):
            return _MISSING
        value = vars(value)[name]
    return value


if __name__ == "__main__":
    answer(lambda request: {target: judge(target) for target in request["targets"]})
