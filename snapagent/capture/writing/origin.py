"""Where a call came from: the header's `origin`. What a replay needs to know, and what leads to other records of it."""

from __future__ import annotations

import sys
from time import gmtime, strftime

from ...bundle import (
    FOLDER,
    HOST,
    IMPORTED_BY,
    PROCESS_START,
    REVISION,
    SETTINGS_MODULE,
    SPAN_ID,
    TRACE_ID,
)
from ...config.environment import revision
from ...core.clock import time
from ...core.descriptors import read_all
from ...core.json_text import JsonMapping
from ...core.system import os
from ..importing.importers import importers_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_ORIGIN = None, None
_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Origins:
    """The origin of calls, by the module of their target. Paths are relative to the working directory of now."""

    def __init__(self) -> None:
        try:
            self._start: str | None = os.getcwd()
        except OSError:
            self._start = None  # it was removed
        self._known: dict[str, Mapping[str, object]] = {}
        self._process: dict[str, object] = {}
        self._pid = 0
        self._whole: dict[str, tuple[str | None, JsonMapping]] = {}  # by module, for calls without a trace

    def of(self, module: str, trace: tuple[str, str] | None = None) -> Mapping[str, object]:
        """The origin of a call of this module's function; `trace` is its trace and span id, if it has any."""
        if self._pid != os.getpid():  # the first call, or that of a forked child
            self._pid, self._process = os.getpid(), _process_facts()
            self._whole.clear()
        settings = os.environ.get(SETTINGS_MODULE)
        if trace is not None:
            return {**self._of_module(module, settings), TRACE_ID: trace[0], SPAN_ID: trace[1]}
        before, whole = self._whole.get(module, _NO_ORIGIN)
        if whole is None or before != settings:
            whole = JsonMapping.of(self._of_module(module, settings))
            self._whole[module] = settings, whole
        return whole

    def _of_module(self, module: str, settings: str | None) -> dict[str, object]:
        known = self._known.get(module)
        if known is None:
            known = self._known[module] = dict(self._facts(module))
        return {**({SETTINGS_MODULE: settings} if settings else {}), **known, **self._process}

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


def _process_facts() -> dict[str, object]:
    facts: dict[str, object] = {HOST: os.uname().nodename}
    began = _began()
    if began is not None:
        facts[PROCESS_START] = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(began))
    deployed = revision(os.environ)
    if deployed:
        facts[REVISION] = deployed
    return facts


def _began() -> float | None:
    """When this process began, in seconds since 1970, as Linux knows it; None elsewhere."""
    try:
        # Field 22; the name before it may hold blanks.
        ticks = int(read_all("/proc/self/stat").rpartition(b")")[2].split()[19])
        uptime = float(read_all("/proc/uptime").split()[0])
        return time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
