"""numpy arrays and scalars: dtype, shape, then elements. numpy is never imported here, only used when it is there."""

from __future__ import annotations

import sys
from typing import Any

from ..core.paths import Step
from .scalars import close
from .walking import DURATION, Steps, Walk

SPELLED_OUT = 3  # elements of one array that a report spells out


def compare_arrays(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """Report a different dtype or shape; otherwise the first few elements that differ, and their number."""
    for name in ("dtype", "shape"):
        left, right = getattr(expected, name), getattr(got, name)
        if left != right:
            walk.differ((*steps, Step.attribute(name)), left, right)
            return
    if expected.dtype.kind == "O":
        _compare_objects(walk, steps, expected, got)
    elif expected.dtype.names:
        for name in expected.dtype.names:
            compare_arrays(walk, (*steps, Step.attribute(name)), expected[name], got[name])
    else:
        _compare_elements(walk, steps, expected, got)
    if hasattr(expected, "mask"):
        compare_arrays(walk, (*steps, Step.attribute("mask")), _mask(expected), _mask(got))


def _mask(array: Any) -> Any:
    return sys.modules["numpy"].ma.getmaskarray(array)


def _compare_objects(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    numpy = sys.modules["numpy"]
    walk.descend(
        [((*steps, *map(Step.item, index)), expected[index], got[index]) for index in numpy.ndindex(expected.shape)]
    )


def _compare_elements(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    numpy = sys.modules["numpy"]
    left, right = numpy.asarray(expected), numpy.asarray(got)
    same = left == right
    if left.dtype.kind in "fcmM":
        same |= (left != left) & (right != right)
    options = walk.options
    if left.dtype.kind in "fc" and (options.rtol or options.atol):
        with numpy.errstate(all="ignore"):
            finite = numpy.isfinite(left)
            same |= finite & (numpy.abs(left - right) <= options.atol + options.rtol * numpy.abs(left))
    if hasattr(expected, "mask"):
        same |= _mask(expected) & _mask(got)
    different = numpy.argwhere(~numpy.asarray(same))
    if not len(different):
        return
    if all(walk.is_duration(steps, *_at(left, right, index)) for index in different):
        walk.not_comparable(steps, DURATION)
        return
    if left.size > 1:
        count = f"{len(different)} of {left.size} elements differ"
        walk.differ(steps, expected, got, texts=(_about(left), f"{_about(right)}: {count}"))
    for index in different[:SPELLED_OUT] if left.size > 1 else [()]:
        walk.differ((*steps, *(Step.item(int(at)) for at in index)), *_at(left, right, index))


def _at(left: Any, right: Any, index: Any) -> tuple[Any, Any]:
    """The elements of two arrays at one index, as plain values."""
    place = tuple(int(at) for at in index)
    return left[place].item(), right[place].item()


def _about(array: Any) -> str:
    return f"array of {array.dtype} {'x'.join(map(str, array.shape))}"


def compare_scalars(walk: Walk, steps: Steps, expected: Any, got: Any) -> None:
    """One numpy number, text or time."""
    left, right = expected.item(), got.item()
    if isinstance(left, float | complex) and isinstance(right, float | complex):
        same = close(left, right, walk.options)
    else:
        same = bool(expected == got) or bool(expected != expected and got != got)
    if not same and walk.is_duration(steps, left, right):
        walk.not_comparable(steps, DURATION)
    elif not same:
        walk.differ(steps, expected, got)
