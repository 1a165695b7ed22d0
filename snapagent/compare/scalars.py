"""Numbers and texts: exact, unless a tolerance is given; NaN equals NaN."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from fractions import Fraction

from .walking import Options, Steps, Walk


def compare_floats(walk: Walk, steps: Steps, expected: float | complex, got: float | complex) -> None:
    if not close(expected, got, walk.options):
        walk.differ(steps, expected, got)


def close(expected: float | complex, got: float | complex, options: Options) -> bool:
    """Equal, both NaN, or within the tolerances."""
    if expected == got or (expected != expected and got != got):
        return True
    if not (options.rtol or options.atol) or abs(expected) == float("inf"):
        return False
    return abs(expected - got) <= options.atol + options.rtol * abs(expected)


def compare_decimals(walk: Walk, steps: Steps, expected: Decimal, got: Decimal) -> None:
    """Exact means the same digits: 1.0 and 1.00 are printed, and rounded, differently."""
    tolerant = bool(walk.options.rtol or walk.options.atol) and expected.is_finite() and got.is_finite()
    if str(expected) == str(got) or (tolerant and close(float(expected), float(got), walk.options)):
        return
    walk.differ(steps, expected, got)


def compare_fractions(walk: Walk, steps: Steps, expected: Fraction, got: Fraction) -> None:
    if expected != got and not close(float(expected), float(got), walk.options):
        walk.differ(steps, expected, got)


def compare_plainly(walk: Walk, steps: Steps, expected: object, got: object) -> None:
    """By `==`, for types whose `==` is the whole truth."""
    if expected != got:
        walk.differ(steps, expected, got)


def compare_members(walk: Walk, steps: Steps, expected: Enum, got: Enum) -> None:
    """By name: a reloaded class has other member objects. Combined flags have no name of their own, but a value."""
    if (expected.name, expected.value) != (got.name, got.value):
        walk.differ(steps, expected, got)
