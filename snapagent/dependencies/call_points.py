"""The callables by which a call is seen to reach a preset's library, while `init --watch` looks on.

Functions written in Python are those that the presets record. Those written in C are told by their own objects and by
the types of the objects that they are methods of.
"""

from __future__ import annotations

from types import BuiltinFunctionType, MethodDescriptorType, ModuleType

from ..config.dependencies import BUILT_IN
from ..core.type_facts import is_class, module_name
from .presets import load_preset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CLOCK = {
    "time": frozenset({"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"}),
    "datetime": frozenset({"now", "utcnow", "today"}),
}
_RANDOM = frozenset({"random", "_random"})
_DATABASE = frozenset({"sqlite3", "_sqlite3"})


class CallPoints:
    """Says by which preset a callable is recorded. Importing no library, it knows modules and names alone."""

    def __init__(self) -> None:
        self._python: dict[str, dict[str, str]] = {}
        for word in BUILT_IN:
            for operation in load_preset(word):
                self._python.setdefault(operation.module, {})[operation.qualname] = word

    def of_function(self, module: str, qualname: str) -> str | None:
        """The preset of a function written in Python, by the module that it is defined in."""
        if module == "random":
            return "random" if qualname.startswith("Random.") else None
        names = self._python.get(module)
        return None if names is None else names.get(qualname)

    def of_builtin(self, function: Any) -> str | None:
        """The preset of a callable written in C. Reads types only: no code of the program runs."""
        kind = type(function)
        if kind is BuiltinFunctionType:
            owner = function.__self__
            if type(owner) is ModuleType:
                return _of_module(owner.__name__, function.__name__)
            module = module_name(owner if is_class(owner) else type(owner))
            return _of_method(module, function.__name__)
        if kind is MethodDescriptorType:
            return _of_method(module_name(function.__objclass__), function.__name__)
        return None


def _of_module(module: str, name: str) -> str | None:
    if module in _DATABASE:
        return "sqlite3" if name == "connect" else None
    return "clock" if name in _CLOCK.get(module, ()) else None


def _of_method(module: Any, name: str) -> str | None:
    if module in _DATABASE:
        return "sqlite3"
    if module in _RANDOM:
        return "random"
    return "clock" if module == "datetime" and name in _CLOCK["datetime"] else None
