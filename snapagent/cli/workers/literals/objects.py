"""Objects of the program's classes, as calls of their classes."""

from __future__ import annotations

import dataclasses
from typing import Any

from snapagent.core.type_facts import attributes, type_name

from ...source.layout import Pieces, quoted
from .plain import PLAIN
from .writer import NoLiteral, Writer


def named_tuple(writer: Writer, value: Any, path: str) -> Pieces:
    return writer.made(value, writer.keywords(value._asdict(), path), path)


def of_dataclass(writer: Writer, value: Any, path: str) -> Pieces:
    given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    return writer.made(value, writer.keywords(given, path), path)


def of_attrs(writer: Writer, value: Any, path: str) -> Pieces:
    given = {
        getattr(field, "alias", None) or field.name.lstrip("_"): getattr(value, field.name)
        for field in type(value).__attrs_attrs__
        if field.init
    }
    return writer.made(value, writer.keywords(given, path), path)


def of_pydantic(writer: Writer, value: Any, path: str) -> Pieces:
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


def of_exception(writer: Writer, value: BaseException, path: str) -> Pieces:
    return writer.made(value, writer.items(value.args, f"{path}.args"), path)


def of_class(writer: Writer, value: Any, path: str) -> Pieces:
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


def _by_attributes(writer: Writer, value: Any, path: str) -> list[Pieces] | None:
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


def _by_plain_value(writer: Writer, value: Any, path: str) -> list[Pieces] | None:
    """Of a subclass of a built-in type."""
    kinds: tuple[Any, ...] = (str, bytes, int, float, dict, list, tuple, set, frozenset)
    for kind in kinds:
        if isinstance(value, kind):
            return [PLAIN[kind](writer, kind(value), path)]
    return None


def _by_its_text(writer: Writer, value: Any, path: str) -> list[Pieces] | None:
    has_text = getattr(type(value), "__str__", None) is not object.__str__
    return [[quoted(str(value))]] if has_text else None
