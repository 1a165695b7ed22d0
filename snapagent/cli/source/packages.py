"""The program's own packages and modules: found in the working directory, or named and found on the search path."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator

from ...core.records import Record
from .modules import SOURCE, ModuleSource, SourceFinder, default_search_path

NOT_SERVICES = (
    "tests", "test", "conftest", "migrations", "settings", "config", "conf", "setup", "manage", "wsgi", "asgi",
    "constants", "version", "types", "exceptions", "errors", "cli", "__main__", "scripts", "examples", "docs",
    "benchmarks", "fixtures", "sitecustomize", "usercustomize", "logging", "gunicorn_conf", "noxfile", "fabfile",
)  # fmt: skip
_VENDORED = (  # copies of other people's code
    "vendor", "vendored", "vendors", "third_party", "thirdparty", "extern", "external", "externals", "node_modules",
    "site_packages", "venv", "env", "build", "dist",
)  # fmt: skip
_MAX_MODULES = 2000


class Package(Record):
    """The program to observe: the import name of its package or module, and its parent folder."""

    name: str
    folder: str
    found_by: str

    @property
    def finder(self) -> SourceFinder:
        """Finds its modules: in its own folder first, which need not be on the search path."""
        return SourceFinder([self.folder, *default_search_path(os.getcwd())])

    def modules(self, finder: SourceFinder, private: bool = False) -> Iterator[ModuleSource]:
        """Its modules that may hold targets, in order: no tests, no settings, no vendored code.

        Modules whose names begin with an underscore are among them with `private`.
        """
        found = _modules(finder, self.name, private, is_top=True)
        for _, source in zip(range(_MAX_MODULES), found, strict=False):
            yield source


def find_package(cwd: str) -> tuple[Package, ...]:
    """The packages of a project, the likeliest first: pyproject's name, a src layout, top-level packages, modules."""
    named = _project_name(os.path.join(cwd, "pyproject.toml"))
    found: list[Package] = []
    for folder, layout in ((os.path.join(cwd, "src"), "the src layout"), (cwd, "a top-level package")):
        if os.path.isdir(folder):
            finder = SourceFinder([folder])
            for name in finder.top_level(folder):
                source = finder.module(name) if _may_be_own(name) else None
                if source is not None and source.origin == SOURCE:
                    why = "pyproject.toml" if name == named else layout if source.folders else "a module here"
                    found.append(Package(name, folder, why))
    order = {"pyproject.toml": 0, "the src layout": 1, "a top-level package": 2, "a module here": 3}
    return tuple(sorted(found, key=lambda package: order[package.found_by]))


def named_package(name: str, cwd: str) -> Package | None:
    """A package or module by its import name, in the project or installed; None when it is not found."""
    top = name.partition(".")[0]
    local = next((package for package in find_package(cwd) if package.name == top), None)
    finder = local.finder if local is not None else SourceFinder(default_search_path(cwd))
    source = finder.module(name)
    if source is None:
        return None
    if local is not None:
        return Package(name, local.folder, "--package")
    places = [source.path or "", *source.folders]
    folder = os.path.dirname(next((place for place in places if place), cwd))
    return Package(name, os.path.dirname(folder) if source.folders and source.path else folder, "installed")


def _may_be_own(name: str, private: bool = False) -> bool:
    plain = name.lstrip("_") if private else name
    return plain not in NOT_SERVICES and plain not in _VENDORED and not plain.startswith(("_", "test_"))


def _project_name(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            name = tomllib.load(file).get("project", {}).get("name")
    except (OSError, ValueError, AttributeError):
        return None
    return name.lower().replace("-", "_") if isinstance(name, str) else None


def _modules(finder: SourceFinder, name: str, private: bool, is_top: bool = False) -> Iterator[ModuleSource]:
    last = name.rpartition(".")[2]
    if not is_top and (not _may_be_own(last, private) or last.endswith("_test")):
        return
    source = finder.module(name)
    if source is None or source.origin != SOURCE:
        return
    yield source
    for submodule in finder.submodules(name):
        yield from _modules(finder, submodule, private)
