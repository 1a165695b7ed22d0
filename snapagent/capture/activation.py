"""Switches capture on and off in a process: `install()` and `uninstall()`.

This module is on the start-up path. With the variable unset it only reads the environment; with it set it reads the
YAML and installs the finder. wrapt, the serializer and the store are loaded after the first target module.
"""

from __future__ import annotations

import os
import sys
from _thread import get_ident

from ..config import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Set
    from types import ModuleType

    from ..config.reading import Config
    from ..config.targets import Target, TargetSet
    from .effects.dependencies import Dependencies
    from .engine import Engine
    from .importing import TargetFinder
    from .instrument import Instrumenter

    Source = str | bytes | os.PathLike[str] | os.PathLike[bytes] | Config


class Activation:
    """The state of capture in this process."""

    def __init__(self) -> None:
        self.config: Config | None = None
        self.base_path = ""
        self.targets: TargetSet | None = None
        self.finder: TargetFinder | None = None
        self.dependencies: Dependencies | None = None
        self._instrumenter: Instrumenter | None = None
        # Making the instrumenter imports modules. If one is a target, the finder calls back before the instrumenter is
        # there, and the module has to wait. By thread, because an import in another thread need not wait.
        self._preparing: set[int] = set()
        self._waiting: list[tuple[str, ModuleType]] = []
        self._engines: dict[str, Engine] = {}
        self._instrumented: set[str] = set()  # names of modules
        self._environment: dict[str, str | None] = {}

    def install(self, config: Source | None) -> None:
        """Read the config and watch imports.

        Raises:
            ConfigError: the config is invalid.
            UnsupportedPythonError: capture cannot run on this build of Python.
        """
        if self.finder is not None:
            return
        found = _read(config)
        if found is None:
            return
        _refuse_unsupported()
        from .importing import TargetFinder

        self.config, self.base_path = found, _folder(found)
        self._set_environment(found)
        self.targets = targets = found.target_set()
        wants = targets.wants_module
        if found.all_dependencies:
            wants = self._with_dependencies(found, wants)
        if targets.reaches_standard_library:  # later, a module that this imports may be half imported
            self._instrumenter = self._new_instrumenter()
        self.finder = TargetFinder(wants, self.loaded)
        self.finder.install()
        for name, module in list(sys.modules.items()):
            if wants(name) and name != "__main__":
                self._instrument(name, module)
        import atexit

        atexit.register(self._end)

    def _with_dependencies(self, config: Config, wants_module: Callable[[str], bool]) -> Callable[[str], bool]:
        """Prepare for effects; the test for modules that hold targets or dependencies."""
        from .effects.dependencies import Dependencies

        self.dependencies = dependencies = Dependencies(config)
        return lambda name: wants_module(name) or dependencies.wants_module(name)

    def _set_environment(self, config: Config) -> None:
        """Set absolute paths for child processes, which may start in another folder."""
        self._set(environment.CAPTURE_DIR, self.base_path)
        if config.path is not None:
            self._set(environment.CONFIG, os.path.abspath(config.path))

    def _set(self, name: str, value: str) -> None:
        self._environment[name] = os.environ.get(name)
        os.environ[name] = value

    def loaded(self, module: ModuleType) -> None:
        """The finder's callback, after a target module has been executed. Never raises an Exception."""
        values = object.__getattribute__(module, "__dict__")
        name = getattr(values.get("__spec__"), "name", None) or values.get("__name__")
        if isinstance(name, str) and self.finder is not None:
            self._instrument(name, module)

    def _instrument(self, name: str, module: ModuleType) -> None:
        # First: a target that is a dependency too is wrapped around the dependency, so its own tape does not get it.
        if self.dependencies is not None and self.dependencies.wants_module(name):
            self.dependencies.instrument(name, module)
            if self.targets is None or not self.targets.wants_module(name):
                return
        self._instrumented.add(name)
        me = get_ident()
        if me in self._preparing:
            self._waiting.append((name, module))
            return
        self._preparing.add(me)
        try:
            if self._instrumenter is None:
                made = self._new_instrumenter()  # another thread may have made one at the same time
                self._instrumenter = self._instrumenter or made
        except Exception as error:  # an unusable key, for instance: the next module would fail in the same way
            if self.finder is not None:
                self.finder.uninstall()
            log_failure("capture stays off", error)
            return
        finally:
            self._preparing.discard(me)
        self._instrumenter.instrument(name, module)
        while self._waiting:
            self._instrumenter.instrument(*self._waiting.pop())

    def _new_instrumenter(self) -> Instrumenter:
        from .instrument import Instrumenter

        assert self.targets is not None
        return Instrumenter(self.targets, self.engine().lazy_recorder_for, self._report)

    def _report(self, target: Target, reason: str) -> None:
        """Record why a function is not reached, for `snapagent status`; also log it if the YAML names it exactly."""
        assert self.targets is not None
        engine = self._engines.get(self.base_path)  # not made for this: it reads the folder, which may hang at exit
        if target.qualname not in self.targets.exact_names(target.module):
            if engine is not None:
                engine.unreachable[str(target)] = reason
        elif engine is not None:
            engine.note_unreachable(target, reason)
        else:
            from .host_guard import log_unreachable

            log_unreachable(target, reason)

    def engine(self, base_path: str | os.PathLike[str] | None = None) -> Engine:
        """The engine that captures into this folder, made at its first use.

        By default the folder found by `install`. Without `install`, in a program that only uses the decorator, the
        folder that the environment, else the config, names now.
        """
        from .engine import Engine

        _refuse_unsupported()
        config, path = self._active_config()
        if base_path is not None:
            path = os.path.abspath(os.path.expanduser(base_path))
        engine = self._engines.get(path)
        if engine is None:
            # No lock: this runs inside imports, and the thread that holds the lock may wait for this one's import.
            engine = self._engines.setdefault(path, Engine(config, path, dependencies=self.dependencies))
        return engine

    def _active_config(self) -> tuple[Config, str]:
        if self.config is not None:
            return self.config, self.base_path
        from ..config.reading import DEFAULT_CONFIG, load_unchanged

        path = environment.find_config(os.environ, _working_directory())
        config = load_unchanged(path) if path is not None else DEFAULT_CONFIG
        return config, _folder(config)

    def _end(self) -> None:
        """At the end of the process. Raises nothing: no descriptor may be left to load a module."""
        try:
            if getattr(sys, "last_type", None) is None:  # no exception ended the program
                self.report_missed()
                return
            from .writing import exit_status

            interrupted = exit_status.is_interrupted()
            self.report_missed()
            if interrupted:
                exit_status.set_interrupted()
        except Exception as error:
            log_failure("targets that were missed could not be reported", error)

    def report_missed(self) -> None:
        """Report each target, named exactly, whose module was loaded but not instrumented, with the remedy."""
        if self.config is None or self.targets is None or not self._may_have_missed(self.targets.exact_modules):
            return
        from .importing.missed import missed_targets, unfound_dotted

        for target, reason in missed_targets(self.config, self._instrumented):
            self._report(target, reason)
        if self._instrumenter is not None:
            found = self.engine().wrapped
            for target in unfound_dotted(self.config, self.targets, found, self._instrumented):
                self._instrumenter.explain(target, sys.modules[target.module], self.engine().note_unreachable)

    def _may_have_missed(self, named: Set[str]) -> bool:
        """Whether a module with targets is loaded, or can never be one: else there is nothing to look for."""
        from ..config.targets import why_never_target
        from .importing import main_names

        if self._instrumented:
            return True
        loaded = main_names()
        return any(name in sys.modules or name in loaded or why_never_target(name) for name in named)

    def uninstall(self) -> None:
        if self.finder is not None:
            import atexit

            atexit.unregister(self._end)
            self.report_missed()
            self.finder.uninstall()
        if self._instrumenter is not None:
            self._instrumenter.restore()
        if self.dependencies is not None:
            self.dependencies.restore()
        for engine in list(self._engines.values()):
            engine.close()
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self.__init__()  # type: ignore[misc]


def _refuse_unsupported() -> None:
    if not getattr(sys, "abiflags", ""):  # an ordinary build
        return
    from ..core.interpreter import problem_here

    problem = problem_here()
    if problem is not None:
        from ..errors import UnsupportedPythonError

        raise UnsupportedPythonError(problem)


def _read(config: Source | None) -> Config | None:
    """The config that was passed, named by its path, or found; None when there is none. Raises ConfigError."""
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
    """The working directory; the root if it was removed, which is enough for the absolute paths of a child."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.sep


current = Activation()


def install(enabled: bool | None = None, config: Source | None = None) -> None:
    """Capture the functions that the YAML lists, also of modules imported earlier. A second call changes nothing.

    `enabled=None` obeys the environment; True or False override it. `config` is a path or a Config; by default the
    environment names the file, else it is `snapagent.yaml` or `config/snapagent.yaml`. Never raises: an invalid config
    leaves capture off, and one log line says why.
    """
    if not (environment.is_enabled(os.environ) if enabled is None else enabled):
        return
    try:
        current.install(config)
    except Exception as error:
        uninstall()
        log_failure("capture stays off", error)


def uninstall() -> None:
    """Stop capturing and restore every module's own function objects. Never raises."""
    try:
        current.uninstall()
    except Exception as error:
        log_failure("capture could not be switched off cleanly", error)


def log_failure(what: str, error: Exception) -> None:
    """Log one line about an internal error or an invalid config. Never raises."""
    try:
        from ..errors import SnapagentError
        from .host_guard import describe, log_once
    except Exception:  # without descriptors or memory, logging cannot be loaded either
        return

    cause = describe(error)
    if isinstance(error, SnapagentError):
        cause = str(getattr(error, "one_line", error))
    log_once(what, cause, "run 'snapagent check' for details")
