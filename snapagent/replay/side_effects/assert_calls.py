"""Compares the calls that a mock saw with the recorded calls, and words the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from ...bundle import Header
from ...compare import format_differences
from .misses import argument_differences, call_text
from .recordings import Recordings
from .wrappers import recordings_of

ShownCall = tuple[Header, dict[str, Any]]


def check_calls(mock: Any, any_order: bool) -> None:
    """Check that the mock saw the recorded calls.

    Raises:
        AssertionError: it did not; the message lists the calls that differ.
        TypeError: `mock` has no wrapper of a side effect.
    """
    recordings = recordings_of(mock)
    if recordings is None:
        raise TypeError(f"{mock!r} is neither a wrapper of side_effects.wrap nor a mock with one as its side_effect")
    recorded = recordings.recorded_names()
    seen = _SeenCalls(recordings, mock)
    problems = (_in_any_order if any_order else _in_order)(recordings, recorded, seen)
    if problems:
        counts = f"{len(recorded)} recorded, {len(seen.digits)} seen"
        raise AssertionError(
            f"{recordings.wrapped.name} was not called as recorded ({counts}):\n" + "\n".join(problems)
        )


class _SeenCalls:
    """The calls that a mock saw, or those of the wrapper itself when there is no mock."""

    def __init__(self, recordings: Recordings, mock: Any) -> None:
        self._recordings = recordings
        calls = getattr(mock, "call_args_list", None)
        self._calls = [(tuple(call.args), dict(call.kwargs)) for call in calls] if calls is not None else None
        if self._calls is None or len(self._calls) == len(recordings.log):
            self.digits = [
                digits_of(name) for name in recordings.log
            ]  # of the arguments as they were at the call: the code under test may have changed them since
        else:
            self.digits = [recordings.freeze(*call).digits for call in self._calls]

    def shown(self, index: int) -> ShownCall:
        if self._calls is not None:
            return self._recordings.shown_call(*self._calls[index])
        return self._recordings.shown_recording(self._recordings.log[index])


def digits_of(name: str) -> str:
    """The argument hash in a recording's file name."""
    return name.removesuffix(".pkl").partition("-")[0]


def _in_order(recordings: Recordings, recorded: Sequence[str], seen: _SeenCalls) -> list[str]:
    problems = []
    for index, (name, digits) in enumerate(zip_longest(recorded, seen.digits)):
        if name is not None and digits == digits_of(name):
            continue
        place = f"call {index + 1}:"
        if name is None:
            problems.append(f"  {place} not recorded: {call_text(recordings.wrapped.name, seen.shown(index)[0])}")
        elif digits is None:
            problems.append(
                f"  {place} not made: {call_text(recordings.wrapped.name, recordings.shown_recording(name)[0])}"
            )
        else:
            problems += _differing(recordings, place, recordings.shown_recording(name), seen.shown(index))
    return problems


def _differing(recordings: Recordings, place: str, recorded: ShownCall, seen: ShownCall) -> list[str]:
    found = format_differences(argument_differences(*recorded, seen[1]))
    texts = [call_text(recordings.wrapped.name, header) for header in (recorded[0], seen[0])]
    lines = [f"  {place} recorded {texts[0]}", f"  {' ' * len(place)} saw      {texts[1]}"]
    return lines + [f"      {line}" for line in found.splitlines()]


def _in_any_order(recordings: Recordings, recorded: Sequence[str], seen: _SeenCalls) -> list[str]:
    expected = Counter(digits_of(name) for name in recorded)
    found = Counter(seen.digits)
    problems = []
    for name in recorded:
        if (expected - found)[digits_of(name)]:
            expected[digits_of(name)] -= 1
            problems.append(f"  not made: {call_text(recordings.wrapped.name, recordings.shown_recording(name)[0])}")
    for index, digits in enumerate(seen.digits):
        if (found - expected)[digits]:
            found[digits] -= 1
            problems.append(f"  not recorded: {call_text(recordings.wrapped.name, seen.shown(index)[0])}")
    return problems
