"""Tells which classes and functions a bundle can name: those found under their name in a loaded module.

Nothing is imported, and no module's `__getattr__` is called. Code in `__main__` goes by the module's real name
(`python -m shop.worker` runs `shop.worker`), since a test has another `__main__`.
"""

from __future__ import annotations

import sys
import types

from ..core.functions import function_of
from ..core.type_facts import is_class, module_name, namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAIN_NAMES = (sys.intern("__main__"), sys.intern("__mp_main__"))  # the second is a spawned child's copy of the first


def real_main_name() -> str | None:
    """The importable name of the program's main module; None for a script, an interactive session, `-c`."""
    main = sys.modules.get("__main__")
    spec = vars(main).get("__spec__") if main is not None else None
    name = getattr(spec, "name", None)
    return name if type(name) is str and name and name not in MAIN_NAMES else None


def lookup(module: str, qualname: str) -> Any:
    """The value under a dotted name in a loaded module, read from dictionaries only; None when there is none."""
    loaded = sys.modules.get(module)
    if loaded is None:
        return None
    try:
        names: Any = vars(loaded)
    except TypeError:
        return None
    first, _, rest = qualname.partition(".")
    found = names.get(first)
    while rest and found is not None:
        if not is_class(found):
            return None
        first, _, rest = rest.partition(".")
        found = namespace(found).get(first)
        found = found.__func__ if type(found) is staticmethod else found
    return found


def is_named(value: object, module: object, qualname: object) -> bool:
    """Whether a reader finds `value` itself under its name."""
    if type(module) is not str or type(qualname) is not str or lookup(module, qualname) is not value:
        return False
    return module not in MAIN_NAMES or is_main_renamed(module)


def is_reached(value: object, module: str, qualname: str) -> bool:
    """Whether attribute access, as a pickler does it, leads to `value` itself. Runs `__getattr__` hooks."""
    found: Any = sys.modules[module]
    for part in qualname.split("."):
        found = getattr(found, part)
    return found is value


def is_main_renamed(module: str) -> bool:
    """Whether a stream names things of `module`, a main module, by its real name (see `main_aliases`)."""
    return any(module is name for name in MAIN_NAMES) and real_main_name() is not None


def unwrapped(value: Any) -> Any:
    """The program's function inside a wrapper of snapagent; None for everything else."""
    if not module_name(type(value)).startswith("snapagent.capture."):
        return None
    try:
        inside = object.__getattribute__(value, "__wrapped__")  # the wrapper forwards plain access
    except AttributeError:
        return None
    return inside if type(inside) is types.FunctionType else None


def function_behind(value: Any) -> types.FunctionType | None:
    """The program's Python function in a value of a class; None where there is none.

    Read through a descriptor and through a wrapper of snapagent.
    """
    function = function_of(value)
    function = unwrapped(function) or function
    return function if type(function) is types.FunctionType else None


class MainIsMet(Exception):
    """The stream must name code of `__main__`, and was begun without the alias for its real name."""


def main_aliases() -> tuple[bytes, tuple[str, ...]]:
    """How a stream must begin so that things of `__main__` go by its real name, and the strings that a pickler must
    have memoized by then, in this order. Both are empty when there is nothing to rename.

    The interned string `__main__`, which is the `__module__` of what lives there, is memoized as the real name.
    """
    text = (real_main_name() or "").encode()
    if not 0 < len(text) < 256:
        return b"", ()
    names = tuple(name for name in MAIN_NAMES if name in sys.modules)
    entry = b"\x8c" + bytes([len(text)]) + text + b"\x940"  # SHORT_BINUNICODE, MEMOIZE, POP
    return b"\x80\x05" + entry * len(names), names
