"""The import hook: a finder on `sys.meta_path` that notices the import of a module that has targets.

It has a test for names and a callback, which it runs after the module's code; it uses no YAML, no wrapt and no disk. It
asks the other finders for the real spec one by one, because `importlib.util.find_spec` takes the module lock of the
parent package: where the parent's code waits for a thread that imports a submodule, both would hang.
"""

from __future__ import annotations

import _thread
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class TargetFinder:
    """Calls `on_load(module)` each time a module that `wants(name)` has been executed, reloads included."""

    def __init__(self, wants: Callable[[str], bool], on_load: Callable[[ModuleType], None]) -> None:
        self._wants = wants
        self._on_load = on_load
        self._asking: set[tuple[str, int]] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not self._wants(fullname):
            return None
        asking = (fullname, _thread.get_ident())
        if asking in self._asking:  # another finder asks this one in its answer to it
            return None
        from .importers import note_importers

        note_importers(fullname, sys._getframe(1))
        self._asking.add(asking)
        try:
            spec = self._real_spec(fullname, path, target)
        finally:
            self._asking.discard(asking)
        if spec is None or spec.loader is None:  # unknown, or a namespace package, which has no code
            return spec
        from .loader import observe

        observe(spec, self._on_load)
        return spec

    def _real_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(fullname, path, target) if find_spec is not None else None
            if spec is not None:
                return spec
        return None

    def install(self) -> None:
        """Go first on `sys.meta_path`, once."""
        self.uninstall()
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Remove this finder from `sys.meta_path`, which stays the same list."""
        for index, finder in reversed(list(enumerate(sys.meta_path))):
            if finder is self:
                del sys.meta_path[index]


def main_names() -> set[str]:
    """The names under which the main program could have been imported."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    path = getattr(main, "__file__", None) or next(iter(sys.argv), "")  # a script's `__file__` is gone at exit
    names = {"__main__"}
    if spec is not None:
        names.add(spec.name.removesuffix(".__main__"))
    elif isinstance(path, str) and path.endswith(".py"):
        names.add(path.rpartition("/")[2].removesuffix(".py"))
    return names
