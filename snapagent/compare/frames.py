"""pandas frames, series and indexes: labels, then column by column. pandas is never imported here."""

from __future__ import annotations

import sys
from typing import Any

from ..core.paths import Step
from .arrays import SPELLED_OUT
from .scalars import close
from .walking import Steps, Walk


def compare_frames(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """Columns and index first; with other labels the values have no partners and are not compared."""
    before = len(walk.differences)
    compare_series(walk, (*steps, Step.attribute("columns")), expected.columns, got.columns)
    compare_series(walk, (*steps, Step.attribute("index")), expected.index, got.index)
    if len(walk.differences) > before:
        return
    for position, label in enumerate(expected.columns):
        step = Step.attribute(label) if isinstance(label, str) else Step.item(_plain(label))
        _compare_values(walk, (*steps, step), expected.iloc[:, position], got.iloc[:, position])


def compare_series(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """A series with its name and index, or an index."""
    if list(expected.names if hasattr(expected, "names") else [expected.name]) != list(
        got.names if hasattr(got, "names") else [got.name]
    ):
        walk.differ((*steps, Step.attribute("name")), expected.name, got.name)
    if hasattr(expected, "index") and hasattr(expected, "iloc"):
        before = len(walk.differences)
        compare_series(walk, (*steps, Step.attribute("index")), expected.index, got.index)
        if len(walk.differences) > before:
            return
    _compare_values(walk, steps, expected, got)


def _compare_values(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    if str(expected.dtype) != str(got.dtype):
        walk.differ((*steps, Step.attribute("dtype")), str(expected.dtype), str(got.dtype))
        return
    if expected.equals(got):
        return
    left, right = list(expected), list(got)
    if len(left) != len(right):
        walk.differ(steps, left, right, texts=(f"{len(left)} values", f"{len(right)} values"))
        return
    places = [at for at, pair in enumerate(zip(left, right, strict=True)) if not _same(walk, steps, at, *pair)]
    if len(places) > SPELLED_OUT:
        walk.differ(steps, left, right, texts=(f"{len(left)} values", f"{len(places)} of them differ"))
    for at in places[:SPELLED_OUT]:
        walk.differ((*steps, Step.item(at)), left[at], right[at])


def _same(walk: Walk, steps: Steps, at: int, left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return close(left, right, walk.options)
    return _both_missing(left, right) or walk.equal((*steps, Step.item(at)), left, right)


def _both_missing(left: object, right: object) -> bool:
    pandas = sys.modules["pandas"]
    return any(left is missing and right is missing for missing in (pandas.NA, pandas.NaT))


def _plain(label: Any) -> Any:
    return label if isinstance(label, int | str | bytes | None) else str(label)


def compare_pandas_scalars(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """Timestamps, timedeltas, periods, intervals, NaT."""
    if not _both_missing(expected, got) and not bool(expected == got):
        walk.differ(steps, expected, got)
