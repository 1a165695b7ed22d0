"""Whether a mock saw exactly the recorded calls, and what to say when it did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from ...bundle import Header
from ...compare import format_differences
from .misses import argument_differences, call_text
from .recordings import Book
from .wrappers import book_of

Told = tuple[Header, dict[str, Any]]


def check_calls(mock: Any, any_order: bool) -> None:
    """Raises AssertionError that lists, call by call, where the mock saw something else than what is recorded.

    TypeError when `mock` has nothing to do with a recorded side effect.
    """
    book = book_of(mock)
    if book is None:
        raise TypeError(f"{mock!r} is no mock whose side_effect is made by side_effects.wrap, and no such wrapper")
    recorded = book.recorded_names()
    seen = _Seen(book, mock)
    problems = (_as_bags if any_order else _in_order)(book, recorded, seen)
    if problems:
        counts = f"{len(recorded)} recorded, {len(seen.digits)} seen"
        raise AssertionError(f"{book.effect.name} was not called as recorded ({counts}):\n" + "\n".join(problems))


class _Seen:
    """The calls that a mock saw, or the wrapper itself."""

    def __init__(self, book: Book, mock: Any) -> None:
        self._book = book
        calls = getattr(mock, "call_args_list", None)
        self._calls = [(tuple(call.args), dict(call.kwargs)) for call in calls] if calls is not None else None
        if self._calls is None or len(self._calls) == len(book.log):
            self.digits = [name_digits(name) for name in book.log]  # as they were when they were made
        else:
            self.digits = [book.freeze(*call).digits for call in self._calls]

    def told(self, index: int) -> Told:
        if self._calls is not None:
            return self._book.told_call(*self._calls[index])
        return self._book.told_recording(self._book.log[index])


def name_digits(name: str) -> str:
    """The argument hash in a recording's file name."""
    return name.removesuffix(".pkl").partition("-")[0]


def _in_order(book: Book, recorded: Sequence[str], seen: _Seen) -> list[str]:
    problems = []
    for index, (name, digits) in enumerate(zip_longest(recorded, seen.digits)):
        if name is not None and digits == name_digits(name):
            continue
        place = f"call {index + 1}:"
        if name is None:
            problems.append(f"  {place} not recorded: {call_text(book.effect.name, seen.told(index)[0])}")
        elif digits is None:
            problems.append(f"  {place} not made: {call_text(book.effect.name, book.told_recording(name)[0])}")
        else:
            problems += _differing(book, place, book.told_recording(name), seen.told(index))
    return problems


def _differing(book: Book, place: str, recorded: Told, seen: Told) -> list[str]:
    found = format_differences(argument_differences(*recorded, seen[1]))
    texts = [call_text(book.effect.name, header) for header in (recorded[0], seen[0])]
    lines = [f"  {place} recorded {texts[0]}", f"  {' ' * len(place)} saw      {texts[1]}"]
    return lines + [f"      {line}" for line in found.splitlines()]


def _as_bags(book: Book, recorded: Sequence[str], seen: _Seen) -> list[str]:
    wanted = Counter(name_digits(name) for name in recorded)
    found = Counter(seen.digits)
    problems = []
    for name in recorded:
        if (wanted - found)[name_digits(name)]:
            wanted[name_digits(name)] -= 1
            problems.append(f"  not made: {call_text(book.effect.name, book.told_recording(name)[0])}")
    for index, digits in enumerate(seen.digits):
        if (found - wanted)[digits]:
            found[digits] -= 1
            problems.append(f"  not recorded: {call_text(book.effect.name, seen.told(index)[0])}")
    return problems
