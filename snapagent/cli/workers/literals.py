"""Writes a live value as a Python expression, for tests that need no pickle. Runs in a child process.

An object of a class of the program is written as a call of its class, and only when the object that this call makes is
equal to it, compared part by part.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from snapagent.compare import examine
from snapagent.core.type_facts import attributes, is_heap_type, type_name
from snapagent.placeholder import Placeholder

from ..source.layout import Pieces, call, flat, group, name, quoted

_DEEPEST = 50  # levels
_LARGEST = 20_000  # characters of one value


class NoLiteral(Exception):
    """A value that cannot be written: its path and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


def literal(value: object, path: str) -> Pieces:
    """The expression for a value. Raises NoLiteral."""
    pieces = _Writer().write(value, path)
    if len(flat(pieces, _last_word)) > _LARGEST:
        raise NoLiteral(path, f"it takes more than {_LARGEST:,} characters")
    return pieces


def evaluated(pieces: Pieces) -> object:
    """The value of an expression that `literal` has made."""
    variables: dict[str, Any] = {"__builtins__": __builtins__}

    def spell(module: str, qualname: str) -> str:
        variables[key := f"m{len(variables)}"] = importable(module, qualname)
        return key

    return eval(flat(pieces, spell), variables)


def importable(module: str, qualname: str) -> Any:
    """What an import of this name gives. Raises ImportError or AttributeError."""
    __import__(module)
    found: Any = sys.modules[module]
    for step in qualname.split("."):
        found = getattr(found, step)
    return found


def name_of(found: Any, path: str) -> Pieces:
    """A class or function by its name. Raises NoLiteral when an import would not give this very object."""
    module, qualname = getattr(found, "__module__", None), getattr(found, "__qualname__", "")
    try:
        same = isinstance(module, str) and importable(module, qualname) is found
    except (ImportError, AttributeError):
        same = False
    if not same or module == "__main__":
        raise NoLiteral(path, f"{qualname or found!r} cannot be imported by its name")
    return [name(str(module), qualname)]


class _Writer:
    """One expression while it is written; the objects on the way there are known, so that a cycle is found."""

    def __init__(self) -> None:
        self._above: list[object] = []

    def write(self, value: Any, path: str) -> Pieces:
        if any(value is one for one in self._above):
            raise NoLiteral(path, "it contains itself")
        if len(self._above) > _DEEPEST:
            raise NoLiteral(path, f"it is nested more than {_DEEPEST} levels deep")
        self._above.append(value)
        try:
            writer = _EXACT.get(type(value)) or next((way for fits, way in _KINDS if fits(value)), None)
            if writer is None:
                raise NoLiteral(path, f"it is a {type_name(type(value))}, which has no literal")
            return writer(self, value, path)
        finally:
            self._above.pop()

    def items(self, values: Iterable[Any], path: str) -> list[Pieces]:
        return [self.write(value, f"{path}[{index}]") for index, value in enumerate(values)]

    def keywords(self, values: dict[str, Any], path: str) -> list[Pieces]:
        return [[f"{key}=", *self.write(value, f"{path}.{key}")] for key, value in values.items()]

    def made(self, value: Any, items: list[Pieces], path: str) -> Pieces:
        """A call of the class of `value`, if it makes an equal object."""
        pieces = call(name_of(type(value), path), items)
        try:
            again = evaluated(pieces)
        except Exception as error:
            raise NoLiteral(path, f"{type(value).__qualname__}(...) raises {type(error).__name__}") from None
        if not examine(value, again):
            raise NoLiteral(path, f"{type(value).__qualname__}(...) makes an object that differs from it")
        return pieces


# -- plain values --------------------------------------------------------------------------------------------------

Way = Callable[[_Writer, Any, str], Pieces]


def _plain(writer: _Writer, value: Any, path: str) -> Pieces:
    return [repr(value)]


def _whole(writer: _Writer, value: int, path: str) -> Pieces:
    if value.bit_length() > 10_000:
        raise NoLiteral(path, "it is a number of thousands of digits")
    return [repr(value)]


def _number(writer: _Writer, value: float, path: str) -> Pieces:
    return [repr(value)] if math.isfinite(value) else call(["float"], [[f'"{value}"']])


def _complex(writer: _Writer, value: complex, path: str) -> Pieces:
    return call(["complex"], [_number(writer, value.real, path), _number(writer, value.imag, path)])


def _text(writer: _Writer, value: str | bytes, path: str) -> Pieces:
    return [quoted(value)]


def _bytearray(writer: _Writer, value: bytearray, path: str) -> Pieces:
    return call(["bytearray"], [[quoted(bytes(value))]] if value else [])


def _list(writer: _Writer, value: list[Any], path: str) -> Pieces:
    return [group("[", writer.items(value, path), "]")]


def _tuple(writer: _Writer, value: tuple[Any, ...], path: str) -> Pieces:
    made = group("(", writer.items(value, path), ")")
    return [{**made, "tuple": True} if isinstance(made, dict) else made]


def _set(writer: _Writer, value: set[Any], path: str) -> Pieces:
    return [_braces(writer, value, path)] if value else ["set()"]


def _frozenset(writer: _Writer, value: frozenset[Any], path: str) -> Pieces:
    return call(["frozenset"], [[_braces(writer, value, path)]] if value else [])


def _braces(writer: _Writer, value: Iterable[Any], path: str) -> Any:
    """The members in the order of their texts, so that the same set is written in the same way."""
    members = [writer.write(one, f"{path}[*]") for one in value]
    return group("{", sorted(members, key=lambda pieces: flat(pieces, _last_word)), "}")


def _dict(writer: _Writer, value: dict[Any, Any], path: str) -> Pieces:
    return [group("{", _entries(writer, value, path), "}")]


def _entries(writer: _Writer, value: dict[Any, Any], path: str) -> list[Pieces]:
    return [
        [*writer.write(key, f"{path}[{key!r}]"), ": ", *writer.write(item, f"{path}[{key!r}]")]
        for key, item in value.items()
    ]


def _range(writer: _Writer, value: range, path: str) -> Pieces:
    given = [value.start, value.stop, value.step]
    return call(["range"], [[repr(number)] for number in (given if value.step != 1 else given[:2])])


def _slice(writer: _Writer, value: slice, path: str) -> Pieces:
    return call(["slice"], writer.items((value.start, value.stop, value.step), path))


# -- the standard library ------------------------------------------------------------------------------------------


def _by_text(writer: _Writer, value: Any, path: str) -> Pieces:
    return call([name(type(value).__module__.partition("._")[0], type(value).__qualname__)], [[quoted(str(value))]])


def _fraction(writer: _Writer, value: fractions.Fraction, path: str) -> Pieces:
    return call([name("fractions", "Fraction")], [[repr(value.numerator)], [repr(value.denominator)]])


def _path(writer: _Writer, value: pathlib.PurePath, path: str) -> Pieces:
    is_native = type(value) is type(pathlib.Path())
    return call([name("pathlib", "Path" if is_native else type(value).__qualname__)], [[quoted(str(value))]])


def _timedelta(writer: _Writer, value: datetime.timedelta, path: str) -> Pieces:
    given = {part: getattr(value, part) for part in ("days", "seconds", "microseconds") if getattr(value, part)}
    return call([name("datetime", "timedelta")], writer.keywords(given, path))


def _timezone(writer: _Writer, value: datetime.timezone, path: str) -> Pieces:
    if value is datetime.UTC:
        return [name("datetime", "timezone"), ".utc"]
    offset = value.utcoffset(None)
    label = value.tzname(None)
    items = [writer.write(offset, path)]
    if datetime.timezone(offset).tzname(None) != label:
        items.append([quoted(label)])
    return call([name("datetime", "timezone")], items)


def _date_or_time(writer: _Writer, value: Any, path: str) -> Pieces:
    """As their `repr` shows them: positional numbers, then `tzinfo=` and `fold=`."""
    numbers = re.match(r"[\w.]+\(([\d, ]*)", repr(value))
    items: list[Pieces] = [[number] for number in (numbers[1].strip(", ").split(", ") if numbers is not None else [])]
    if getattr(value, "tzinfo", None) is not None:
        items.append(["tzinfo=", *writer.write(value.tzinfo, f"{path}.tzinfo")])
    if getattr(value, "fold", 0):
        items.append(["fold=1"])
    return call([name("datetime", type(value).__qualname__)], items)


def _zone(writer: _Writer, value: zoneinfo.ZoneInfo, path: str) -> Pieces:
    if value.key is None:
        raise NoLiteral(path, "its time zone has no name")
    return call([name("zoneinfo", "ZoneInfo")], [[quoted(value.key)]])


def _pattern(writer: _Writer, value: re.Pattern[Any], path: str) -> Pieces:
    flags = value.flags & ~(re.UNICODE.value if isinstance(value.pattern, str) else 0)
    items: list[Pieces] = [[quoted(value.pattern)]]
    if flags:
        items.append([repr(flags)])
    return call([name("re", "compile")], items)


def _deque(writer: _Writer, value: collections.deque[Any], path: str) -> Pieces:
    items = [_list(writer, list(value), path)]
    if value.maxlen is not None:
        items.append([f"maxlen={value.maxlen}"])
    return call([name("collections", "deque")], items)


def _mapping(writer: _Writer, value: Any, path: str) -> Pieces:
    return call([name("collections", type(value).__qualname__)], [_dict(writer, dict(value), path)] if value else [])


def _defaultdict(writer: _Writer, value: collections.defaultdict[Any, Any], path: str) -> Pieces:
    factory = writer.write(value.default_factory, path)
    return call([name("collections", "defaultdict")], [factory, _dict(writer, dict(value), path)])


def _enum(writer: _Writer, value: enum.Enum, path: str) -> Pieces:
    cls = name_of(type(value), path)
    if isinstance(value.name, str) and value.name in type(value).__members__:
        return [*cls, f".{value.name}"]
    return call(cls, [writer.write(value.value, path)])


def _by_name(writer: _Writer, value: Any, path: str) -> Pieces:
    return name_of(value, path)


def _placeholder(writer: _Writer, value: Any, path: str) -> Pieces:
    raise NoLiteral(path, "it is not in the bundle")


# -- objects of the program ----------------------------------------------------------------------------------------


def _named_tuple(writer: _Writer, value: Any, path: str) -> Pieces:
    return writer.made(value, writer.keywords(value._asdict(), path), path)


def _dataclass(writer: _Writer, value: Any, path: str) -> Pieces:
    given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    return writer.made(value, writer.keywords(given, path), path)


def _attrs(writer: _Writer, value: Any, path: str) -> Pieces:
    given = {
        getattr(field, "alias", None) or field.name.lstrip("_"): getattr(value, field.name)
        for field in type(value).__attrs_attrs__
        if field.init
    }
    return writer.made(value, writer.keywords(given, path), path)


def _pydantic(writer: _Writer, value: Any, path: str) -> Pieces:
    fields = type(value).model_fields
    given = {
        fields[key].alias or key: item for key, item in vars(value).items() if key in fields and key in _given_to(value)
    }
    if all(key.isidentifier() for key in given):
        return writer.made(value, writer.keywords(given, path), path)
    return writer.made(value, [["**", *writer.write(given, path)]], path)


def _given_to(value: Any) -> set[str]:
    """The fields that were set: the others have their defaults again."""
    found: set[str] = value.model_fields_set
    return found


def _exception(writer: _Writer, value: BaseException, path: str) -> Pieces:
    return writer.made(value, writer.items(value.args, f"{path}.args"), path)


def _object(writer: _Writer, value: Any, path: str) -> Pieces:
    """An object whose class takes its attributes under their names, or its plain value, or its text."""
    first: NoLiteral | None = None
    for way in (_by_attributes, _by_plain_value, _by_its_text):
        try:
            items = way(writer, value, path)
            if items is not None:
                return writer.made(value, items, path)
        except NoLiteral as problem:
            first = first or problem
    raise first or NoLiteral(path, f"it is a {type_name(type(value))}, which has no literal")


def _by_attributes(writer: _Writer, value: Any, path: str) -> list[Pieces] | None:
    code = getattr(type(value).__init__, "__code__", None)
    if code is None and type(value).__init__ is not object.__init__:
        return None
    state = attributes(value)
    given: dict[str, Any] = {}
    for taken in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code is not None else ():
        for key in (taken, f"_{taken}", taken.lstrip("_")):
            if key in state:
                given[taken] = state[key]
    return writer.keywords(given, path)


def _by_plain_value(writer: _Writer, value: Any, path: str) -> list[Pieces] | None:
    """Of a subclass of a built-in type."""
    kinds: tuple[Any, ...] = (str, bytes, int, float, dict, list, tuple, set, frozenset)
    for kind in kinds:
        if isinstance(value, kind):
            return [_EXACT[kind](writer, kind(value), path)]
    return None


def _by_its_text(writer: _Writer, value: Any, path: str) -> list[Pieces] | None:
    has_text = getattr(type(value), "__str__", None) is not object.__str__
    return [[quoted(str(value))]] if has_text else None


def _last_word(module: str, qualname: str) -> str:
    return qualname


_EXACT: dict[type, Way] = {
    **dict.fromkeys((type(None), bool, type(...), type(NotImplemented)), _plain),
    int: _whole, float: _number, complex: _complex, str: _text, bytes: _text, bytearray: _bytearray,
    list: _list, tuple: _tuple, set: _set, frozenset: _frozenset, dict: _dict, range: _range, slice: _slice,
    decimal.Decimal: _by_text, uuid.UUID: _by_text, fractions.Fraction: _fraction,
    datetime.datetime: _date_or_time, datetime.date: _date_or_time, datetime.time: _date_or_time,
    datetime.timedelta: _timedelta, datetime.timezone: _timezone, zoneinfo.ZoneInfo: _zone, re.Pattern: _pattern,
    collections.deque: _deque, collections.Counter: _mapping, collections.OrderedDict: _mapping,
    collections.defaultdict: _defaultdict, Placeholder: _placeholder,
    types.FunctionType: _by_name, types.BuiltinFunctionType: _by_name,
}  # fmt: skip
_KINDS: Sequence[tuple[Callable[[Any], bool], Way]] = (
    (lambda value: isinstance(value, enum.Enum), _enum),
    (lambda value: isinstance(value, type), _by_name),
    (lambda value: isinstance(value, pathlib.PurePath), _path),
    (lambda value: type(value).__module__ == "ipaddress", _by_text),
    (lambda value: isinstance(value, tuple) and hasattr(value, "_asdict"), _named_tuple),
    (lambda value: dataclasses.is_dataclass(value), _dataclass),
    (lambda value: hasattr(type(value), "__attrs_attrs__"), _attrs),
    (lambda value: hasattr(type(value), "model_fields") and hasattr(value, "model_fields_set"), _pydantic),
    (lambda value: isinstance(value, BaseException), _exception),
    (lambda value: is_heap_type(type(value)), _object),
)
