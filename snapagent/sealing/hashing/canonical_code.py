"""Canonical texts of functions whose code is in a stream: what they say of it in every Python version.

Bytecode differs between versions, so it does not enter; name, constants, names, operators, defaults and closure do.
That tells most functions apart, not all: they are opaque.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Iterator

from ...serializer.inert.decode import Inert, is_inert
from .atoms import text_of_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .atoms import Writer

_CODE_AT = 7  # where dill puts the bytecode among the arguments of `_create_code`
_COMPARE_SHIFT = {(3, 11): 0, (3, 12): 4}.get(sys.version_info[:2], 5)  # of the operator in the argument
_BINARY = opcode.opmap.get("BINARY_OP")
_COMPARE = opcode.opmap.get("COMPARE_OP")
_NAMED = {
    opcode.opmap[name]: name for name in ("UNARY_NEGATIVE", "UNARY_INVERT", "CONTAINS_OP") if name in opcode.opmap
}


def write_function(writer: Writer, node: Inert) -> str:
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
    """Arithmetic and comparisons; their numbers are those of the interpreter that runs, which made the stream."""
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
