"""The canonical text of functions that were stored by value.

Python versions compile one function to different bytecode, and some inline its comprehensions. So only facts that are
the same everywhere enter the hash: constants and names as sets, operators as a sorted list, and the enclosed values
and defaults. Two different functions can share all of these, so the path is listed as opaque.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Iterator

from ...serializer.inert.stand_ins import Inert, is_inert
from .atoms import text_of_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .atoms import TextWriter

# Where dill puts them among the arguments of `_create_code`.
_FLAGS, _BYTECODE, _CONSTANTS = 6, 7, 8

_COMPARE_SHIFT = {(3, 11): 0, (3, 12): 4}.get(sys.version_info[:2], 5)  # of the operator in the argument
_BINARY = opcode.opmap.get("BINARY_OP")
_SUBSCRIPT = 26  # `x[i]` as an argument of BINARY_OP, since Python 3.14: not an operator before
_COMPARE = opcode.opmap.get("COMPARE_OP")
_NAMED = {
    opcode.opmap[name]: name for name in ("UNARY_NEGATIVE", "UNARY_INVERT", "CONTAINS_OP") if name in opcode.opmap
}
# Since Python 3.14 a small integer is an argument, and constants may stay that nothing loads.
_SMALL_INTEGER = opcode.opmap.get("LOAD_SMALL_INT")
_CONSTANT = opcode.opmap["LOAD_CONST"]
_EXTENDED = opcode.opmap["EXTENDED_ARG"]
_HAS_DOCSTRING = 0x4000000  # `inspect.CO_HAS_DOCSTRING`, a flag of code since Python 3.13


def write_function(writer: TextWriter, node: Inert) -> str:
    """A call of dill's `_create_function`: (code, globals, name, defaults, closure, ...)."""
    writer.opaque.append((node, ""))
    constants: set[str] = set()
    names: set[str] = set()
    operators: list[str] = []
    for code in _codes(node.args[0] if node.args else None):
        operators += _operators(code)
        for members in _tuples(code):
            found = names if all(type(item) is str for item in members) else constants
            found.update(writer.of(item) for item in members if not (item is None or item == ".0" or is_inert(item)))
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


def _tuples(code: Inert) -> Iterator[tuple[Any, ...]]:
    """The constants, and the tuples of names."""
    for place, arg in enumerate(code.args):
        if type(arg) is tuple:
            yield tuple(_older_constants(code, arg)) if place == _CONSTANTS and _SMALL_INTEGER else arg


def _older_constants(code: Inert, constants: tuple[Any, ...]) -> Iterator[Any]:
    """The constants as Python 3.13 had them: the docstring or None first, then those that are loaded."""
    yield constants[0] if code.args[_FLAGS] & _HAS_DOCSTRING else None
    for number, argument in _instructions(code):
        if number == _SMALL_INTEGER:
            yield argument
        elif number == _CONSTANT:
            constant = constants[argument]
            if isinstance(constant, Inert) and type(constant).name == "builtins:slice":
                yield from constant.args  # Python 3.13 made it of three constants
            else:
                yield constant


def _operators(code: Inert) -> Iterator[str]:
    """Arithmetic and comparisons."""
    for number, argument in _instructions(code):
        if number == _BINARY:
            if argument != _SUBSCRIPT:
                yield str(argument)
        elif number == _COMPARE:
            operator = argument >> _COMPARE_SHIFT
            yield opcode.cmp_op[operator] if operator < len(opcode.cmp_op) else "?"
        elif number in _NAMED:
            yield _NAMED[number]


def _instructions(code: Inert) -> Iterator[tuple[int, int]]:
    """(opcode, argument), with the opcodes of the running interpreter, which wrote the stream."""
    data = code.args[_BYTECODE] if len(code.args) > _BYTECODE else b""
    extended = 0
    for number, argument in zip(data[::2], data[1::2], strict=False) if type(data) is bytes else ():
        argument |= extended << 8
        extended = argument if number == _EXTENDED else 0
        yield number, argument
