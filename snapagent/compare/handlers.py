"""Which handler compares a type: exact types by look-up, then families."""

from __future__ import annotations

import dataclasses
import re
import types
from collections import Counter, OrderedDict, defaultdict
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from . import arrays, frames, objects, scalars
from .containers import compare_dicts, compare_sequences, compare_sets
from .walking import Handler, Steps, Walk


def _as_lists(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    compare_sequences(walk, steps, list(expected), list(got))


def _as_matches(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """By pattern, text and places; `pos` may be another one after loading."""
    compare_sequences(walk, steps, *([each.re, each.string, each.regs] for each in (expected, got)))


def _as_memory(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    compare_sequences(walk, steps, *([each.format, each.shape, each.tobytes()] for each in (expected, got)))


_EXACT: dict[type, Handler] = {
    float: scalars.compare_floats,
    complex: scalars.compare_floats,
    bytearray: scalars.compare_plainly,
    range: scalars.compare_plainly,
    slice: scalars.compare_plainly,
    UUID: scalars.compare_plainly,
    Decimal: scalars.compare_decimals,
    Fraction: scalars.compare_fractions,
    list: compare_sequences,
    tuple: compare_sequences,
    dict: compare_dicts,
    OrderedDict: compare_dicts,
    defaultdict: compare_dicts,
    Counter: compare_dicts,
    types.MappingProxyType: compare_dicts,
    set: compare_sets,
    frozenset: compare_sets,
    type({}.keys()): compare_sets,
    type({}.values()): _as_lists,
    type({}.items()): _as_lists,
    type(OrderedDict().keys()): _as_lists,
    type(OrderedDict().values()): _as_lists,
    type(OrderedDict().items()): _as_lists,
    re.Match: _as_matches,
    memoryview: _as_memory,
    types.FunctionType: objects.compare_references,
    types.ModuleType: objects.compare_references,
    type: objects.compare_references,
}


def find_handler(kind: type) -> Handler:
    """The handler for values of this type; `compare_objects` where no other applies."""
    return _EXACT.get(kind) or _of_library(kind) or _of_family(kind) or objects.compare_objects


def _of_family(kind: type) -> Handler | None:
    if issubclass(kind, type):
        return objects.compare_references
    if issubclass(kind, BaseException):
        return objects.compare_exceptions
    if issubclass(kind, set | frozenset):
        return compare_sets
    if issubclass(kind, Enum):
        return scalars.compare_members
    if issubclass(kind, PurePath):
        return scalars.compare_plainly
    if issubclass(kind, tuple):
        return objects.compare_named_tuples if hasattr(kind, "_fields") else compare_sequences
    if dataclasses.is_dataclass(kind):
        return objects.compare_dataclasses
    if hasattr(kind, "__attrs_attrs__"):
        return objects.compare_attrs
    return None


def _of_library(kind: type) -> Handler | None:
    """By the names of the classes in the MRO, so that no library is imported to ask."""
    for base in kind.__mro__:
        library = base.__module__.partition(".")[0]
        handler = _LIBRARIES.get((library, base.__qualname__)) if library in _NAMES else None
        if handler is not None:
            return handler
    return None


_NAMES = frozenset({"django", "httpx", "lxml", "numpy", "pandas", "requests"})
_LIBRARIES: dict[tuple[str, str], Handler] = {
    ("django", "QuerySet"): objects.compare_query_sets,
    ("httpx", "Response"): objects.compare_responses,
    ("lxml", "_Element"): objects.compare_elements,
    ("numpy", "ndarray"): arrays.compare_arrays,
    ("numpy", "generic"): arrays.compare_scalars,
    ("pandas", "DataFrame"): frames.compare_frames,
    ("pandas", "Series"): frames.compare_series,
    ("pandas", "Index"): frames.compare_series,
    ("pandas", "Timestamp"): frames.compare_pandas_scalars,
    ("pandas", "Timedelta"): frames.compare_pandas_scalars,
    ("pandas", "NaTType"): frames.compare_pandas_scalars,
    ("requests", "Response"): objects.compare_responses,
}
