"""The interpreter that a bundle needs: the writer stores it in the header, the loader checks it before loading."""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection, Mapping
from functools import lru_cache

from ..bundle import Header
from ..core.descriptors import open_high
from ..core.records import Record
from ..core.system import os

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
    if package in sys.stdlib_module_names or package in ("", "__main__", "snapagent"):
        return ()
    beside = _distribution_beside(package)
    if beside is not None:
        return (beside,)
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in _distributions().get(package, ()):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def _distribution_beside(package: str) -> tuple[str, str] | None:
    """(name, version) of the distribution whose metadata lies beside a loaded package, and lists its files.

    It reads one or two small files, where `packages_distributions` reads those of all that is installed. None for a
    namespace package, which several distributions may share, and where no metadata is beside the package.
    """
    path = getattr(sys.modules.get(package), "__file__", None)
    if type(path) is not str:
        return None
    folder, file = os.path.split(path)
    own_file = file
    if file.startswith("__init__."):
        folder, name = os.path.split(folder)
        own_file = f"{name}/{file}"
    wanted = _letters(package)
    try:
        found = [name for name in os.listdir(folder) if name.endswith(".dist-info")]
        for name in sorted(found, key=lambda name: wanted not in _letters(name)):
            with open(f"{folder}/{name}/RECORD", encoding="utf-8", opener=open_high) as record:
                if f"\n{own_file}," in f"\n{record.read()}":
                    return _name_and_version(f"{folder}/{name}/METADATA")
    except (OSError, ValueError):
        return None
    return None


def _letters(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(".", "")


def _name_and_version(path: str) -> tuple[str, str] | None:
    """From the headers of a METADATA file, which end at the first empty line."""
    headers: dict[str, str] = {}
    with open(path, encoding="utf-8", opener=open_high) as lines:
        for line in lines:
            key, colon, value = line.partition(": ")
            if not colon:
                break
            headers.setdefault(key, value.strip())
    name, version = headers.get("Name"), headers.get("Version")
    return (name, version) if name and version else None


def package_versions(packages: Collection[str]) -> dict[str, str]:
    """Versions by distribution name for top-level modules; what belongs to no distribution is left out."""
    return dict(sorted([pair for package in packages for pair in _version_of(package)])) if packages else {}


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
    from ..serializer.inert.decode import decode
    from ..serializer.inert.nodes import names_called

    if not any(name.partition(":")[2].encode() in data for name in FILE_HANDLES):
        return ()
    return tuple(sorted(FILE_HANDLES & names_called(decode(data))))
