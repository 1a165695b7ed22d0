"""Previews of inert values: bounded text. `preview_tree` has the trees.

They are made from decoded pickles, so no code of the program runs, and after redaction. Control characters, escape
sequences, bidirectional marks and all other characters that are not printable are escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from ..placeholder import BY_VALUE, IDENTITY, PLACEHOLDER
from ..serializer.inert.nodes import is_atom
from ..serializer.inert.stand_ins import MAKES_FUNCTION, Inert, StandIn
from .described import is_exception, named_parts, printable, title_of, type_text
from .hashing.canonical import digests_alone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT_LIMIT = 80  # characters of a preview
TEXT_ITEMS = 12  # of one container inside a text
TEXT_DEPTH = 4
_MOST_IN_ORDER = 1000  # members of a set

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
}
_WITHOUT_DIGEST = frozenset({int, bool, float, str})
NUMBERS: frozenset[type] = frozenset({int, float, bool, type(None)})
TEXTS: frozenset[type] = frozenset({str, bytes, bytearray})


def preview_text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """One line about an inert value, at most `limit` characters."""
    return shortened(_Text(limit).of(value), limit)


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def number_text(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # an int of thousands of digits
        return "<huge int>"


class _Text:
    """Writes a value as one line, and stops once the limit is reached."""

    __slots__ = ("_inside", "_left")

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._inside: set[int] = set()

    def of(self, value: Any) -> str:
        kind = type(value)
        if kind in TEXTS:
            text = leaf_text(value, max(self._left, 8))
        elif kind in NUMBERS:
            text = number_text(value)
        else:
            return self._nested(value, kind)
        self._left -= len(text)
        return text

    def _nested(self, value: Any, kind: type) -> str:
        inside = self._inside
        if id(value) in inside:
            return "<cyclic>"
        if len(inside) >= TEXT_DEPTH or self._left <= 0:
            return "..."
        inside.add(id(value))
        if kind in _BRACKETS:
            text = self._container(value, kind)
        elif isinstance(value, Inert):
            text = self._object(value)
        else:
            text = _class_text(value)
        inside.discard(id(value))
        return text

    def _container(self, value: Any, kind: type) -> str:
        opening, closing = _BRACKETS[kind]
        self._left -= len(opening) + len(closing)
        if kind is dict:
            return f"{opening}{self._pairs(value.items(), ': ')}{closing}"
        text = self._items(value if kind in (list, tuple) else in_order(value))
        if not value and kind in (set, frozenset):
            return f"{kind.__name__}()"
        return f"{opening}{text}{',' if kind is tuple and len(value) == 1 else ''}{closing}"

    def _items(self, items: Iterable[Any]) -> str:
        found: list[str] = []
        for item in items:
            if len(found) >= TEXT_ITEMS or self._left <= 0:
                found.append("...")
                break
            found.append(self.of(item))
            self._left -= 2
        return ", ".join(found)

    def _pairs(self, pairs: Iterable[tuple[Any, Any]], between: str) -> str:
        found: list[str] = []
        for key, item in pairs:
            if len(found) >= TEXT_ITEMS or self._left <= 0:
                found.append("...")
                break
            name = self.of(key) if between == ": " else printable(key)
            found.append(f"{name}{between}{self.of(item)}")
            self._left -= 4
        return ", ".join(found)

    def _object(self, value: Inert) -> str:
        name = type(value).name
        if name == BY_VALUE:
            return self.of(value.args[0])
        short = SHORT_FORMS.get(name)
        text = short(value) if short is not None else None
        if text is None:
            title = title_of(value)
            self._left -= len(title) + 2
            inside = self._items(value.args[1]) if is_exception(value) else self._insides(value)
            return f"{title}({inside})"
        self._left -= len(text)
        return text

    def _insides(self, value: Inert) -> str:
        """The text inside an object: attributes when it has named ones, else items, else constructor arguments."""
        named = named_parts(value)
        if named:
            return self._pairs(named, "=")
        if value.pairs:
            return self._pairs(value.pairs.items(), ": ")
        return self._items(value.listed or value.args)


def in_order(members: Iterable[Any]) -> list[Any]:
    """Set members in an order that does not depend on the hash seed; at most _MOST_IN_ORDER of them."""
    by_type: dict[str, list[Any]] = {}
    for member in islice(members, _MOST_IN_ORDER):
        by_type.setdefault(type(member).__name__, []).append(member)
    return [member for name in sorted(by_type) for member in _of_one_type(by_type[name])]


def _of_one_type(members: list[Any]) -> list[Any]:
    if len(members) == 1:
        return members
    plain = [type(member) in _WITHOUT_DIGEST for member in members]
    digests = iter(digests_alone([member for member, is_plain in zip(members, plain, strict=True) if not is_plain]))
    keys = [
        _order_key(member) if is_plain else (0, next(digests)) for member, is_plain in zip(members, plain, strict=True)
    ]
    return [members[index] for index in sorted(range(len(members)), key=keys.__getitem__)]


def _order_key(member: Any) -> tuple[int, str]:
    if type(member) is str:
        return 0, member
    return int(member) if member == member and abs(member) < 1e18 else 0, ""


def leaf_text(value: Any, limit: int) -> str:
    """`repr` of a text or bytes, cut; it escapes whatever is not printable."""
    text = repr(value if len(value) <= limit else value[:limit])
    return text if len(text) <= limit + 2 and len(value) <= limit else text[: limit - 3] + "..."


def _class_text(value: StandIn) -> str:
    if not value.qualname:
        return f"<module {printable(value.module)}>"
    module = "" if value.module in ("builtins", "") else value.module + "."
    return f"<{printable(module + value.qualname)}>"


def _first_argument(value: Inert) -> str | None:
    if len(value.args) != 1 or not is_atom(value.args[0]):
        return None
    return f"{type(value).qualname}({leaf_text(value.args[0], TEXT_LIMIT)})"


def _placeholder(value: Inert) -> str | None:
    if len(value.args) < 5:
        return None
    _, kind, type_name, _, detail = (str(arg) for arg in value.args)
    return printable(f"<{kind}: {type_name}{', ' + detail if detail else ''}>")


def _date_or_time(value: Inert) -> str | None:
    """From the bytes that `datetime` pickles; the fold and the zone are in them too."""
    import datetime

    kind = getattr(datetime, type(value).qualname)
    if not value.args or type(value.args[0]) is not bytes:
        return None
    try:
        text = kind(value.args[0]).isoformat()
    except (TypeError, ValueError):
        return None
    zone = f" {preview_text(value.args[1], 40)}" if len(value.args) > 1 else ""
    return f"{type(value).qualname}({text}{zone})"


def _uuid(value: Inert) -> str | None:
    number = value.state.get("int") if type(value.state) is dict else None
    if type(number) is not int or not 0 <= number < 1 << 128:
        return None
    digits = f"{number:032x}"
    return f"UUID({'-'.join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))})"


def _path(value: Inert) -> str | None:
    from pathlib import PurePosixPath

    if not all(type(arg) is str for arg in value.args):
        return None
    return f"{type(value).qualname}({str(PurePosixPath(*value.args))!r})"


def _function(value: Inert) -> str | None:
    return f"<function {printable(str(value.args[2]))}>" if len(value.args) > 2 else None


def _identity(value: Inert) -> str | None:
    return f"id({type_text(value.args[0]).rpartition('.')[2]})" if value.args else None


SHORT_FORMS: dict[str, Callable[[Inert], str | None]] = {
    PLACEHOLDER: _placeholder,
    MAKES_FUNCTION: _function,
    IDENTITY: _identity,
    "datetime:date": _date_or_time,
    "datetime:datetime": _date_or_time,
    "datetime:time": _date_or_time,
    "decimal:Decimal": _first_argument,
    "pathlib:PosixPath": _path,
    "pathlib:PurePosixPath": _path,
    "pathlib._local:PosixPath": _path,
    "pathlib._local:PurePosixPath": _path,
    "uuid:UUID": _uuid,
}
