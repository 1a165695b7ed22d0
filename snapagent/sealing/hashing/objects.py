"""Canonical texts of objects and classes, by the name of what made them; the rest of `hashing` knows containers only.

A class enters by its qualified name alone, so that reloads, edits and other Python versions do not matter; an object
by its class, its constructor arguments and its state, attributes sorted by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath, PureWindowsPath

from ...serializer.inert.class_facts import live_names
from ...serializer.inert.decode import BY_VALUE, Inert, StandIn
from .arrays import ARRAYS
from .atoms import REDACTED, text_of_name
from .canonical_code import write_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .atoms import Writer

PLACEHOLDER = "snapagent.placeholder:restore_placeholder"  # called with path, kind, type, reason, detail

_RENAMED = {"pathlib._local": "pathlib", "_decimal": "decimal", "__builtin__": "builtins"}
_RENAMED_PACKAGES = {"numpy._core": "numpy.core"}


@lru_cache(maxsize=4096)
def canonical_name(module: str, qualname: str) -> str:
    """`module:qualname`, with modules that were renamed between supported versions under their older name."""
    package = ".".join(module.split(".")[:2])
    if package in _RENAMED_PACKAGES:
        module = _RENAMED_PACKAGES[package] + module[len(package) :]
    return f"{_RENAMED.get(module, module)}:{qualname}"


def write_class(_: Writer, cls: StandIn) -> str:
    """A class or function by its name: also one whose code is in the stream."""
    return f"g{text_of_name(canonical_name(cls.module, cls.qualname))}"


def write_object(writer: Writer, node: Inert) -> str:
    cls = type(node)
    name = canonical_name(cls.module, cls.qualname)
    special = _SPECIAL.get(name)
    if special is not None:
        text = special(writer, node)
        if text is not None:
            return text
    return "".join(_pieces(writer, node, name))


def _pieces(writer: Writer, node: Inert, name: str) -> list[str]:
    """A list, not a generator: those need more of the C stack, which may be small."""
    pieces = [f"o{text_of_name(name)}"]
    if node.callee is not None:
        pieces.append(f"c{writer.of(node.callee)}")
    if node.args:
        pieces.append(f"a{_arguments(writer, node)}")
    if node.kwargs:
        pieces.append(f"k{writer.of(node.kwargs)}")
    if node.listed:
        pieces.append(f"l{writer.of(node.listed)}")
    if node.pairs:
        is_ordered = name == "collections:OrderedDict"
        pieces.append(f"p{writer.of_made(list(node.pairs.items())) if is_ordered else writer.of(node.pairs)}")
    if node.state:
        pieces.append(f"s{_state(writer, node.state)}")
    for effect in node.effects or ():
        pieces.append(f"e{writer.of(effect)}")
    pieces.append(";")
    return pieces


def _arguments(writer: Writer, node: Inert) -> str:
    args = node.args
    if len(args) == 1 and type(args[0]) is list and live_names(type(node)).is_set:
        return "S" + "".join(sorted(map(writer.of, args[0])))
    return writer.of(args)


def _state(writer: Writer, state: Any) -> str:
    """Attributes sorted by name, whether they live in `__dict__` or in slots."""
    if type(state) is tuple and len(state) == 2 and type(state[1]) is dict and type(state[0]) in (dict, type(None)):
        return writer.of_made({**(state[0] or {}), **state[1]})
    return writer.of(state)


def _placeholder(writer: Writer, node: Inert) -> str | None:
    path, kind, type_name = (*node.args, "", "", "")[:3]
    if kind == "redacted":
        return REDACTED
    writer.opaque.append((node, str(path)))
    return f"?{text_of_name(str(type_name))}"


def _path(writer: Writer, node: Inert) -> str | None:
    """By the path's text: which pieces a path is pickled in depends on the Python version."""
    if node.state or not all(type(arg) is str for arg in node.args):
        return None
    flavour = PureWindowsPath if "Windows" in type(node).qualname else PurePosixPath
    return f"P{text_of_name(type(node).qualname)}{text_of_name(str(flavour(*node.args)))}"


def _fraction(writer: Writer, node: Inert) -> str | None:
    args = node.args
    if len(args) == 1 and type(args[0]) is str:
        numerator, _, denominator = args[0].partition("/")
        args = (int(numerator), int(denominator or 1))
    return f"Q{writer.of_made(args)}"


def _complex(writer: Writer, node: Inert) -> str | None:
    return f"c{writer.of_made([part + 0.0 for part in node.args])}"


def _set(writer: Writer, node: Inert) -> str | None:
    if len(node.args) == 1 and type(node.args[0]) in (list, tuple):
        return writer.of_made((set if type(node).qualname == "set" else frozenset)(node.args[0]))
    return None


def _by_value(writer: Writer, node: Inert) -> str | None:
    return writer.of(node.args[0])


_SPECIAL: dict[str, Callable[[Writer, Inert], str | None]] = {
    **ARRAYS,
    BY_VALUE: _by_value,
    PLACEHOLDER: _placeholder,
    "builtins:set": _set,
    "builtins:frozenset": _set,
    "dill._dill:_create_function": write_function,
    "builtins:complex": _complex,
    "fractions:Fraction": _fraction,
    "pathlib:PosixPath": _path,
    "pathlib:PurePosixPath": _path,
    "pathlib:PureWindowsPath": _path,
    "pathlib:WindowsPath": _path,
}
