"""Where a call came from: the header's `origin`. Some of it a replay needs, the rest is for people."""

from __future__ import annotations

import os
import sys

from ...bundle import FOLDER, IMPORTED_BY, SETTINGS_MODULE
from ..importing.importers import importers_of
from .process_facts import ProcessFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Origins:
    """The origin of calls, by the module of their target. Paths are relative to the working directory of now."""

    def __init__(self) -> None:
        try:
            self._start: str | None = os.getcwd()
        except OSError:
            self._start = None  # it was removed
        self._known: dict[str, Mapping[str, object]] = {}
        self._process = ProcessFacts()

    def of(self, module: str) -> Mapping[str, object]:
        """For a call of now: process, module, and the settings module that Django has."""
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = dict(self._facts(module))
        settings = os.environ.get(SETTINGS_MODULE)
        found = {**self._process.get(), **known}
        return {SETTINGS_MODULE: settings, **found} if settings else found

    def _facts(self, module: str) -> Mapping[str, object]:
        importers, folder = importers_of(module), self._folder(module)
        facts: dict[str, object] = {IMPORTED_BY: " ".join(importers)} if importers else {}
        if folder is not None:
            facts[FOLDER] = folder
        return facts

    def _folder(self, module: str) -> str | None:
        """The folder that must be on `sys.path`; None for what is installed, and for modules without a file."""
        loaded = sys.modules.get(module)
        names = object.__getattribute__(loaded, "__dict__") if loaded is not None else {}
        file = names.get("__file__")
        if type(file) is not str or not os.path.isabs(file):
            return None
        folder = os.path.dirname(file)
        for _ in range(module.count(".") + ("__path__" in names)):
            folder = os.path.dirname(folder)
        if folder == os.path.dirname(os.__file__) or not _INSTALLED.isdisjoint(folder.split(os.sep)):
            return None
        start = self._start
        if start is not None and (folder == start or folder.startswith(os.path.join(start, ""))):
            return os.path.relpath(folder, start)
        return folder
