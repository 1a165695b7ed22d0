"""Which classes and functions a bundle can name: those that are found under their name in a module that is loaded.

Nothing is imported, and no module's `__getattr__` is asked. What lives in `__main__` is named by the module's real name
(`python -m shop.worker` runs `shop.worker`), since a test has another `__main__`.
"""

from __future__ import annotations

import sys

from .type_facts import is_class, namespace

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
    """What a loaded module has under a dotted name, read from dictionaries only; None when there is nothing."""
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
        found = found.__func__ if type(found) in (staticmethod, classmethod) else found
    return found


def is_named(value: object, module: object, qualname: object) -> bool:
    """Whether a reader finds `value` itself under its name."""
    if type(module) is not str or type(qualname) is not str or lookup(module, qualname) is not value:
        return False
    return module not in MAIN_NAMES or is_main_renamed(module)


def is_main_renamed(module: str) -> bool:
    """Whether a stream names things of `module`, a main module, by its real name (see `main_aliases`)."""
    return any(module is name for name in MAIN_NAMES) and real_main_name() is not None


class MainIsMet(Exception):
    """Something of `__main__` is to be named, and the stream was not begun with its real name."""


def main_aliases() -> tuple[bytes, dict[int, tuple[int, str]]]:
    """A prelude for a stream, and the memo that a pickler must start with, so that `__main__` is written as its real
    name. Both are empty when there is nothing to rename.

    The interned string `__main__`, which is the `__module__` of what lives there, is memoized as the real name.
    """
    name = real_main_name()
    if name is None:
        return b"", {}
    text = name.encode()
    if len(text) > 255:
        return b"", {}
    prelude = b""
    memo = {}
    for index, main in enumerate(MAIN_NAMES):
        prelude += b"\x8c" + bytes([len(text)]) + text + b"\x940"  # SHORT_BINUNICODE, MEMOIZE, POP
        memo[id(main)] = (index, main)
    return b"\x80\x05" + prelude, memo
