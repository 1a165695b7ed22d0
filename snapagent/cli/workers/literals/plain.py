"""Built-in values: numbers, texts and containers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ...source.layout import Pieces, call, flat, group, quoted
from .writer import NoLiteral, Way, Writer, last_word


def _plain(writer: Writer, value: Any, path: str) -> Pieces:
    return [repr(value)]


def _whole(writer: Writer, value: int, path: str) -> Pieces:
    if value.bit_length() > 10_000:
        raise NoLiteral(path, "it is a number of thousands of digits")
    return [repr(value)]


def _number(writer: Writer, value: float, path: str) -> Pieces:
    return [repr(value)] if math.isfinite(value) else call(["float"], [[f'"{value}"']])


def _complex(writer: Writer, value: complex, path: str) -> Pieces:
    return call(["complex"], [_number(writer, value.real, path), _number(writer, value.imag, path)])


def _text(writer: Writer, value: str | bytes, path: str) -> Pieces:
    return [quoted(value)]


def _bytearray(writer: Writer, value: bytearray, path: str) -> Pieces:
    return call(["bytearray"], [[quoted(bytes(value))]] if value else [])


def as_list(writer: Writer, value: list[Any], path: str) -> Pieces:
    return [group("[", writer.items(value, path), "]")]


def _tuple(writer: Writer, value: tuple[Any, ...], path: str) -> Pieces:
    made = group("(", writer.items(value, path), ")")
    return [{**made, "tuple": True} if isinstance(made, dict) else made]


def _set(writer: Writer, value: set[Any], path: str) -> Pieces:
    return [_braces(writer, value, path)] if value else ["set()"]


def _frozenset(writer: Writer, value: frozenset[Any], path: str) -> Pieces:
    return call(["frozenset"], [[_braces(writer, value, path)]] if value else [])


def _braces(writer: Writer, value: Iterable[Any], path: str) -> Any:
    """The members in the order of their texts, so that the same set is written in the same way."""
    members = [writer.write(one, f"{path}[*]") for one in value]
    return group("{", sorted(members, key=lambda pieces: flat(pieces, last_word)), "}")


def as_dict(writer: Writer, value: dict[Any, Any], path: str) -> Pieces:
    return [group("{", _entries(writer, value, path), "}")]


def _entries(writer: Writer, value: dict[Any, Any], path: str) -> list[Pieces]:
    return [
        [*writer.write(key, f"{path}[{key!r}]"), ": ", *writer.write(item, f"{path}[{key!r}]")]
        for key, item in value.items()
    ]


def _range(writer: Writer, value: range, path: str) -> Pieces:
    given = [value.start, value.stop, value.step]
    return call(["range"], [[repr(number)] for number in (given if value.step != 1 else given[:2])])


def _slice(writer: Writer, value: slice, path: str) -> Pieces:
    return call(["slice"], writer.items((value.start, value.stop, value.step), path))


PLAIN: dict[type, Way] = {
    **dict.fromkeys((type(None), bool, type(...), type(NotImplemented)), _plain),
    int: _whole, float: _number, complex: _complex, str: _text, bytes: _text, bytearray: _bytearray,
    list: as_list, tuple: _tuple, set: _set, frozenset: _frozenset, dict: as_dict, range: _range, slice: _slice,
}  # fmt: skip
