"""A bounded cache of what is made once for each tuple of names: many dicts and objects have the same keys."""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Names = tuple[str, ...]

_MOST = 2000  # tuples; beyond it the cache is cleared, which costs only time
_MOST_NAMES = 40  # of one tuple
_MOST_LETTERS = 2000  # of one tuple: longer keys are data


class ByNames(dict["Names", "Any"]):
    """`cache[names]` is `make(names)`, kept where the names are few and short."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[Names], Any]) -> None:
        self._make = make

    def __missing__(self, names: Names) -> Any:
        made = self._make(names)
        if len(names) <= _MOST_NAMES and sum(map(len, names)) <= _MOST_LETTERS:
            if len(self) >= _MOST:
                self.clear()
            self[names] = made
        return made
