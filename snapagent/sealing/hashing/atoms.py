"""Canonical texts of atoms, and of atoms in a row: the contribution of leaf values to the argument hash."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256

from ..by_names import ByNames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class TextWriter(Protocol):
        """The part of `Canonical` that the functions for single types use. `opaque` takes (node, path or "")."""

        opaque: list[tuple[object, str]]
        has_newer: bool  # whether a form was met that version 0.1.0 did not have

        def of(self, value: Any) -> str:
            """The text of a value that belongs to the graph."""

        def of_made(self, value: Any) -> str:
            """The text of a temporary value, which is not part of the graph."""

        def unordered(self, members: Collection[Any], items: Mapping[Any, Any] | None = None) -> list[str]:
            """The sorted texts of members that have no order, each with the text of its item."""


REDACTED_TEXT = "R;"  # the text of every redacted leaf, whatever it was
PSEUDONYM = re.compile(r"redacted-[0-9a-f]{12}")  # as `redaction` writes them
HINT = "redacted-"
_PSEUDONYM_BYTES = re.compile(PSEUDONYM.pattern.encode())
_HINT_BYTES = HINT.encode()

LONG = 2000  # characters: a longer piece is replaced by its digest
_MANY = 1 << 64  # an int beyond it is written in hexadecimal: decimal is limited in length, and slow
_SHORT_BYTES = 32


def digest(text: str) -> str:
    """SHA-256 of a text, hexadecimal; lone surrogates are allowed."""
    data = text.encode() if text.isascii() else text.encode("utf-8", "surrogatepass")
    return sha256(data).hexdigest()


def _int_text(value: int) -> str:
    return f"i{value};" if -_MANY < value < _MANY else f"i{value:x};"


def _float_text(value: float) -> str:
    return f"f{value + 0.0!r};"  # folds -0.0; every NaN is `nan`


def _str_text(value: str) -> str:
    if HINT in value:
        value = folded(value)
        if value == HINT:
            return REDACTED_TEXT
    return f"s{len(value)}:{value}"


def _bytes_text(value: bytes, tag: str = "b") -> str:
    if _HINT_BYTES in value:
        value = folded(value)
        if value == _HINT_BYTES:
            return REDACTED_TEXT
    if len(value) <= _SHORT_BYTES:
        return f"{tag}{len(value)}:{value.hex()}"
    return f"{tag}#{sha256(value).hexdigest()}"


def folded(value: Any) -> Any:
    """A text or bytes with HINT in place of each pseudonym; HINT alone when it was one pseudonym and no more."""
    if isinstance(value, str):
        return PSEUDONYM.sub(HINT, value)
    return type(value)(_PSEUDONYM_BYTES.sub(_HINT_BYTES, value))


ATOMS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "N;",
    bool: lambda value: "T;" if value else "U;",
    int: _int_text,
    float: _float_text,
    str: _str_text,
    bytes: _bytes_text,
    bytearray: lambda value: _bytes_text(bytes(value), "y"),
    type(...): lambda _: "E;",  # not a leaf: it marks the place of a non-atom, see `row_text`
}
LEAVES = frozenset(ATOMS) - {type(...)}
_TEXTS = frozenset({str, bytes, bytearray})


def literal_text(values: list[Any]) -> str | None:
    """Atoms in a row as the list's `repr`, where that is the same on every Python; else None. Much the fastest way."""
    try:
        text = repr(values)
    except ValueError:  # an int of thousands of digits
        return None
    if "-0.0" in text:
        text = repr([value + 0.0 if type(value) is float else value for value in values])
    return text if is_plain(text) else None


def is_plain(text: str) -> bool:
    """Whether it is the `repr` of the same values on every Python: the set of printable characters depends on it."""
    return text.isascii() and "\\" not in text


def row_text(writer: TextWriter, values: list[Any]) -> str:
    """Values in a row: the atoms first, with a mark where the others are, then the others."""
    plain = [value if type(value) in LEAVES else ... for value in values]
    text = literal_text(plain)
    if text is not None and HINT not in text:
        others = [writer.of(value) for value in values if type(value) not in LEAVES]
    else:
        plain, others = _with_redacted_marked(writer, values)
        text = literal_text(plain)
    if text is None:
        text = f"n{len(plain)}:{''.join([ATOMS[type(value)](value) for value in plain])}"
    return text + "".join(others)


def _with_redacted_marked(writer: TextWriter, values: list[Any]) -> tuple[list[Any], list[str]]:
    """The atoms with a mark where the others are, and the texts of the others: redacted leaves belong to them."""
    plain: list[Any] = []
    others: list[str] = []
    for value in values:
        kind = type(value)
        if kind not in LEAVES:
            plain.append(...)
            others.append(writer.of(value))
        elif kind in _TEXTS and folded(value) in (HINT, _HINT_BYTES):
            plain.append(...)
            others.append(REDACTED_TEXT)
        else:
            plain.append(folded(value) if kind in _TEXTS else value)
    return plain, others


def text_of_name(name: str) -> str:
    """A key, parameter or attribute name: like a text, but never folded."""
    return f"s{len(name)}:{name}"


def _sorted(keys: tuple[str, ...]) -> tuple[list[str], str]:
    names = sorted(keys)
    return names, f"d{len(names)}:{''.join(map(text_of_name, names))}"


SORTED: dict[tuple[str, ...], tuple[list[str], str]] = ByNames(_sorted)  # the keys of a dict in order, and their text
