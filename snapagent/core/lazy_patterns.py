"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Lazy:
    """Has the methods of a compiled pattern; each is found in `__dict__` from its second use on."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def lazy_pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, which takes up to 4 ms for long alternatives that many programs never need."""
    made: Any = _Lazy(text, flags)
    pattern: re.Pattern[str] = made
    return pattern
