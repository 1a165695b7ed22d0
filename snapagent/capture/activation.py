"""Switching capture on and off in a process: `install()` and `uninstall()`.

On the start-up path: with the variable unset only the environment is read; with it set the YAML is read and the finder
installed. wrapt, the serializer and the store are loaded when the first target module has been.
"""

from __future__ import annotations

import os
import sys

from .. import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from ..config import Config
    from ..targets import Target, TargetSet
    from .engine import Engine
    from .finder import TargetFinder
    from .instrument import Instrumenter


class Activation:
    """What is installed in this process."""

    def __init__(self) -> None:
        self.config: Config | None = None
        self.base_path = ""
        self.targets: TargetSet | None = None
        self.finder: TargetFinder | None = None
        self._instrumenter: Instrumenter | None = None
        self._engines: dict[str, Engine] = {}
        self._environment: dict[str, str | None] = {}

    @property
    def is_installed(self) -> bool:
        return self.finder is not None

    def install(self, config: str | Config | None) -> None:
        """Read the config and watch imports. Raises ConfigError when the config is bad."""
        if not self._configure(config) or self.finder is not None:
            return
        assert self.config is not None
        from .finder import TargetFinder

        self._tell_children()
        self.targets = targets = self.config.target_set()
        self.finder = TargetFinder(targets.wants_module, self.loaded)
        self.finder.install()
        for name, module in list(sys.modules.items()):
            if targets.wants_module(name) and name != "__main__":
                self._instrument(name, module)

    def _configure(self, config: str | Config | None) -> bool:
        """Find and read the config; whether there is one that lists targets."""
        if self.config is not None:
            return True
        from ..config import DEFAULT_CONFIG, Config, load_config, resolve_capture_dir

        cwd = os.getcwd()
        if config is None:
            config = environment.find_config(os.environ, cwd)
        if isinstance(config, str):
            config = load_config(os.path.abspath(os.path.expanduser(config)))
        found = config is not None
        self.config = config if isinstance(config, Config) else DEFAULT_CONFIG
        self.base_path = resolve_capture_dir(self.config, os.environ, cwd)
        return found

    def _tell_children(self) -> None:
        """Children may start in another folder: the paths that they inherit are absolute."""
        assert self.config is not None
        self._set(environment.CAPTURE_DIR, self.base_path)
        if self.config.path is not None:
            self._set(environment.CONFIG, os.path.abspath(self.config.path))

    def _set(self, name: str, value: str) -> None:
        self._environment[name] = os.environ.get(name)
        os.environ[name] = value

    def loaded(self, module: ModuleType) -> None:
        """The finder's callback: a target module has been executed. Never raises an Exception."""
        values = object.__getattribute__(module, "__dict__")
        name = getattr(values.get("__spec__"), "name", None) or values.get("__name__")
        if isinstance(name, str) and self.finder is not None:
            self._instrument(name, module)

    def _instrument(self, name: str, module: ModuleType) -> None:
        try:
            if self._instrumenter is None:
                self._instrumenter = self._new_instrumenter()
            self._instrumenter.instrument(name, module)
        except Exception as error:
            complain(f"module {name} is not captured", error)

    def _new_instrumenter(self) -> Instrumenter:
        from .instrument import Instrumenter

        assert self.targets is not None
        return Instrumenter(self.targets, self.engine().recorder_for, self._report)

    def _report(self, target: Target, reason: str) -> None:
        """Tell why a function is not reached: aloud when it was asked for by name, else for `snapagent status` only."""
        assert self.targets is not None
        if target.qualname in self.targets.exact_names(target.module):
            self.engine().note_unreachable(target, reason)
        else:
            self.engine().unreachable[str(target)] = reason

    def engine(self, base_path: str | None = None) -> Engine:
        """The engine that captures into this folder (by default the config's), made at its first use."""
        from .engine import Engine

        self._configure(None)
        assert self.config is not None
        path = os.path.abspath(os.path.expanduser(base_path)) if base_path is not None else self.base_path
        engine = self._engines.get(path)
        if engine is None:  # no lock: this runs inside imports, where a thread that we wait for may wait for us
            engine = self._engines.setdefault(path, Engine(self.config, path))
        return engine

    def uninstall(self) -> None:
        if self.finder is not None:
            self.finder.uninstall()
        if self._instrumenter is not None:
            self._instrumenter.restore()
        for engine in list(self._engines.values()):
            engine.close()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self.__init__()  # type: ignore[misc]


current = Activation()


def install(enabled: bool | None = None, config: str | Config | None = None) -> None:
    """Capture the functions that the YAML lists, also of modules imported earlier. Calling it again changes nothing.

    `enabled=None` obeys the environment; a bool decides. `config` is a path or a Config; by default the environment
    names the file, else `snapagent.yaml` or `config/snapagent.yaml` is taken. Never raises: a bad config leaves capture
    off, and one log line says why.
    """
    if not (environment.is_enabled(os.environ) if enabled is None else enabled):
        return
    try:
        current.install(config)
    except Exception as error:
        uninstall()
        complain("capture stays off", error)


def uninstall() -> None:
    """Stop capturing and give every module its very own function objects back. Never raises."""
    try:
        current.uninstall()
    except Exception as error:
        complain("capture could not be switched off cleanly", error)


def complain(what: str, error: Exception) -> None:
    """One log line about a fault of ours or a bad config."""
    from ..errors import SnapagentError
    from .host_guard import describe, log_once

    cause = describe(error)
    if isinstance(error, SnapagentError):
        cause = str(getattr(error, "one_line", error))
    log_once(what, cause, "'snapagent check' tells more")
