"""`compare` and `examine`: two values in, the places where they differ out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.paths import RESULT, Step, parse_path
from .handlers import find_handler
from .identities import Identities
from .report import TOO_DEEP, Comparison, Difference
from .walking import Comparator, Options, Walk


def make_options(
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    ignore: Iterable[str] = (),
    unordered: Iterable[str] = (),
    comparators: Mapping[type, Comparator] | None = None,
    excused: Mapping[str, str] | None = None,
) -> Options:
    """Options from what users write. Raises ValueError for a path that cannot be read or a negative tolerance."""
    if not (rtol >= 0 and atol >= 0):
        raise ValueError(f"tolerances must not be negative: rtol={rtol!r}, atol={atol!r}")
    return Options(
        rtol=rtol,
        atol=atol,
        ignore=tuple(parse_path(path) for path in _paths(ignore)),
        unordered=tuple(parse_path(path) for path in _paths(unordered)),
        comparators=tuple((comparators or {}).items()),
        excused=dict(excused or {}),
    )


def _paths(paths: Iterable[str]) -> Iterable[str]:
    return (paths,) if isinstance(paths, str) else paths


def compare(
    expected: object,
    got: object,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    ignore: Iterable[str] = (),
    unordered: Iterable[str] = (),
    comparators: Mapping[type, Comparator] | None = None,
) -> list[Difference]:
    """The places where two values differ, none when they are equal; paths begin with `result`.

    Exact by default, types included; NaN equals NaN. Tolerances apply to floats only, as numpy's do.
    Places that match an `ignore` path are skipped, lists at an `unordered` path are compared without regard to order,
    and `comparators` maps a type (and what derives from it) to a function that says whether two values are equal.
    Placeholders in the expected value are not compared (`examine` lists them).
    """
    options = make_options(rtol=rtol, atol=atol, ignore=ignore, unordered=unordered, comparators=comparators)
    return list(examine(expected, got, options).differences)


def examine(expected: object, got: object, options: Options = Options(), root: str = RESULT) -> Comparison:  # noqa: B008
    """Like `compare`, with the places that were not compared too. Paths begin with `root`."""
    walk = Walk(options, find_handler, Identities(expected, got))
    try:
        walk.run((Step.attribute(root),), expected, got)
    except RecursionError:
        walk.differ((Step.attribute(root),), expected, got, TOO_DEEP)
    return Comparison(tuple(walk.differences), tuple(walk.not_compared), tuple(walk.placeholders))
