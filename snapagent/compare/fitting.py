"""Paths of `ignore` and `unordered` that name no place in an outcome: most often they are misspelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..core.paths import EXCEPTION, RESULT, PathPattern
from ..placeholder import Placeholder
from . import arrays, frames
from .containers import compare_dicts, compare_sequences, compare_sets, key_of
from .handlers import find_handler
from .objects import attributes_of, compare_named_tuples, state_of
from .outcomes import Outcome, Raised

_MOST = 10_000  # places that are looked at for one path; a path that takes more counts as one that fits
_EXCEPTIONS = ("args", "__notes__", "filename", "__str__")
_WITHOUT_PLACES = frozenset({arrays.__name__, frames.__name__})  # what compares them makes paths of its own
_ATOMS = (str, bytes, int, float, complex, type(None))


def unused_paths(patterns: Iterable[PathPattern], *outcomes: Outcome) -> tuple[str, ...]:
    """The patterns that fit no place in any of the outcomes, as texts."""
    return tuple(
        str(pattern) for pattern in patterns if not any(_fits_outcome(pattern, outcome) for outcome in outcomes)
    )


def _fits_outcome(pattern: PathPattern, outcome: Outcome) -> bool:
    root = EXCEPTION if isinstance(outcome, Raised) else RESULT
    rest: list[tuple[int, Any]] = [(pattern.advance(pattern.start, root), outcome.value)]
    seen: set[tuple[int, int]] = set()
    while rest:
        state, value = rest.pop()
        if pattern.ends(state) or len(seen) > _MOST:
            return True
        if not state or isinstance(value, _ATOMS) or (state, id(value)) in seen:
            continue
        if type(value) is Placeholder or _has_own_paths(value):
            return True
        seen.add((state, id(value)))
        rest += [(after, child) for key, child in _children(value) if (after := pattern.advance(state, key))]
    return False


def _has_own_paths(value: object) -> bool:
    return getattr(find_handler(type(value)), "__module__", "") in _WITHOUT_PLACES


def _children(value: Any) -> Iterator[tuple[object, Any]]:
    """The steps from a value, as the comparison makes them, and what is there."""
    handler = find_handler(type(value))
    if handler is compare_dicts:
        yield from ((key_of(key), child) for key, child in value.items())
    elif handler is compare_sets:
        yield from ((key_of(member), None) for member in value)
    elif handler in (compare_sequences, compare_named_tuples):
        yield from enumerate(value)
        yield from zip(getattr(value, "_fields", ()), value, strict=False)
    elif isinstance(value, BaseException):
        yield from ((name, getattr(value, name, None)) for name in _EXCEPTIONS)
    else:
        state = state_of(value)
        if state is not None:
            yield from state.attributes.items()
            yield from enumerate(state.items)
            yield from ((key_of(key), child) for key, child in state.entries.items())
        yield from attributes_of(value)
