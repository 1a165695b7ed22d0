"""Writes a live value as a Python expression, for tests that need no pickle. Runs in a child process.

An object of a class of the program is written as a call of its class, and only when the object that this call makes is
equal to it, compared part by part.
"""

from __future__ import annotations

import dataclasses
import enum
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from snapagent.core.type_facts import is_heap_type

from ...source.layout import Pieces, flat
from . import objects
from .library import LIBRARY, as_path, by_name, by_text, enum_member
from .plain import PLAIN
from .writer import NoLiteral, Way, Writer, last_word

_LARGEST = 20_000  # characters of one value


def literal(value: object, path: str) -> Pieces:
    """The expression for a value. Raises NoLiteral."""
    pieces = Writer(_way_for).write(value, path)
    if len(flat(pieces, last_word)) > _LARGEST:
        raise NoLiteral(path, f"it takes more than {_LARGEST:,} characters")
    return pieces


def _way_for(value: Any) -> Way | None:
    return _EXACT.get(type(value)) or next((way for fits, way in _KINDS if fits(value)), None)


_EXACT: dict[type, Way] = {**PLAIN, **LIBRARY}
_KINDS: Sequence[tuple[Callable[[Any], bool], Way]] = (
    (lambda value: isinstance(value, enum.Enum), enum_member),
    (lambda value: isinstance(value, type), by_name),
    (lambda value: isinstance(value, pathlib.PurePath), as_path),
    (lambda value: type(value).__module__ == "ipaddress", by_text),
    (lambda value: isinstance(value, tuple) and hasattr(value, "_asdict"), objects.named_tuple),
    (lambda value: dataclasses.is_dataclass(value), objects.of_dataclass),
    (lambda value: hasattr(type(value), "__attrs_attrs__"), objects.of_attrs),
    (lambda value: hasattr(type(value), "model_fields") and hasattr(value, "model_fields_set"), objects.of_pydantic),
    (lambda value: isinstance(value, BaseException), objects.of_exception),
    (lambda value: is_heap_type(type(value)), objects.of_class),
)
