"""Calls back after a module's code has run, and leaves no trace on the module, its spec or its loader.

A loader that was made for one module gets another class until it runs: a subclass with its own `exec_module`, which
reports the original class as `__class__`. Before the module's code runs, the loader has its original class again. A
loader that modules share (zip files, frozen modules, classes) is replaced by a proxy, which puts the real one back at
the same moment. So the module, `importlib.resources`, `inspect` and `pkgutil` meet the real loader only.
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
    holder: Any = spec
    if type(spec.loader).__qualname__ == "LazyLoader" and hasattr(spec.loader, "loader"):
        holder = spec.loader  # it holds the loader that will execute the module, at its first use
    loader = holder.loader
    if not hasattr(loader, "exec_module"):  # a legacy loader: the import system runs it by `load_module`
        return
    if not (_is_made_for(loader, spec.name) and _set_class(loader, _observing(type(loader), on_load))):
        holder.loader = _LoaderProxy(loader, on_load)


def _is_made_for(loader: object, name: str) -> bool:
    """Whether this loader instance was made for this module alone."""
    values = getattr(loader, "__dict__", None)
    return type(values) is dict and values.get("name") == name and "exec_module" not in values


_class_of: Any = vars(object)["__class__"]


def _set_class(loader: object, kind: type) -> bool:
    """Change the class of `loader`; False when its layout does not allow that."""
    try:
        _class_of.__set__(loader, kind)
    except TypeError:
        return False
    return True


def _observing(kind: Any, on_load: Callable[[ModuleType], None]) -> type:
    """A subclass of a loader's class that calls `on_load`, and reports the class itself as its `__class__`."""

    def exec_module(self: Any, module: ModuleType) -> None:
        _set_class(self, kind)
        self.exec_module(module)
        on_load(module)

    _hide(exec_module)
    names = {
        "__slots__": (),
        "__class__": property(lambda self: kind),
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "exec_module": exec_module,
    }
    return type(kind)(kind.__name__, (kind,), names)  # type: ignore[no-any-return]


class _LoaderProxy:
    """Takes the place of a shared loader until the module's code runs."""

    def __init__(self, loader: Any, on_load: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._on_load = on_load

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __eq__(self, other: object) -> bool:
        return bool(self._loader == (other._loader if type(other) is _LoaderProxy else other))

    def __hash__(self) -> int:
        return hash(self._loader)

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


def _hide(function: Any) -> None:
    function.__code__ = function.__code__.replace(co_filename=_IMPORT_SYSTEM)


_hide(_LoaderProxy.exec_module)
