"""Canonical texts of objects and classes, chosen by the name of the class or function that makes the object.

A class contributes only its qualified name, so that reloads, edits and other Python versions do not matter. An object
contributes its class, its constructor arguments and its state, with the attributes sorted by name.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import PurePosixPath, PureWindowsPath

from ...placeholder import BY_VALUE, COMPILED_EXCEPTION, PLACEHOLDER, REBUILDS, REDACTED, SINGLETON
from ...serializer.inert.class_facts import class_facts
from ...serializer.inert.decode import MAKES_FUNCTION, Inert, StandIn, is_inert, nodes_of
from ...serializer.thawing.renames import canonical_module
from .arrays import ARRAYS
from .atoms import REDACTED_TEXT, text_of_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .atoms import TextWriter


_CODE_AT = 7  # where dill puts the bytecode among the arguments of `_create_code`
_COMPARE_SHIFT = {(3, 11): 0, (3, 12): 4}.get(sys.version_info[:2], 5)  # of the operator in the argument
_BINARY = opcode.opmap.get("BINARY_OP")
_COMPARE = opcode.opmap.get("COMPARE_OP")
_NAMED = {
    opcode.opmap[name]: name for name in ("UNARY_NEGATIVE", "UNARY_INVERT", "CONTAINS_OP") if name in opcode.opmap
}


# Python versions compile one function to different bytecode, and some inline its comprehensions. So only facts that are
# the same everywhere enter the hash: constants and names as sets, operators as a sorted list, and the enclosed values
# and defaults. Two different functions can share all of these, so the path is listed as opaque.
def write_function(writer: TextWriter, node: Inert) -> str:
    """A call of dill's `_create_function`: (code, globals, name, defaults, closure, ...)."""
    writer.opaque.append((node, ""))
    constants: set[str] = set()
    names: set[str] = set()
    operators: list[str] = []
    for code in _codes(node.args[0] if node.args else None):
        operators += _operators(code)
        for arg in code.args:
            if type(arg) is tuple:
                found = names if all(type(item) is str for item in arg) else constants
                found.update(writer.of(item) for item in arg if not (item is None or item == ".0" or is_inert(item)))
    rest = [arg for arg in node.args[3:] if arg is not None]
    pieces = ("".join(sorted(constants)), "".join(sorted(names)), ",".join(sorted(operators)), writer.of_made(rest))
    return f"L{text_of_name(str(node.args[2]) if len(node.args) > 2 else '')}{'|'.join(pieces)}"


def _codes(code: Any) -> Iterator[Inert]:
    """A code object and those among its constants: some versions have comprehensions inline, some do not."""
    if isinstance(code, Inert):
        yield code
        for arg in code.args:
            if type(arg) is tuple:
                for item in arg:
                    yield from _codes(item)


def _operators(code: Inert) -> Iterator[str]:
    """Arithmetic and comparisons. The opcodes are those of the running interpreter, which wrote the stream."""
    data = code.args[_CODE_AT] if len(code.args) > _CODE_AT else b""
    if type(data) is not bytes:
        return
    for number, argument in zip(data[::2], data[1::2], strict=False):
        if number == _BINARY:
            yield str(argument)
        elif number == _COMPARE:
            operator = argument >> _COMPARE_SHIFT
            yield opcode.cmp_op[operator] if operator < len(opcode.cmp_op) else "?"
        elif number in _NAMED:
            yield _NAMED[number]


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
