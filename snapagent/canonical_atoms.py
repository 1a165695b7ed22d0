"""Canonical texts of atoms: what one leaf contributes to the argument hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Writer(Protocol):
        """What `hashing.Canonical` offers to the writers of types. `opaque` takes (node, its path or "")."""

        opaque: list[tuple[object, str]]

        def of(self, value: Any) -> str:
            """The text of a value that belongs to the graph."""

        def of_made(self, value: Any) -> str:
            """The text of a value that was made for the purpose."""


REDACTED = "R;"  # what every redacted leaf is to the hash
PSEUDONYM = re.compile(r"redacted-[0-9a-f]{12}")  # as `redaction` writes them
_HINT = "redacted-"
_PSEUDONYM_BYTES = re.compile(PSEUDONYM.pattern.encode())

NUMBERS = frozenset({int, float, bool, type(None)})  # types whose lists have one text, written at once
_NEGATIVE_ZERO = re.compile(r"-0\.0(?![0-9])")
_MANY = 1 << 64  # an int beyond it is written in hexadecimal: decimal is limited in length, and slow
_SHORT_BYTES = 32


def _int_text(value: int) -> str:
    return f"i{value};" if -_MANY < value < _MANY else f"i{value:x};"


def _float_text(value: float) -> str:
    return f"f{value + 0.0!r};"  # folds -0.0; every NaN is `nan`


def _str_text(value: str) -> str:
    if _HINT in value:
        folded = PSEUDONYM.sub(_HINT, value)
        return REDACTED if folded == _HINT else f"s{len(folded)}:{folded}"
    return f"s{len(value)}:{value}"


def _bytes_text(value: bytes, tag: str = "b") -> str:
    if b"redacted-" in value:
        value = _PSEUDONYM_BYTES.sub(b"redacted-", value)
        if value == b"redacted-":
            return REDACTED
    if len(value) <= _SHORT_BYTES:
        return f"{tag}{len(value)}:{value.hex()}"
    return f"{tag}#{hashlib.sha256(value).hexdigest()}"


ATOMS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "N;",
    bool: lambda value: "T;" if value else "U;",
    int: _int_text,
    float: _float_text,
    str: _str_text,
    bytes: _bytes_text,
    bytearray: lambda value: _bytes_text(bytes(value), "y"),
}


class _NameTexts(dict[str, str]):
    """Texts of names, which come again and again: a look-up in C for most of them."""

    def __missing__(self, name: str) -> str:
        text = f"s{len(name)}:{name}"
        if len(name) <= _LONGEST_NAME:
            if len(self) >= _MOST_NAMES:
                self.clear()
            self[name] = text
        return text


_LONGEST_NAME, _MOST_NAMES = 60, 10_000
NAME_TEXTS = _NameTexts()  # of keys, parameters and attributes: like that of a text, but never folded


def text_of_name(name: str) -> str:
    """A key, parameter or attribute name: like a text, but never folded."""
    return NAME_TEXTS[name]


def numbers_text(values: Sequence[Any]) -> str:
    """Numbers in a row, written at once; prefix-free, since no number has a bracket in it."""
    try:
        text = repr(list(values))
    except ValueError:  # an int of thousands of digits
        return f"n{len(values)}:{''.join([ATOMS[type(value)](value) for value in values])}"
    return _NEGATIVE_ZERO.sub("0.0", text) if "-0.0" in text else text
