"""The child process of `check --import`: imports the modules of targets and inspects the real objects.

The request is `{"path": [...], "targets": ["module:qualname", ...]}`, the answer
`{"module:qualname": [status, reason], ...}`.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Sequence
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

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
    function = _inside(found)
    if type(function) not in _CALLABLES:
        what = f"it is a {type(found).__module__}.{type(found).__qualname__}"
        if _holds(found, qualname.rpartition(".")[2]):
            return "wraps", ""
        return "cannot", f"{what}, and only functions written in Python can be wrapped"
    if _is_own(function, module) or type(function) is not FunctionType or "<locals>" in function.__qualname__:
        return "wraps", ""
    return "cannot", f"it is defined elsewhere; name it there: {function.__module__}:{function.__qualname__}"


_MISSING = object()
_CALLABLES = (FunctionType, functools.partial, type(functools.lru_cache(lambda: None)))


def _inside(value: Any) -> object:
    """The function that a descriptor wraps."""
    if isinstance(value, (staticmethod, classmethod)):
        return value.__func__
    if isinstance(value, property):
        return value.fget
    return value.func if isinstance(value, (functools.cached_property, functools.partialmethod)) else value


def _is_own(function: Any, module: ModuleType) -> bool:
    own = getattr(function, "__globals__", None) is vars(module)
    return own or getattr(function, "__module__", None) == module.__name__


def _holds(value: object, name: str) -> bool:
    """Whether a framework's object, such as a click command or a Celery task, holds the function of this name."""
    level: list[object] = [value]
    for _ in range(3):
        level = [inner for outer in level[:50] if type(outer) is not ModuleType for inner in gc.get_referents(outer)]
        if any(type(inner) is FunctionType and inner.__name__ == name for inner in level):
            return True
    return False


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
