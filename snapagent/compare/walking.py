"""The walk over two values side by side: its order, its options, and the differences that it collects.

The walk has its own stack, so that values nested deeper than Python's recursion limit can be compared. A pair of
containers that is already being compared (a cycle) counts as equal there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core.paths import PathPattern, Step, format_path
from ..core.records import Record
from ..core.type_facts import type_name
from ..placeholder import Placeholder, note_of
from .identities import Identities
from .report import ADDED, CHANGED, TYPE, Difference, NotCompared
from .text import short, short_pair

Steps = tuple[Step, ...]
Pair = tuple[Steps, object, object]
Lack = tuple[Steps, str, object]  # a place that only one side has, MISSING or ADDED, and the value there
Handler = Callable[["Walk", Steps, Any, Any], None]
Comparator = Callable[[Any, Any], bool]

CLOCK_READING = "the wall clock, read during the call"
DURATION = "a time that was measured during the call"
MOST = 1000  # differences that are collected; a longer report would not help
_NUMBERS = frozenset((int, float))
_ATOMS = frozenset((type(None), bool, int, str, bytes, type(...), type(NotImplemented)))


class Options(Record):
    """How to compare. Tolerances are numpy's: `abs(expected - got) <= atol + rtol * abs(expected)`, floats only.

    `excused` maps paths to the reason why a difference there is reported as not compared (redacted values).
    `readings` says whether two different values are readings of the clock, and `durations` whether two values under a
    name are times that the call measured; those are reported as not compared too.
    """

    rtol: float = 0.0
    atol: float = 0.0
    ignore: tuple[PathPattern, ...] = ()
    unordered: tuple[PathPattern, ...] = ()
    comparators: tuple[tuple[type, Comparator], ...] = ()
    excused: Mapping[str, str] = {}
    readings: Callable[[object, object], bool] | None = None
    durations: Callable[[str, object, object], bool] | None = None

    @property
    def by_path(self) -> bool:
        """Whether the place of a pair matters, so that a pair met twice has to be compared twice."""
        return bool(self.ignore or self.unordered or self.excused)


class _Deferred(Record):
    """A missing or added item that is reported after the pairs before it are compared."""

    steps: Steps
    kind: str
    value: object


class Walk:
    """One running comparison. Handlers of a type call `differ`, `lacks`, `not_comparable` and `descend`."""

    def __init__(
        self,
        options: Options,
        find_handler: Callable[[type], Handler],
        identities: Identities,
        first_only: bool = False,
    ) -> None:
        self.options = options
        self.identities = identities
        self.differences: list[Difference] = []
        self.not_compared: list[NotCompared] = []
        self.placeholders: list[str] = []
        self._find_handler = find_handler
        self._first_only = first_only
        self._todo: list[tuple[Steps | _Deferred | None, object, object]] = []
        self._open: set[tuple[int, int]] = set()
        self._done: dict[tuple[int, int], tuple[object, object]] = {}

    def run(self, steps: Steps, expected: object, got: object) -> Walk:
        """Compare until no pair is left, or enough differences are found."""
        enough = 1 if self._first_only else MOST
        self._todo.append((steps, expected, got))
        while self._todo and len(self.differences) < enough:
            place, left, right = self._todo.pop()
            if place is None:
                self._close(left, right)
            elif isinstance(place, _Deferred):
                self.lacks(place.steps, place.kind, place.value)
            else:
                self._visit(place, left, right)
        return self

    def equal(self, steps: Steps, expected: object, got: object) -> bool:
        """Whether the two are equal at this path. If so, the parts that were not compared are recorded."""
        inner = Walk(self.options, self._find_handler, self.identities, first_only=True)
        inner._open = set(self._open)
        inner.run(steps, expected, got)
        if not inner.differences:
            self.not_compared += inner.not_compared
        self.placeholders += inner.placeholders
        return not inner.differences

    def inside(self, steps: Steps, expected: object, got: object, *, unfiltered: bool = False) -> list[Difference]:
        """The differences of a part that has no path of its own; with `unfiltered` the ignored ones too."""
        options = self.options.replace(ignore=()) if unfiltered else self.options
        inner = Walk(options, self._find_handler, self.identities)
        inner._open = set(self._open)
        return inner.run(steps, expected, got).differences

    def descend(self, pairs: Iterable[Pair], then: Iterable[Lack] = ()) -> None:
        """Compare these next, in this order; afterwards report the items that only one side has."""
        self._todo.extend(reversed([(_Deferred(*lack), None, None) for lack in then]))
        self._todo.extend(reversed(list(pairs)))

    def differ(
        self, steps: Steps, expected: object, got: object, kind: str = CHANGED, texts: tuple[str, str] | None = None
    ) -> None:
        """Record a difference; `texts` replaces the short forms of the values."""
        if self._is_ignored(steps):
            return
        left, right = texts if texts is not None else short_pair(expected, got)
        self.differences.append(Difference(format_path(steps), kind, left, right))

    def lacks(self, steps: Steps, kind: str, value: object) -> None:
        """Record an item that only one side has: `kind` is MISSING or ADDED."""
        if self._is_ignored(steps):
            return
        text = short(value)
        pair = ("", text) if kind == ADDED else (text, "")
        self.differences.append(Difference(format_path(steps), kind, *pair))

    def not_comparable(self, steps: Steps, reason: str) -> None:
        """Record that this place was not compared."""
        self.not_compared.append(NotCompared(format_path(steps), reason))

    def is_duration(self, steps: Steps, expected: object, got: object) -> bool:
        """Whether two different values are times that the call measured; the last name in a path tells."""
        durations = self.options.durations
        name = next((step.key for step in reversed(steps) if isinstance(step.key, str)), "")
        return durations is not None and durations(name, expected, got)

    def is_unordered(self, steps: Steps) -> bool:
        return any(pattern.matches(steps) for pattern in self.options.unordered)

    def _is_ignored(self, steps: Steps) -> bool:
        return any(pattern.matches(steps) for pattern in self.options.ignore)

    def _visit(self, steps: Steps, expected: object, got: object) -> None:
        if self._is_ignored(steps):
            return
        if type(expected) is Placeholder:
            self.not_comparable(steps, f"the bundle has a placeholder there: {expected!r}")
            return
        if type(got) is Placeholder:
            self.placeholders.append(note_of(got).path)
        if self.options.excused and self._excused(steps, expected, got):
            return
        kind = type(expected)
        for wanted, comparator in self.options.comparators:
            if issubclass(kind, wanted):
                if not comparator(expected, got):
                    self.differ(steps, expected, got)
                return
        readings = self.options.readings
        if readings is not None and readings(expected, got) and expected != got:
            self.not_comparable(steps, CLOCK_READING)
            return
        if kind in _NUMBERS and expected != got and self.is_duration(steps, expected, got):
            self.not_comparable(steps, DURATION)
            return
        if kind is not type(got) and type_name(kind) != type_name(type(got)):
            self._differ_in_type(steps, expected, got)
        elif kind in _ATOMS:
            if expected != got and not (type(expected) is type(got) is int and self.identities.same(expected, got)):
                self.differ(steps, expected, got)
        elif expected is not got:
            self._enter(steps, expected, got)

    def _differ_in_type(self, steps: Steps, expected: object, got: object) -> None:
        texts = (f"{short(expected)} ({type_name(type(expected))})", f"{short(got)} ({type_name(type(got))})")
        self.differ(steps, expected, got, TYPE, texts)

    def _excused(self, steps: Steps, expected: object, got: object) -> bool:
        reason = self.options.excused.get(format_path(steps))
        if reason is None:
            return False
        without = Walk(self.options.replace(excused={}), self._find_handler, self.identities, first_only=True)
        if without.run(steps, expected, got).differences:
            self.not_comparable(steps, reason)
        return True

    def _enter(self, steps: Steps, expected: object, got: object) -> None:
        pair = (id(expected), id(got))
        if pair in self._open or pair in self._done:
            return
        self._open.add(pair)
        self._todo.append((None, expected, got))
        self._find_handler(type(expected))(self, steps, expected, got)

    def _close(self, expected: object, got: object) -> None:
        pair = (id(expected), id(got))
        self._open.discard(pair)
        if not self.options.by_path:
            self._done[pair] = (expected, got)  # held, so that no other object gets one of these ids
