"""The shape of a call's arguments: text such as `(rows: list[int], rate: None)`, equal for calls of the same kind.

`keep_shapes` keeps a call of each shape, and `stats` counts them. A shape has the types of the arguments, and for each
argument, each attribute of an argument and each key of a small dict of names: None or not, true or false, empty or not,
the sign of a number, the member of an enumeration. What is in a list or deeper down shows only its type.

It is made from inert values, so no code of the program runs, and it names no module: Python's own move between
versions. At most `_ITEMS` items of a container and `_VALUES` values of a call are looked at.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import islice

from ..placeholder import BY_VALUE, PLACEHOLDER
from ..serializer.inert.class_facts import class_facts
from ..serializer.inert.nodes import is_atom
from ..serializer.inert.stand_ins import Inert, StandIn
from .by_names import ByNames
from .described import named_parts, printable, type_text
from .hashing.arrays import Array, array_of
from .preview import SHORT_FORMS, preview_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any

MARK = "\0"  # in templates, in the place of what is written of an atom; no shape and no JSON has it
_LIMIT = 200  # characters of a shape; a longer one ends in a digest of the whole
_ITEMS = 1000  # of one container, whose types are looked at
_NAMED = 12  # attributes of one object
_FEW_KEYS = 8  # a dict of so many names at most is a record; a larger one is a table
_VALUES = 100  # of one call that are shown with more than their type
_TYPES = 6  # of the items of one container
_TEXT_KEYS = {str}
_BUILT_IN: tuple[type, ...] = (bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset)
_TYPE_NAMES: dict[type, str] = {type(None): "None", **{kind: kind.__name__ for kind in _BUILT_IN}}
_EMPTY: dict[type, str] = {list: "[]", tuple: "()", dict: "{}", set: "set()", frozenset: "frozenset()"}


def shape_of(bound: Mapping[str, Any], instance_name: str | None = None) -> str:
    """The shape of arguments by parameter name; `instance_name` is the parameter of the bound instance or class."""
    return shortened(_whole(bound, instance_name, _Shaper()))


def shape_template(bound: Mapping[str, Any]) -> str:
    """The shape, however long, with MARK in the place of each atom's."""
    return _whole(bound, None, _TemplateShaper())


def _whole(bound: Mapping[str, Any], instance_name: str | None, shaper: _Shaper) -> str:
    shown = [
        f"{printable(name)}: {_type_name(value) if name == instance_name else shaper.of(value, 0)}"
        for name, value in bound.items()
    ]
    return f"({', '.join(shown)})"


def shortened(text: str) -> str:
    """A shape, or the beginning of a long one and a digest."""
    if len(text) <= _LIMIT:
        return text
    digest = sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{text[: _LIMIT - 12]}...#{digest}"


class _Shaper:
    """Writes the shapes of the values of one call; `depth` is 0 for an argument, 1 for a part of one."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _VALUES

    def of(self, value: Any, depth: int) -> str:
        self._left -= 1
        kind = type(value)
        write = SHAPES_OF_ATOMS.get(kind)
        if write is not None:
            return write(value)
        if kind in _EMPTY:
            return self._container(value, kind, depth)
        return self._object(value, depth) if isinstance(value, Inert) else _type_name(value)

    def _container(self, value: Any, kind: type, depth: int) -> str:
        if not value:
            return _EMPTY[kind]
        if kind is not dict:
            return f"{kind.__name__}[{_types(value)}]"
        names = names_of_record(value) if depth == 0 else None
        if names is not None:
            return f"{{{self._parts(names.public, list(value.values()))}}}"
        return f"dict[{_types(value)}, {_types(value.values())}]"

    def _object(self, value: Inert, depth: int) -> str:
        kind = type(value)
        if kind.name == BY_VALUE:
            return self.of(value.args[0], depth)
        array = array_of(value) if kind.qualname in ("_frombuffer", "_reconstruct") else None
        if array is not None:
            return _array(array)
        name = _type_name(value)
        if kind.name == "decimal:Decimal" and value.args and type(value.args[0]) is str:
            return _decimal(name, value.args[0])
        if kind.name in SHORT_FORMS:
            return name
        if len(value.args) == 1 and is_atom(value.args[0]) and "enum:Enum" in class_facts(kind).bases:
            return f"{name}({preview_text(value.args[0], 40)})"
        attributes = _attributes(value) if depth == 0 else ()
        if attributes:
            names, values = zip(*attributes, strict=True)
            parts = self._parts(_NAMES[names].public, values)
            if parts:
                return f"{name}({parts})"
        return name + _items_of_object(value)

    def _parts(self, public: Sequence[tuple[str, int]], values: Sequence[Any]) -> str:
        """The parts of an argument by name: `public` has the names that are shown, with the indices of their values."""
        shown = public[: min(_NAMED, max(self._left, 0))]
        texts = [label + self.of(values[index], 1) for label, index in shown]
        return ", ".join(texts) if len(shown) == len(public) else ", ".join(texts) + ", ..."


class _TemplateShaper(_Shaper):
    """Writes shapes with a mark in the place of each atom's."""

    __slots__ = ()

    def of(self, value: Any, depth: int) -> str:
        return MARK if type(value) in SHAPES_OF_ATOMS else super().of(value, depth)


class Names:
    """What depends only on the names of an argument's parts.

    `public` has the names in order, as they are shown, each with its index; private ones are the object's own business.
    `are_written` says whether all read like names that a programmer has written: one with digits may be data.
    """

    __slots__ = ("are_written", "public")

    def __init__(self, names: tuple[str, ...]) -> None:
        public = sorted((name, index) for index, name in enumerate(names) if name and not name.startswith("_"))
        self.public = [(f"{printable(name)}: ", index) for name, index in public]
        self.are_written = all(
            name.isidentifier() and name.isascii() and not any(map(str.isdigit, name)) for name in names
        )


_NAMES: dict[tuple[str, ...], Names] = ByNames(Names)


def names_of_record(value: Mapping[Any, Any]) -> Names | None:
    """The names in a dict that is shown like an object; None for any other."""
    if len(value) > _FEW_KEYS or not _TEXT_KEYS.issuperset(map(type, value)):
        return None
    names: Names = _NAMES[tuple(value)]
    return names if names.are_written else None


def _attributes(value: Inert) -> list[tuple[str, Any]]:
    """The attributes of an object; those of a pydantic model are one level further down in its state."""
    named = named_parts(value)
    inner = next((part for name, part in named if name == "__dict__"), None)
    return list(inner.items()) if type(inner) is dict else named


def _number(value: Any) -> str:
    kind = type(value)
    if value > 0:
        return kind.__name__
    if value < 0:
        return f"{kind.__name__}<0"
    return repr(kind(0)) if value == 0 else "nan"


def _text(value: Any) -> str:
    return type(value).__name__ if value else repr(value)


SHAPES_OF_ATOMS: dict[type, Callable[[Any], str]] = {
    **dict.fromkeys((int, float), _number),
    **dict.fromkeys((bool, type(None)), repr),
    **dict.fromkeys((str, bytes, bytearray), _text),
}


def _array(array: Array) -> str:
    name = _last(array.cls.rpartition(":")[2])
    return f"{name}()" if 0 in array.shape else f"{name}[{array.code[1:]}, {len(array.shape)}d]"


def _decimal(name: str, digits: str) -> str:
    if not digits.strip("-+0.E"):
        return f"{name}(0)"
    return f"{name}<0" if digits.startswith("-") else name


def _types(items: Collection[Any]) -> str:
    looked_at: Collection[Any] = items if len(items) <= _ITEMS else list(islice(items, _ITEMS))
    kinds = set(map(type, looked_at))
    if len(kinds) == 1:
        name = _TYPE_NAMES.get(kinds.pop())
        if name is not None:
            return name
    examples = dict(zip(map(type, looked_at), looked_at, strict=True))  # one for each type, at the speed of C
    names = sorted({_type_name(example) for example in examples.values()})
    return " | ".join([*names[:_TYPES], *["..."][: len(names) > _TYPES]])


def _items_of_object(value: Inert) -> str:
    """What an object that is a container holds, and `()` for one that is empty."""
    only = value.args[0] if len(value.args) == 1 else value.args or None
    pairs = value.pairs or (only if type(only) is dict else None)
    if pairs:
        return f"[{_types(pairs)}, {_types(pairs.values())}]"
    listed = value.listed or (only if type(only) in (list, tuple, set, frozenset) else None)
    if listed:
        return f"[{_types(listed)}]"
    return "()" if type(only) in _EMPTY or (only is None and value.state is None) else ""


def _type_name(value: Any) -> str:
    """The name of a type without its module; a class, function or module that is itself the value by its own."""
    if value is None:
        return "None"
    if isinstance(value, StandIn):
        return f"<{printable(_last(value.qualname or value.module))}>"
    if isinstance(value, Inert) and type(value).qualname.startswith("_") and type(value).name != PLACEHOLDER:
        made = next(iter(value.args), None)  # a private function that makes objects of the class it is given
        if isinstance(made, StandIn) and made.qualname:
            return printable(_last(made.qualname))
    return _last(type_text(value))


def _last(name: str) -> str:
    return name.rpartition(".")[2]
