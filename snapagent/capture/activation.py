"""Switching capture on and off in a process: `install()` and `uninstall()`.

On the start-up path: with the variable unset only the environment is read; with it set the YAML is read and the finder
installed. wrapt, the serializer and the store are loaded when the first target module has been.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident

from ..config import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from ..config.reading import Config
    from ..config.targets import Target, TargetSet
    from .engine import Engine
    from .importing.finder import TargetFinder
    from .instrument import Instrumenter

    Source = str | bytes | os.PathLike[str] | os.PathLike[bytes] | Config


class Activation:
    """What is installed in this process."""

    def __init__(self) -> None:
        self.config: Config | None = None
        self.base_path = ""
        self.targets: TargetSet | None = None
        self.finder: TargetFinder | None = None
        self._instrumenter: Instrumenter | None = None
        self._preparing: set[int] = set()  # threads that make the instrumenter
        self._waiting: list[tuple[str, ModuleType]] = []  # modules that were loaded meanwhile
        self._engines: dict[str, Engine] = {}
        self._seen: set[str] = set()  # names of modules that were instrumented
        self._environment: dict[str, str | None] = {}

    @property
    def is_installed(self) -> bool:
        return self.finder is not None

    def install(self, config: Source | None) -> None:
        """Read the config and watch imports. Raises ConfigError when the config is bad."""
        if self.finder is not None:
            return
        found = _read(config)
        if found is None:
            return
        from .importing.finder import TargetFinder

        self.config, self.base_path = found, _folder(found)
        self._tell_children(found)
        self.targets = targets = found.target_set()
        if targets.reaches_standard_library:  # later, what we need ourselves might be half imported
            self._instrumenter = self._new_instrumenter()
        self.finder = TargetFinder(targets.wants_module, self.loaded)
        self.finder.install()
        for name, module in list(sys.modules.items()):
            if targets.wants_module(name) and name != "__main__":
                self._instrument(name, module)
        import atexit

        atexit.register(self.report_missed)

    def _tell_children(self, config: Config) -> None:
        """Children may start in another folder: the paths that they inherit are absolute."""
        self._set(environment.CAPTURE_DIR, self.base_path)
        if config.path is not None:
            self._set(environment.CONFIG, os.path.abspath(config.path))

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
        self._seen.add(name)
        me = get_ident()
        if me in self._preparing:
            self._waiting.append((name, module))
            return
        self._preparing.add(me)
        try:
            if self._instrumenter is None:
                made = self._new_instrumenter()  # in the meantime another thread may have made one as well
                self._instrumenter = self._instrumenter or made
        except Exception as error:  # a key that cannot be used, for instance: the next module would meet the same
            if self.finder is not None:
                self.finder.uninstall()
            complain("capture stays off", error)
            return
        finally:
            self._preparing.discard(me)
        self._instrumenter.instrument(name, module)
        while self._waiting:
            self._instrumenter.instrument(*self._waiting.pop())

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

    def engine(self, base_path: str | os.PathLike[str] | None = None) -> Engine:
        """The engine that captures into this folder, made at its first use.

        By default it is the folder of what is installed; with nothing installed, the one that the environment, else
        the config, names at this moment: a program that only decorates has no other moment at which it was said.
        """
        from .engine import Engine

        config, path = self._in_force()
        if base_path is not None:
            path = os.path.abspath(os.path.expanduser(base_path))
        engine = self._engines.get(path)
        if engine is None:  # no lock: this runs inside imports, where a thread that we wait for may wait for us
            engine = self._engines.setdefault(path, Engine(config, path))
        return engine

    def _in_force(self) -> tuple[Config, str]:
        if self.config is not None:
            return self.config, self.base_path
        from ..config.reading import DEFAULT_CONFIG, load_unchanged

        path = environment.find_config(os.environ, _working_directory())
        config = load_unchanged(path) if path is not None else DEFAULT_CONFIG
        return config, _folder(config)

    def report_missed(self) -> None:
        """Tell of each target, named exactly, whose module was loaded without us, and what to do about it."""
        from .importing.missed import missed_targets, unfound_dotted

        if self.config is None or self.targets is None:
            return
        for target, reason in missed_targets(self.config, self._seen):
            self._report(target, reason)
        if self._instrumenter is not None:
            found = {str(recorder.target) for recorder in self.engine().recorders()}
            for target in unfound_dotted(self.config, self.targets, found, self._seen):
                self._instrumenter.explain(target, sys.modules[target.module], self.engine().note_unreachable)

    def uninstall(self) -> None:
        if self.finder is not None:
            import atexit

            atexit.unregister(self.report_missed)
            self.report_missed()
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


def _read(config: Source | None) -> Config | None:
    """The config that is given, named, or found; None when there is none. Raises ConfigError."""
    if config is None:
        config = environment.find_config(os.environ, _working_directory())
    if isinstance(config, (str, bytes, os.PathLike)):
        from ..config.reading import load_config

        return load_config(os.path.abspath(os.path.expanduser(os.fsdecode(config))))
    if config is not None and not hasattr(config, "target_set"):
        from ..errors import ConfigError

        raise ConfigError(f"config: expects the path of a file or a Config, not {type(config).__name__}")
    return config


def _folder(config: Config) -> str:
    from ..config.reading import resolve_capture_dir

    return resolve_capture_dir(config, os.environ, _working_directory())


def _working_directory() -> str:
    """The root where it has been removed: absolute paths, as children inherit them, need none."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.sep


current = Activation()


def install(enabled: bool | None = None, config: Source | None = None) -> None:
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
