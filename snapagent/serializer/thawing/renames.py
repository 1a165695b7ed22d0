"""Modules that Python versions and libraries have renamed: a stream names one, this interpreter may have another.

The argument hash uses the same table, so that equal arguments have equal hashes on every supported version.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

# A module name as some version spells it -> the name that stands for all spellings. Part of the argument hash `h1`:
# an entry that changes the name of a stored class changes the hashes of calls that pass its objects.
_CANONICAL = {
    "pathlib._local": "pathlib",  # 3.13
    "pathlib._abc": "pathlib",
    "pathlib._os": "pathlib",
    "numpy._core": "numpy.core",  # numpy 2
    "_decimal": "decimal",
    "__builtin__": "builtins",  # dill's spelling
}
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "pathlib": ("pathlib._local",),
    "numpy.core": ("numpy._core",),
}


def canonical_module(name: str) -> str:
    """The module name by which all versions' spellings are known; the name itself when it was never renamed."""
    for spelled, known in _CANONICAL.items():
        if name == spelled or name.startswith(spelled + "."):
            return known + name[len(spelled) :]
    return name


def spellings(name: str, renames: Mapping[str, str]) -> Iterator[str]:
    """The names under which a module may be found here, the most likely first."""
    for old, new in renames.items():
        if name == old or name.startswith(old + "."):
            yield new + name[len(old) :]
    yield name
    known = canonical_module(name)
    if known != name:
        yield known
    for base, others in _SPELLINGS.items():
        if known == base or known.startswith(base + "."):
            for other in others:
                if other + known[len(base) :] != name:
                    yield other + known[len(base) :]


def renamed(module: str, qualname: str, renames: Mapping[str, str]) -> tuple[str, str]:
    """Module and qualified name of today.

    An entry `shop.old:Line` moves what is inside the class too, such as `Line.total`, and an entry of a module its
    submodules.
    """
    parts = qualname.split(".")
    for length in range(len(parts), 0, -1):
        new = renames.get(f"{module}:{'.'.join(parts[:length])}")
        if new is not None:
            module, _, name = new.partition(":")
            return module, ".".join([name, *parts[length:]])
    return next(spellings(module, renames)), qualname


def find_global(module: str, qualname: str, renames: Mapping[str, str]) -> Any:
    """Import `module` under the first of its spellings that has `qualname`; the module itself when that is empty.

    `renames` are those of the config.

    Raises:
        ImportError, AttributeError: as the first spelling does, when none has it.
    """
    problem: Exception | None = None
    new_module, new_name = renamed(module, qualname, renames)
    places = [(name, new_name) for name in spellings(new_module, {})]
    if (new_module, new_name) != (module, qualname):
        places += [(name, qualname) for name in spellings(module, {})]
    for place, path in places:
        try:
            found: Any = importlib.import_module(place)
            for part in path.split(".") if path else ():
                found = getattr(found, part)
            return found
        except (ImportError, AttributeError) as error:
            problem = problem or error
    assert problem is not None
    raise problem
