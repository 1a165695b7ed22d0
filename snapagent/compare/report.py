"""The result of a comparison, as data and as text."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.records import Record

CHANGED = "changed"  # another value of the same type
TYPE = "type"  # a value of another type
MISSING = "missing"  # expected, and not there
ADDED = "added"  # there, and not expected
ORDER = "order"  # the same items in another order
TOO_DEEP = "too_deep"  # nested so deep that comparing it failed: never counted as equal

NOT_MADE = "not made"  # a recorded call of a dependency that the replay did not make
MADE_TWICE = "made again"  # one that the replay made more often than it was recorded

SHOWN = 20  # differences that a report spells out


class Difference(Record):
    """One place where two values differ; `expected` and `got` are the values in a line each, "" where there is none."""

    path: str
    kind: str
    expected: str
    got: str

    def __str__(self) -> str:
        if self.kind == MISSING:
            return f"{self.path}: missing, expected {self.expected}"
        if self.kind == ADDED:
            return f"{self.path}: not expected, got {self.got}"
        if self.kind == NOT_MADE:
            return f"{self.path}: {self.expected} was recorded, not made"
        if self.kind == MADE_TWICE:
            return f"{self.path}: {self.got} was made again"
        note = {TYPE: " (another type)", ORDER: " (another order)", TOO_DEEP: " (too deep to compare)"}
        return f"{self.path}: expected {self.expected}, got {self.got}{note.get(self.kind, '')}"


class NotCompared(Record):
    """One place that was left out of a comparison, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Comparison(Record):
    """All that a comparison found; true when nothing differs.

    `placeholders` are the paths of arguments whose placeholders stand in the other value, where the two differ.
    """

    differences: tuple[Difference, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    placeholders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.differences

    def __str__(self) -> str:
        return format_comparison(self)


def format_differences(differences: Sequence[Difference]) -> str:
    """A line or two for each difference, aligned for reading; "no differences" for none."""
    if not differences:
        return "no differences"
    lines: list[str] = []
    for difference in differences[:SHOWN]:
        lines += _lines(difference)
    if len(differences) > SHOWN:
        lines.append(f"... and {len(differences) - SHOWN} more")
    return "\n".join(lines)


def _lines(difference: Difference) -> list[str]:
    text = str(difference)
    if len(text) <= 100 or difference.kind in (MISSING, ADDED, NOT_MADE, MADE_TWICE):
        return [text]
    kind = "" if difference.kind == CHANGED else f" ({difference.kind.replace('_', ' ')})"
    return [f"{difference.path}:{kind}", f"    expected {difference.expected}", f"    got      {difference.got}"]


def format_comparison(comparison: Comparison) -> str:
    """The differences, and below them what was not compared."""
    text = format_differences(comparison.differences)
    if comparison.not_compared:
        shown = [f"    {item}" for item in comparison.not_compared[:SHOWN]]
        more = len(comparison.not_compared) - SHOWN
        text += "\nnot compared:\n" + "\n".join(shown + ([f"    ... and {more} more"] if more > 0 else []))
    return text
