"""Previews of inert values for headers: bounded text, and a bounded tree that `show` and `diff` read.

Made from what the pickle says, so nothing of the program is called, and after redaction. Control characters, escape
sequences, bidirectional marks and everything else that is not printable are escaped.

A tree node is a dict::

    {"type": "dict", "text": "3 items", "children": [{"step": ".name", "type": "str", "text": "'x'"}, ...], "more": 12}

`step` is how the child is written in a path (`.name`, `[0]`, `['odd key']`); the node of a value that a header lists
by path has none. `children` is there for containers that are shown inside, `more` for the number of items that are
not. `digest` is there when the text or the children do not show everything: equal values have equal digests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from .canonical_types import PLACEHOLDER
from .hashing import value_digest
from .paths import format_keys
from .serializer.inert import BY_VALUE, Inert, StandIn, is_atom
from .serializer.live_names import field_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT_LIMIT = 80  # characters of a preview
LEAF_LIMIT = 200  # characters of one leaf of a tree
TREE_DEPTH = 4
TREE_ITEMS = 20  # children of one node
TREE_NODES = 300  # of one tree
_SHOWN_ITEMS = 12  # of one container inside a text
_TEXT_DEPTH = 4

_BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}
_FUNCTION = "dill._dill:_create_function"


def preview_text(value: Any, limit: int = TEXT_LIMIT) -> str:
    """One line about an inert value, at most `limit` characters."""
    kind = type(value)
    if kind in (int, bool, type(None)):
        return _shortened(_int(value), limit)
    return _shortened("".join(_Text(limit).pieces(value)), limit)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def printable(text: str) -> str:
    """A name that is safe to print."""
    return text if text.isprintable() else repr(text)[1:-1]


def _int(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # an int of thousands of digits
        return "<huge int>"


def type_text(value: Any) -> str:
    """The type of an inert value, as `module.qualname` without `builtins`."""
    kind = type(value)
    if isinstance(value, StandIn):
        return "class" if value.origin is not None else "global"
    if not isinstance(value, Inert):
        return kind.__name__
    if kind.name == PLACEHOLDER and len(value.args) > 2:
        return printable(str(value.args[2]))
    if kind.name == BY_VALUE:
        return type_text(value.args[0])
    if kind.name == _FUNCTION:
        return "function"
    module = "" if kind.module in ("builtins", "__main__") else kind.module + "."
    return printable(module + kind.qualname)


class _Text:
    """Writes a value in pieces, and stops when there is enough."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._inside: set[int] = set()

    def pieces(self, value: Any) -> Iterator[str]:
        kind = type(value)
        if is_atom(value):
            text = _leaf_text(value, max(self._left, 4))
            self._left -= len(text)
            yield text
        elif id(value) in self._inside:
            yield "<cyclic>"
        elif len(self._inside) >= _TEXT_DEPTH or self._left <= 0:
            yield "..."
        else:
            self._inside.add(id(value))
            if kind in _BRACKETS:
                yield from self._container(value)
            elif isinstance(value, Inert):
                yield from self._object(value)
            else:
                yield _class_text(value)
            self._inside.discard(id(value))

    def _container(self, value: Any) -> Iterator[str]:
        kind = type(value)
        opening, closing = _BRACKETS[kind]
        if kind is frozenset or (kind is set and not value):
            opening, closing = f"{kind.__name__}({opening if value else ''}", f"{closing if value else ''})"
        yield opening
        if kind is dict:
            yield from self._joined(value.items(), self._pair)
        else:
            members = value if kind not in (set, frozenset) else _in_order(value)
            yield from self._joined(members, self.pieces)
        yield ",)" if kind is tuple and len(value) == 1 else closing

    def _joined(self, items: Iterable[Any], write: Callable[[Any], Iterator[str]]) -> Iterator[str]:
        for index, item in enumerate(items):
            if index:
                self._left -= 2
                yield ", "
            if index >= _SHOWN_ITEMS or self._left <= 0:
                yield "..."
                return
            yield from write(item)

    def _pair(self, pair: tuple[Any, Any]) -> Iterator[str]:
        yield from self.pieces(pair[0])
        yield ": "
        yield from self.pieces(pair[1])

    def _named(self, pair: tuple[str, Any]) -> Iterator[str]:
        self._left -= len(pair[0]) + 1
        yield f"{printable(pair[0])}="
        yield from self.pieces(pair[1])

    def _object(self, value: Inert) -> Iterator[str]:
        name = type(value).name
        if name == BY_VALUE:
            yield from self.pieces(value.args[0])
            return
        short = SHORT.get(name)
        text = short(value) if short is not None else None
        if text is not None:
            self._left -= len(text)
            yield text
            return
        title = printable(type(value).qualname)
        self._left -= len(title) + 2
        yield f"{title}("
        yield from self._joined(*self._insides(value))
        yield ")"

    def _insides(self, value: Inert) -> tuple[Iterable[Any], Callable[[Any], Iterator[str]]]:
        """What to show of an object: attributes when it has named ones, else items, else constructor arguments."""
        named = named_parts(value)
        if named:
            return named, self._named
        if value.pairs:
            return value.pairs.items(), self._pair
        return value.listed or value.args, self.pieces


def _in_order(members: Iterable[Any]) -> list[Any]:
    """Set members in an order that does not depend on the hash seed."""
    return sorted(islice(members, 1000), key=lambda member: (type(member).__name__, preview_key(member)))


def preview_key(member: Any) -> tuple[int, str]:
    if type(member) in (int, bool, float):
        return int(member) if member == member and abs(member) < 1e18 else 0, ""
    return 0, member if type(member) is str else value_digest(member)


def named_parts(value: Inert) -> list[tuple[str, Any]]:
    """The attributes of an object: from its state, or from its constructor arguments where the fields are known."""
    state = value.state
    found: list[tuple[str, Any]] = []
    for part in state if type(state) is tuple else (state,):
        if type(part) is dict:
            found += [(key, item) for key, item in part.items() if type(key) is str]
    if found or (state is not None and type(state) is not list):
        return found
    values = state if type(state) is list else value.args
    fields = field_names(type(value)) if values else ()
    return list(zip(fields, values, strict=False))


def _leaf_text(value: Any, limit: int) -> str:
    kind = type(value)
    if kind is str or kind is bytes or kind is bytearray:
        return _shortened(repr(value[: limit + 1]), limit) if len(value) > limit else repr(value)
    return _int(value)


def _class_text(value: StandIn) -> str:
    module = "" if value.module in ("builtins", "") else value.module + "."
    return f"<{printable(module + value.qualname)}>"


def _first_argument(value: Inert) -> str | None:
    if len(value.args) != 1 or not is_atom(value.args[0]):
        return None
    return f"{type(value).qualname}({_leaf_text(value.args[0], TEXT_LIMIT)})"


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


SHORT: dict[str, Callable[[Inert], str | None]] = {
    PLACEHOLDER: _placeholder,
    _FUNCTION: _function,
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


def preview_tree(value: Any) -> dict[str, Any]:
    """The bounded tree of an inert value; the module says what a node is."""
    return _Tree().node(value, 0)


class _Tree:
    def __init__(self) -> None:
        self._nodes = 0
        self._inside: set[int] = set()

    def node(self, value: Any, depth: int) -> dict[str, Any]:
        self._nodes += 1
        if is_atom(value):
            return _leaf_node(value)
        if id(value) in self._inside:
            return {"type": type_text(value), "text": "<cyclic>"}
        children, kind = _children(value)
        if children is None:
            return {"type": type_text(value), "text": preview_text(value, LEAF_LIMIT)}
        found: dict[str, Any] = {"type": type_text(value), "text": _count(len(children), kind)}
        shown = 0 if depth >= TREE_DEPTH else min(len(children), TREE_ITEMS, max(TREE_NODES - self._nodes, 0))
        if shown:
            self._inside.add(id(value))
            found["children"] = [
                {"step": step, **self.node(child, depth + 1)} for step, child in islice(children, shown)
            ]
            self._inside.discard(id(value))
        if shown < len(children):
            found["more"] = len(children) - shown
            found["digest"] = value_digest(value)
        return found


def _leaf_node(value: Any) -> dict[str, Any]:
    kind = type(value)
    node: dict[str, Any] = {"type": kind.__name__, "text": _leaf_text(value, LEAF_LIMIT)}
    if kind in (str, bytes, bytearray) and len(value) > LEAF_LIMIT:
        node["text"] += f" ({len(value)} {'characters' if kind is str else 'bytes'})"
        node["digest"] = value_digest(value)
    return node


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _step(key: object) -> str:
    return format_keys(("", key))


def _children(value: Any) -> tuple[list[tuple[str, Any]] | None, str]:
    """(step, child) of what is shown inside a value, and what to call them; None for a value shown as text."""
    kind = type(value)
    if kind is dict:
        return [(_step(key), child) for key, child in value.items()], "item"
    if kind is list or kind is tuple:
        return [(f"[{index}]", child) for index, child in enumerate(value)], "item"
    if kind is set or kind is frozenset:
        return [("[*]", child) for child in _in_order(value)], "member"
    if not isinstance(value, Inert) or kind.name in SHORT:
        return None, ""
    if kind.name == BY_VALUE:
        return _children(value.args[0])
    named = named_parts(value)
    if named:
        return [(_step(name), child) for name, child in named], "attribute"
    if value.pairs:
        return [(_step(key), child) for key, child in value.pairs.items()], "item"
    if value.listed:
        return [(f"[{index}]", child) for index, child in enumerate(value.listed)], "item"
    return None, ""
