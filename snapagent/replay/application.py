"""Makes the captured program ready in a process that replays it: its folder, its set-up, its order of imports.

Nothing here runs before the first bundle is loaded or called.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Hashable, Iterator, Sequence
from functools import partial
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

from ..bundle import FOLDER, IMPORTED_BY, SETTINGS_MODULE, Header
from ..config.settings import DJANGO
from ..errors import NotReplayableError
from .captures_dir import base_folder, config_in_force, root_folder

_MEND = "mend it, or name another one: setup: in the YAML, or --setup"


def prepare(header: Header, setup: str | None = None) -> None:
    """Make the program of a bundle ready: find its folder, set it up once in this process, import the target's module.

    `setup` is `module:callable` or the word django, and takes the place of the config's. Without either, Django is set
    up where its settings module is known. A module that cannot be imported is no error yet.

    Raises:
        NotReplayableError: the set-up failed.
        ConfigError: the config cannot be read.
    """
    module = header.target.partition(":")[0]
    if module not in sys.modules:
        _importers[module] = _names(header.origin.get(IMPORTED_BY))
        make_importable(module, header.origin.get(FOLDER))
    with _lock:
        _setup.run(header, setup)
    if module in sys.modules or _failed.get(module) == sys.path:
        return
    try:
        import_in_order(module)
    except (Exception, SystemExit):
        _failed[module] = list(sys.path)  # whoever needs the module imports it again, and says why that fails


_lock = threading.RLock()  # a set-up may itself replay
_importers: dict[str, tuple[str, ...]] = {}  # by module of a target
_failed: dict[str, list[str]] = {}  # the search path with which the import of a module failed


def _names(value: object) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else ()


# -- import order ------------------------------------------------------------------------------------------------


def import_in_order(name: str) -> Any:
    """Import a module. If that fails, import the modules that imported it in the captured program, and try again.

    Circular imports often work in one order only. Raises what the first attempt raises.
    """
    if name in sys.modules:
        return importlib.import_module(name)
    before = set(sys.modules)
    try:
        return importlib.import_module(name)
    except Exception:
        importers = _importers.get(name, ())
        if not importers:
            raise
        _forget_since(before, (name, *importers))
        if not _import_all(importers):
            raise
        try:
            return importlib.import_module(name)
        except Exception:
            pass  # the first attempt says more
        raise


def _forget_since(before: set[str], names: Sequence[str]) -> None:
    """Take out of `sys.modules` what a failed import left of the packages of `names`: they start anew."""
    packages = {name.partition(".")[0] for name in names}
    for name in [name for name in sys.modules if name not in before and name.partition(".")[0] in packages]:
        del sys.modules[name]


def _import_all(names: Sequence[str]) -> bool:
    """Import each module that can be imported. Whether there was one."""
    done = False
    for name in names:
        try:
            importlib.import_module(name)
            done = True
        except (Exception, SystemExit):
            continue  # a server, for instance, that is not installed here
    return done


# -- set-up ------------------------------------------------------------------------------------------------------


class _Setup:
    """The set-ups of this process. Each callable is called once, and Django is set up once."""

    def __init__(self) -> None:
        self._chosen: str | None = None  # in place of the config's
        self._failures: dict[object, str] = {}  # by callable: empty where it did not fail
        self.problem = ""  # of a set-up that nobody asked for

    def run(self, header: Header, chosen: str | None) -> None:
        self._chosen = chosen or self._chosen
        name = self._chosen or config_in_force().setup
        if name is not None:
            failure = self._failure(name, header)
            if failure:
                raise NotReplayableError(header.target, failure, _MEND)
        elif _is_django(header):
            self.problem = self._failure(DJANGO, header)

    def _failure(self, name: str, header: Header) -> str:
        """Why the set-up failed, now or before; else empty."""
        try:
            action = partial(_set_up_django, header) if name == DJANGO else _find(name)
            key = action if name != DJANGO and isinstance(action, Hashable) else name
            if key not in self._failures:
                self._failures[key] = ""  # it may itself load a bundle
                self._failures[key] = _said(name, action)
            return self._failures[key]
        except (Exception, SystemExit) as error:
            return _words(name, error)


def _said(name: str, action: Callable[[], object]) -> str:
    try:
        result = action()
    except (Exception, SystemExit) as error:
        return _words(name, error)
    if isinstance(result, Coroutine):
        result.close()
        return f"the set-up {name!r} is a coroutine function; name a plain one"
    return ""


def _words(name: str, error: BaseException) -> str:
    said = f": {error}" if str(error) else ""
    return f"the set-up {name!r} raised {type(error).__name__}{said}"


_setup = _Setup()


def setup_problem() -> str:
    """Why Django could not be set up, where nothing but its settings module asked for that; else empty."""
    return _setup.problem


def _is_django(header: Header) -> bool:
    return bool(os.environ.get(SETTINGS_MODULE) or header.origin.get(SETTINGS_MODULE)) and _has_django()


def _has_django() -> bool:
    try:
        return DJANGO in sys.modules or find_spec(DJANGO) is not None
    except (ImportError, ValueError):
        return False


def _set_up_django(header: Header) -> None:
    """`django.setup()`, unless somebody has called it, pytest-django for instance."""
    settings = header.origin.get(SETTINGS_MODULE)
    if not os.environ.get(SETTINGS_MODULE) and isinstance(settings, str):
        os.environ[SETTINGS_MODULE] = settings
    django: Any = importlib.import_module("django")
    apps: Any = importlib.import_module("django.apps").apps
    if not apps.ready:
        django.setup()


def _find(name: str) -> Callable[[], object]:
    module, _, qualname = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


# -- folders -----------------------------------------------------------------------------------------------------


def make_importable(module: str, folder: object = None) -> None:
    """Add the folder of a module's package to `sys.path`, when it is not found there and lies near the captures.

    `folder` is the one that the header names. Nothing is imported.
    """
    if module in sys.modules or _is_found(module, sys.path) or _is_found_elsewhere(module):
        return
    for candidate in _candidates(folder if isinstance(folder, str) else ""):
        if _is_found(module, [candidate]):
            sys.path.append(candidate)
            if not _is_found(module, sys.path):  # a folder of the same name comes first
                sys.path.remove(candidate)
                sys.path.insert(0, candidate)
            importlib.invalidate_caches()
            return


def add_captured_packages() -> None:
    """Make the packages importable whose functions have bundles, so that test files may import them too."""
    try:
        names = os.listdir(base_folder())
    except OSError:
        return
    for name in sorted({name.partition(".")[0] for name in names if "." in name.strip(".")}):
        if name.isidentifier():
            make_importable(name)


def _candidates(folder: str) -> Iterator[str]:
    config = config_in_force().path
    near = [root_folder(), os.getcwd(), os.path.dirname(base_folder())]
    if config is not None:
        near += [os.path.dirname(config), os.path.dirname(os.path.dirname(config))]
    bases = list(dict.fromkeys(map(os.path.abspath, near)))
    if folder:
        yield from (os.path.normpath(os.path.join(base, folder)) for base in bases)
    yield from bases
    yield from (os.path.join(base, "src") for base in bases)


def _is_found(module: str, folders: Sequence[str]) -> bool:
    """Whether a file of this module is found on a search path, as an import would find it. Runs no code of parents."""
    path: list[str] = [folder or os.getcwd() for folder in folders]
    *parents, last = module.split(".")
    for name in parents:
        spec = PathFinder.find_spec(name, path)  # the last part of a name is all that the finders use
        if spec is None or spec.submodule_search_locations is None:
            return False
        path = list(spec.submodule_search_locations)
    spec = PathFinder.find_spec(last, path)
    return spec is not None and (spec.loader is not None or bool(spec.submodule_search_locations))


def _is_found_elsewhere(module: str) -> bool:
    """Whether another finder knows its top-level package: built in, frozen, or installed to be edited."""
    top = module.partition(".")[0]
    if _is_found(top, sys.path):
        return False  # a folder of the same name, which does not have the module
    try:
        return find_spec(top) is not None
    except (ImportError, ValueError):
        return False
