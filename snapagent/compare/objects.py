"""Compares objects by their state: two objects are equal when they would be pickled alike.

The state comes from `__reduce_ex__` (and so from `__getstate__`), because the expected object was loaded from a pickle.
The program's own `__eq__` is not called where there is a state: one that compares only a primary key hides changes.
"""

from __future__ import annotations

import copyreg
import dataclasses
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.paths import Step
from ..core.records import Record
from ..core.type_facts import reference_name
from ..serializer.attributes import attribute_parts
from ..serializer.exceptions import STAND_IN_TEXT, is_compiled, text_of
from .containers import compare_dicts, compare_sequences
from .report import ADDED, MISSING, Difference
from .text import is_unrun_query, short_pair
from .walking import Pair, Steps, Walk

_ABSENT = object()
_DURATIONS = ("elapsed", "_elapsed")  # of a response, in requests and httpx
_BOOKKEEPING = frozenset(("_sa_instance_state",))  # about the object's own life: SQLAlchemy's session


class State(Record):
    """The state of an object: named attributes, items if it is a container, and parts that have no name."""

    attributes: Mapping[str, object]
    hidden: tuple[object, ...] = ()
    items: tuple[object, ...] = ()
    entries: Mapping[Any, object] = {}


def state_of(value: object) -> State | None:
    """The state as pickling sees it, else the attributes; None for an object that has neither."""
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        reduced: Any = reducer(value) if reducer is not None else value.__reduce_ex__(4)
    except Exception:
        found = dict(attributes_of(value))
        return State(found) if found else None
    if isinstance(reduced, str):
        return State({}, (reduced,))
    make, arguments, state, items, entries = (*reduced, None, None, None)[:5]
    if make is copyreg.__newobj__:  # type: ignore[attr-defined]
        arguments = arguments[1:]
    named, unnamed = _named(state)
    hidden = (*((reference_name(make), arguments) if arguments else ()), *unnamed)
    return State(named, hidden, tuple(items or ()), dict(entries or ()))


def _named(state: object) -> tuple[dict[str, object], tuple[object, ...]]:
    """Attributes by name, and whatever else a `__getstate__` gave."""
    parts = attribute_parts(state)
    if not parts and state is not None:
        return {}, (state,)
    return {str(name): value for part in parts for name, value in part.items()}, ()


def attributes_of(value: object) -> Iterator[tuple[str, object]]:
    """The attributes that the object itself holds, in its `__dict__` and its slots."""
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name, getattr(value, name)


def compare_objects(walk: Walk, steps: Steps, expected: object, got: object) -> None:
    """By state; without a state by `==`; without an `==` of its own the object is reported as not compared."""
    left, right = state_of(expected), state_of(got)
    if left is None or right is None:
        _compare_opaque(walk, steps, expected, got)
        return
    if left.hidden or right.hidden:
        _compare_hidden(walk, steps, expected, got, left, right)
    if left.items or right.items:
        compare_sequences(walk, steps, left.items, right.items)
    if left.entries or right.entries:
        compare_dicts(walk, steps, left.entries, right.entries)
    compare_attributes(walk, steps, left.attributes, right.attributes)


def _compare_opaque(walk: Walk, steps: Steps, expected: object, got: object) -> None:
    if type(expected).__eq__ is object.__eq__:
        walk.not_comparable(steps, f"a {type(expected).__qualname__} has neither state nor an == of its own")
    elif not bool(expected == got):
        walk.differ(steps, expected, got)


def _compare_hidden(walk: Walk, steps: Steps, expected: object, got: object, left: State, right: State) -> None:
    """Parts without a name are reported at the object's own path, unless its attributes tell more."""
    inner = walk.inside(steps, left.hidden, right.hidden)
    if not inner:
        return
    mine, theirs = dict(attributes_of(expected)), dict(attributes_of(got))
    found: list[Difference] = []
    if not left.attributes and (mine or theirs):
        found = walk.inside(steps, mine, theirs)
        walk.differences += found
        if not found and walk.inside(steps, mine, theirs, unfiltered=True):
            return  # the places that differ are ignored
    if not found:
        left_text, right_text = short_pair(expected, got)
        if left_text == right_text:
            left_text, right_text = f"{left_text} with {inner[0].expected}", f"{right_text} with {inner[0].got}"
        walk.differ(steps, expected, got, texts=(left_text, right_text))


def compare_attributes(walk: Walk, steps: Steps, expected: Mapping[str, object], got: Mapping[str, object]) -> None:
    """Attribute by attribute."""
    pairs: list[Pair] = []
    for name, value in expected.items():
        if name in _BOOKKEEPING:
            continue
        place = (*steps, Step.attribute(name))
        if name in got:
            pairs.append((place, value, got[name]))
        else:
            walk.lacks(place, MISSING, value)
    for name in got:
        if name not in expected and name not in _BOOKKEEPING:
            walk.lacks((*steps, Step.attribute(name)), ADDED, got[name])
    walk.descend(pairs)


def compare_dataclasses(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """By the fields that take part in comparisons."""
    names = [field.name for field in dataclasses.fields(expected) if field.compare]
    also = [field.name for field in dataclasses.fields(got) if field.compare]
    compare_attributes(walk, steps, _values(expected, names), _values(got, also))


def compare_attrs(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """The same for classes of the attrs library."""
    names = [field.name for field in type(expected).__attrs_attrs__ if field.eq]
    also = [field.name for field in type(got).__attrs_attrs__ if field.eq]
    compare_attributes(walk, steps, _values(expected, names), _values(got, also))


def _values(value: object, names: list[str]) -> dict[str, object]:
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def compare_named_tuples(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    compare_attributes(
        walk,
        steps,
        dict(zip(type(expected)._fields, expected, strict=False)),
        dict(zip(type(got)._fields, got, strict=False)),
    )


def compare_exceptions(walk: Walk, steps: Steps, expected: BaseException, got: BaseException) -> None:
    """By arguments and notes (the type is the same already); tracebacks, causes and contexts are not part of it."""
    pairs: list[Pair] = [
        ((*steps, Step.attribute("args")), expected.args, got.args),
        ((*steps, Step.attribute("__notes__")), _notes(expected), _notes(got)),
    ]
    if isinstance(expected, OSError) and isinstance(got, OSError):  # which keeps the file out of its arguments
        pairs.append(((*steps, Step.attribute("filename")), expected.filename, got.filename))
    if any(is_compiled(type(each)) or STAND_IN_TEXT in vars(each) for each in (expected, got)):
        pairs.append(((*steps, Step.attribute("__str__")), text_of(expected), text_of(got)))
    walk.descend(pairs)


def compare_elements(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """Elements of lxml by the XML that they and all inside them are."""
    to_bytes = sys.modules["lxml.etree"].tostring
    texts = [to_bytes(each, with_tail=False).decode() for each in (expected, got)]
    if texts[0] != texts[1]:
        walk.differ(steps, expected, got, texts=short_pair(*texts))


def compare_responses(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """Responses of HTTP clients by their state. The time that the answer took is measured anew each time."""
    left, right = state_of(expected), state_of(got)
    if left is None or right is None:
        compare_objects(walk, steps, expected, got)
        return
    mine, theirs = dict(left.attributes), dict(right.attributes)
    for name in _DURATIONS:
        if mine.pop(name, None) != theirs.pop(name, None):
            walk.not_comparable((*steps, Step.attribute(name)), "how long the answer took")
    compare_attributes(walk, steps, mine, theirs)


def compare_query_sets(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """Query sets of Django by their state. One whose rows are not stored is not compared: that would run a query."""
    if is_unrun_query(expected):
        walk.not_comparable(steps, "a query that was not run; its rows are not in the bundle")
    else:
        compare_objects(walk, steps, expected, got)


def _notes(error: BaseException) -> list[object]:
    return list(getattr(error, "__notes__", ()))


def compare_references(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """Classes, functions and modules by name; of lambdas and closures the enclosed values and defaults as well."""
    if reference_name(expected) != reference_name(got):
        walk.differ(steps, expected, got)
        return
    cells = (_enclosed(expected), _enclosed(got))
    inner = walk.inside(steps, *cells) if cells[0] or cells[1] else []
    if inner:
        walk.differ(steps, expected, got, texts=(f"enclosing {inner[0].expected}", f"enclosing {inner[0].got}"))


def _enclosed(function: Any) -> dict[str, object]:
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None) or ()
    found: dict[str, object] = {}
    for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    return found
