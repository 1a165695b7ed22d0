"""The interpreter that a bundle needs: the writer stores it in the header, the loader checks it before loading."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ..bundle import Header
from ..core.records import Record

FILE_HANDLES = frozenset({"dill._dill:_create_filehandle", "builtins:open", "io:open", "_io:open", "_io:FileIO"})


class Interpreter(Record):
    """The facts about an interpreter that a header stores, in its fields of the same names."""

    python: str
    implementation: str
    platform: str


@lru_cache(maxsize=1)
def interpreter() -> Interpreter:
    """This process's own."""
    where = f"{sys.platform}-{platform.machine()}"
    return Interpreter(platform.python_version(), sys.implementation.name, where)


@lru_cache(maxsize=1)
def _distributions() -> Mapping[str, list[str]]:
    from importlib.metadata import packages_distributions

    return packages_distributions()


@lru_cache(maxsize=1024)
def _version_of(package: str) -> tuple[tuple[str, str], ...]:
    from importlib.metadata import PackageNotFoundError, version

    if package in sys.stdlib_module_names or package in ("", "__main__", "snapagent"):
        return ()
    own = _distribution_of_that_name(package)
    if own is not None:
        return (own,)
    found = []
    for name in _distributions().get(package, ()):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def _distribution_of_that_name(package: str) -> tuple[str, str] | None:
    """The distribution that is called as its package, which most are: found without reading all that are installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        found = distribution(package)
        name = found.metadata["Name"]
    except (PackageNotFoundError, ValueError, KeyError):
        return None
    if not any(file.parts[0] in (package, f"{package}.py") for file in found.files or ()):
        return None  # it only shares the name
    return name, found.version


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions by distribution name for top-level modules; what belongs to no distribution is left out."""
    return dict(sorted(pair for package in packages for pair in _version_of(package)))


def verdict(header: Header) -> tuple[str, str] | None:
    """None when this interpreter may load the bundle, else (reason, remedy).

    Only code inside a bundle is bound to an interpreter: data and references to modules load anywhere.
    """
    if not header.by_value:
        return None
    here = interpreter()
    wanted = f"{header.implementation or 'cpython'} {_minor(header.python)}"
    have = f"{here.implementation} {_minor(here.python)}"
    if wanted == have:
        return None
    names = ", ".join(header.by_value[:3]) + (", ..." if len(header.by_value) > 3 else "")
    return (
        f"it holds the bytecode of {names}, made by {wanted}, and this is {have}: running it could crash the process",
        f"use {wanted}, or define {names} in an importable module and capture the call again",
    )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def differences(header: Header) -> tuple[str, ...]:
    """How this environment differs from the one that wrote the bundle, for messages: `numpy 1.26.4, here 2.1.0`."""
    here = interpreter()
    found = []
    if _minor(header.python) != _minor(here.python):
        found.append(f"Python {header.python}, here {here.python}")
    for name, version in header.packages.items():
        installed = _installed(name)
        if installed != version:
            found.append(f"{name} {version}, here {installed or 'not installed'}")
    return tuple(found)


def _installed(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def refused_globals(data: bytes) -> tuple[str, ...]:
    """The functions that open files and that loading a stream would call, as `module:name`; nothing is loaded."""
    from ..serializer.inert.decode import decode, names_called

    if not any(name.partition(":")[2].encode() in data for name in FILE_HANDLES):
        return ()
    return tuple(sorted(FILE_HANDLES & names_called(decode(data))))
