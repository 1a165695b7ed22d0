"""Seeing a module's code run, without leaving anything of ours on the module, its spec or its loader.

A loader that belongs to one module gets an instance attribute `exec_module`, which is gone before the module's code
runs. A loader that is shared (zip files, frozen modules, classes) is replaced by a stand-in that puts the real one back
at the same moment. So the module, `importlib.resources`, `inspect` and `pkgutil` meet the real loader only.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# Frames of this file are cut from the traceback of a failing import, as those of the import system itself are, and
# `warnings` skips them when it looks for the importing module.
_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"


def observe(spec: ModuleSpec, on_load: Callable[[ModuleType], None]) -> None:
    """Have `on_load(module)` called after the module of `spec` has been executed. Never raises an Exception."""
    loader: Any = spec.loader
    if type(loader).__qualname__ == "LazyLoader" and hasattr(loader, "loader"):
        loader = loader.loader  # the one that will execute the module, at its first use
    if not hasattr(loader, "exec_module"):  # a legacy loader: the import system runs it by `load_module`
        return
    if _belongs_to(loader, spec.name):
        loader.exec_module = _shadow(loader, on_load)
    else:
        spec.loader = _StandIn(loader, on_load)  # type: ignore[assignment]


def _belongs_to(loader: object, name: str) -> bool:
    """Whether this loader instance was made for this module alone."""
    values = getattr(loader, "__dict__", None)
    return type(values) is dict and values.get("name") == name and "exec_module" not in values


def _shadow(loader: Any, on_load: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def exec_module(module: ModuleType) -> None:
        loader.__dict__.pop("exec_module", None)
        loader.exec_module(module)
        on_load(module)

    return exec_module


class _StandIn:
    """Stands for a shared loader until the module's code runs."""

    def __init__(self, loader: Any, on_load: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._on_load = on_load

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        loader = self._loader
        values = object.__getattribute__(module, "__dict__")
        if values.get("__loader__") is self:
            values["__loader__"] = loader
        spec = values.get("__spec__")
        if getattr(spec, "loader", None) is self:
            spec.loader = loader
        loader.exec_module(module)
        self._on_load(module)


def _hide(*functions: Any) -> None:
    for function in functions:
        code = function.__code__
        inner = tuple(
            const.replace(co_filename=_IMPORT_SYSTEM) if type(const) is type(code) else const
            for const in code.co_consts
        )
        function.__code__ = code.replace(co_filename=_IMPORT_SYSTEM, co_consts=inner)


_hide(_shadow, _StandIn.exec_module)
