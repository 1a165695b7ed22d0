"""Canonical texts of objects and classes, chosen by the name of the class or function that makes the object.

A class contributes only its qualified name, so that reloads, edits and other Python versions do not matter. An object
contributes its class, its constructor arguments and its state, with the attributes sorted by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import PurePosixPath, PureWindowsPath

from ...placeholder import BY_VALUE, COMPILED_EXCEPTION, PLACEHOLDER, REBUILDS, REDACTED, SINGLETON
from ...serializer.inert.class_facts import class_facts
from ...serializer.inert.nodes import nodes_of
from ...serializer.inert.stand_ins import MAKES_FUNCTION, Inert, StandIn
from ...serializer.thawing.renames import canonical_module
from .arrays import ARRAYS
from .atoms import REDACTED_TEXT, text_of_name
from .code import write_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .atoms import TextWriter


@lru_cache(maxsize=4096)
def canonical_name(module: str, qualname: str) -> str:
    """`module:qualname`, with modules that were renamed between supported versions under one of their names."""
    return f"{canonical_module(module)}:{qualname}"


def is_of_second_version(graph: object) -> bool:
    """Whether a value has a form that version 0.1.0 did not write, so that its canonical text is another one."""
    return any(isinstance(node, Inert) and _is_newer(type(node)) for node in nodes_of(graph))


def _is_newer(maker: StandIn) -> bool:
    return (maker.module == REBUILDS and maker.name != SINGLETON) or maker.name == COMPILED_EXCEPTION


def write_class(writer: TextWriter, cls: StandIn) -> str:
    """A class or function by its name, even if its code is in the stream."""
    if cls.origin is not None and _is_newer(type(cls.origin)):
        writer.has_newer = True
    return f"g{text_of_name(canonical_name(cls.module, cls.qualname))}"


def write_object(writer: TextWriter, node: Inert) -> str:
    cls = type(node)
    name = canonical_name(cls.module, cls.qualname)
    special = _SPECIAL.get(name)
    if special is not None:
        text = special(writer, node)
        if text is not None:
            return text
    if _is_newer(cls):
        writer.has_newer = True
    return "".join(_pieces(writer, node, name))


def _pieces(writer: TextWriter, node: Inert, name: str) -> list[str]:
    """The texts of an object's parts. A list, since generators need more of the C stack, which may be small."""
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


def _arguments(writer: TextWriter, node: Inert) -> str:
    args = node.args
    if len(args) == 1 and type(args[0]) is list and class_facts(type(node)).is_set:
        return "S" + "".join(writer.unordered(args[0]))
    return writer.of(args)


def _state(writer: TextWriter, state: Any) -> str:
    """Attributes sorted by name, whether they are in `__dict__` or in slots."""
    if type(state) is tuple and len(state) == 2 and type(state[1]) is dict and type(state[0]) in (dict, type(None)):
        return writer.of_made({**(state[0] or {}), **state[1]})
    return writer.of(state)


def _placeholder(writer: TextWriter, node: Inert) -> str | None:
    path, kind, type_name = (*node.args, "", "", "")[:3]
    if kind == REDACTED:
        return REDACTED_TEXT
    writer.opaque.append((node, str(path)))
    return f"?{text_of_name(str(type_name))}"


def _path(writer: TextWriter, node: Inert) -> str | None:
    """The path as one text: the pieces in which a path is pickled depend on the Python version."""
    if node.state or not all(type(arg) is str for arg in node.args):
        return None
    flavour = PureWindowsPath if "Windows" in type(node).qualname else PurePosixPath
    return f"P{text_of_name(type(node).qualname)}{text_of_name(str(flavour(*node.args)))}"


def _fraction(writer: TextWriter, node: Inert) -> str | None:
    args = node.args
    if len(args) == 1 and type(args[0]) is str:
        numerator, _, denominator = args[0].partition("/")
        args = (int(numerator), int(denominator or 1))
    return f"Q{writer.of_made(args)}"


def _complex(writer: TextWriter, node: Inert) -> str | None:
    return f"c{writer.of_made([part + 0.0 for part in node.args])}"


def _set(writer: TextWriter, node: Inert) -> str | None:
    if len(node.args) == 1 and type(node.args[0]) in (list, tuple):
        return writer.of_made((set if type(node).qualname == "set" else frozenset)(node.args[0]))
    return None


def _singleton(writer: TextWriter, node: Inert) -> str | None:
    """The text of an object of its class with its state: what it is elsewhere, where no module holds it."""
    _, cls, base, state = node.args
    made: Any = Inert.__new__(cls, *(() if base is None else (base,)))
    made.state = state or None
    return writer.of_made(made)


def _by_value(writer: TextWriter, node: Inert) -> str | None:
    return writer.of(node.args[0])


_SPECIAL: dict[str, Callable[[TextWriter, Inert], str | None]] = {
    **ARRAYS,
    BY_VALUE: _by_value,
    PLACEHOLDER: _placeholder,
    SINGLETON: _singleton,
    "builtins:set": _set,
    "builtins:frozenset": _set,
    MAKES_FUNCTION: write_function,
    "builtins:complex": _complex,
    "fractions:Fraction": _fraction,
    "pathlib:PosixPath": _path,
    "pathlib:PurePosixPath": _path,
    "pathlib:PureWindowsPath": _path,
    "pathlib:WindowsPath": _path,
}
