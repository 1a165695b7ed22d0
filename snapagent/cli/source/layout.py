"""Lays out Python expressions as the usual formatters do, so that they leave generated files alone.

An expression is a list of pieces: text, names to import, and groups in brackets. What does not fit into a line is
broken at its last group, with one item a line and a comma after the last one, which formatters keep as it is. A whole
formatter is not needed for that, so no library is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

WIDTH = 88  # characters of a line
_INDENT = 4

Piece = str | dict[str, Any]
Pieces = list[Piece]
Spell = Callable[[str, str], str]  # (module, qualified name) -> how the file calls it


def name(module: str, qualname: str) -> Piece:
    """A class or function that the file must import; of builtins only the name."""
    return qualname if module == "builtins" else {"name": [module, qualname]}


def group(opening: str, items: Sequence[Pieces], closing: str) -> Piece:
    """Items in brackets, with commas between them; a tuple of one item keeps its comma."""
    return {"open": opening, "items": list(items), "close": closing}


def call(function: Pieces, items: Sequence[Pieces]) -> Pieces:
    """A call. `items` are positional arguments, or `["key=", *value]`."""
    return [*function, group("(", items, ")")]


def quoted(text: str | bytes) -> str:
    """A literal in double quotes, unless single ones need fewer backslashes."""
    if isinstance(text, bytes):
        prefix, parts = "b", [repr(bytes([byte]))[2:-1] if byte not in b"'\"" else chr(byte) for byte in text]
    else:
        prefix, parts = "", [repr(letter)[1:-1] if letter not in "'\"" else letter for letter in text]
    quote = "'" if parts.count('"') > parts.count("'") else '"'
    return prefix + quote + "".join(f"\\{part}" if part == quote else part for part in parts) + quote


def flat(pieces: Pieces, spell: Spell) -> str:
    """The expression in one line."""
    return "".join(_flat(piece, spell) for piece in pieces)


def _flat(piece: Piece, spell: Spell) -> str:
    if isinstance(piece, str):
        return piece
    if "name" in piece:
        return spell(*piece["name"])
    items = [flat(item, spell) for item in piece["items"]]
    comma = "," if len(items) == 1 and piece.get("tuple") else ""
    return f"{piece['open']}{', '.join(items)}{comma}{piece['close']}"


def laid_out(pieces: Pieces, spell: Spell, indent: int, before: int, after: int = 0) -> str:
    """The expression, broken where needed. `before` characters stand before it, `after` ones follow its last line."""
    line = flat(pieces, spell)
    if before + len(line) + after <= WIDTH:
        return line
    at = next((at for at in range(len(pieces) - 1, -1, -1) if _can_break(pieces[at])), None)
    if at is None:
        return line
    broken: Any = pieces[at]
    head = flat(pieces[:at], spell) + broken["open"]
    lines = [head]
    for item in broken["items"]:
        inner = indent + _INDENT
        lines.append(" " * inner + laid_out(item, spell, inner, inner, 1) + ",")
    lines.append(" " * indent + broken["close"] + flat(pieces[at + 1 :], spell))
    return "\n".join(lines)


def _can_break(piece: Piece) -> bool:
    return isinstance(piece, dict) and bool(piece.get("items"))


def statement(start: str, pieces: Pieces, spell: Spell, indent: int = _INDENT) -> str:
    """`start` (an assignment up to its sign, or `assert x ==`) and the expression, as one statement."""
    lead = " " * indent + (f"{start} " if start else "")
    if any(_can_break(piece) for piece in pieces):
        return lead + laid_out(pieces, spell, indent, len(lead))
    line = flat(pieces, spell)
    if len(lead) + len(line) > WIDTH and indent + _INDENT + len(line) <= WIDTH:
        return f"{lead}(\n{' ' * (indent + _INDENT)}{line}\n{' ' * indent})"
    return lead + line


def names_in(pieces: Pieces) -> list[tuple[str, str]]:
    """The names to import, in order of appearance."""
    found: list[tuple[str, str]] = []
    for piece in pieces:
        if isinstance(piece, dict) and "name" in piece:
            found.append((piece["name"][0], piece["name"][1]))
        elif isinstance(piece, dict):
            found += [one for item in piece["items"] for one in names_in(item)]
    return found
