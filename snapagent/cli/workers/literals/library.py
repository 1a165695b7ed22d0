"""Values of the standard library: numbers, times, paths, collections, enumerations."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import pathlib
import re
import types
import uuid
import zoneinfo
from typing import Any

from snapagent.placeholder import Placeholder

from ...source.layout import Pieces, call, name, quoted
from .plain import as_dict, as_list
from .writer import NoLiteral, Way, Writer, name_of


def by_text(writer: Writer, value: Any, path: str) -> Pieces:
    return call([name(type(value).__module__.partition("._")[0], type(value).__qualname__)], [[quoted(str(value))]])


def _fraction(writer: Writer, value: fractions.Fraction, path: str) -> Pieces:
    return call([name("fractions", "Fraction")], [[repr(value.numerator)], [repr(value.denominator)]])


def as_path(writer: Writer, value: pathlib.PurePath, path: str) -> Pieces:
    is_native = type(value) is type(pathlib.Path())
    return call([name("pathlib", "Path" if is_native else type(value).__qualname__)], [[quoted(str(value))]])


def _timedelta(writer: Writer, value: datetime.timedelta, path: str) -> Pieces:
    given = {part: getattr(value, part) for part in ("days", "seconds", "microseconds") if getattr(value, part)}
    return call([name("datetime", "timedelta")], writer.keywords(given, path))


def _timezone(writer: Writer, value: datetime.timezone, path: str) -> Pieces:
    if value is datetime.UTC:
        return [name("datetime", "timezone"), ".utc"]
    offset = value.utcoffset(None)
    label = value.tzname(None)
    items = [writer.write(offset, path)]
    if datetime.timezone(offset).tzname(None) != label:
        items.append([quoted(label)])
    return call([name("datetime", "timezone")], items)


def _date_or_time(writer: Writer, value: Any, path: str) -> Pieces:
    """As their `repr` shows them: positional numbers, then `tzinfo=` and `fold=`."""
    numbers = re.match(r"[\w.]+\(([\d, ]*)", repr(value))
    items: list[Pieces] = [[number] for number in (numbers[1].strip(", ").split(", ") if numbers is not None else [])]
    if getattr(value, "tzinfo", None) is not None:
        items.append(["tzinfo=", *writer.write(value.tzinfo, f"{path}.tzinfo")])
    if getattr(value, "fold", 0):
        items.append(["fold=1"])
    return call([name("datetime", type(value).__qualname__)], items)


def _zone(writer: Writer, value: zoneinfo.ZoneInfo, path: str) -> Pieces:
    if value.key is None:
        raise NoLiteral(path, "its time zone has no name")
    return call([name("zoneinfo", "ZoneInfo")], [[quoted(value.key)]])


def _pattern(writer: Writer, value: re.Pattern[Any], path: str) -> Pieces:
    flags = value.flags & ~(re.UNICODE.value if isinstance(value.pattern, str) else 0)
    items: list[Pieces] = [[quoted(value.pattern)]]
    if flags:
        items.append([repr(flags)])
    return call([name("re", "compile")], items)


def _deque(writer: Writer, value: collections.deque[Any], path: str) -> Pieces:
    items = [as_list(writer, list(value), path)]
    if value.maxlen is not None:
        items.append([f"maxlen={value.maxlen}"])
    return call([name("collections", "deque")], items)


def _mapping(writer: Writer, value: Any, path: str) -> Pieces:
    return call([name("collections", type(value).__qualname__)], [as_dict(writer, dict(value), path)] if value else [])


def _defaultdict(writer: Writer, value: collections.defaultdict[Any, Any], path: str) -> Pieces:
    factory = writer.write(value.default_factory, path)
    return call([name("collections", "defaultdict")], [factory, as_dict(writer, dict(value), path)])


def enum_member(writer: Writer, value: enum.Enum, path: str) -> Pieces:
    cls = name_of(type(value), path)
    if isinstance(value.name, str) and value.name in type(value).__members__:
        return [*cls, f".{value.name}"]
    return call(cls, [writer.write(value.value, path)])


def by_name(writer: Writer, value: Any, path: str) -> Pieces:
    return name_of(value, path)


def _placeholder(writer: Writer, value: Any, path: str) -> Pieces:
    raise NoLiteral(path, "it is not in the bundle")


LIBRARY: dict[type, Way] = {
    decimal.Decimal: by_text, uuid.UUID: by_text, fractions.Fraction: _fraction,
    datetime.datetime: _date_or_time, datetime.date: _date_or_time, datetime.time: _date_or_time,
    datetime.timedelta: _timedelta, datetime.timezone: _timezone, zoneinfo.ZoneInfo: _zone, re.Pattern: _pattern,
    collections.deque: _deque, collections.Counter: _mapping, collections.OrderedDict: _mapping,
    collections.defaultdict: _defaultdict, Placeholder: _placeholder,
    types.FunctionType: by_name, types.BuiltinFunctionType: by_name,
}  # fmt: skip
