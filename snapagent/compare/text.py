"""Values in a few words: bounded, without memory addresses, and safe for objects whose `__repr__` is broken."""

from __future__ import annotations

import re
import reprlib

from ..core.type_facts import instance_dict, mro, type_name
from ..serializer.rebuild import QUERY_SET

SHORT = 100  # characters of one value in a line of a report
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class _Bounded(reprlib.Repr):
    """`reprlib` with its limits set for one line, and with names in place of addresses."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 8
        self.maxstring = self.maxother = limit
        self.maxlong = 40

    def repr_instance(self, x: object, level: int) -> str:
        text = plain_repr(x)
        return text if len(text) <= self.maxother else text[: self.maxother - 3] + "..."


def plain_repr(value: object, one_line: bool = True) -> str:
    """`repr` without addresses; the type's name when `__repr__` fails or says nothing."""
    kind = type(value)
    if kind.__repr__ is object.__repr__:
        return f"<{kind.__qualname__}>"
    if is_unrun_query(value):
        return f"<{kind.__qualname__}, not run>"
    try:
        text = repr(value)
    except Exception as error:
        return f"<{kind.__qualname__} whose repr raises {type(error).__name__}>"
    text = _ADDRESS.sub("", text)
    return " ".join(line.strip() for line in text.splitlines()) if one_line else text


def is_unrun_query(value: object) -> bool:
    """Whether it is a query set of Django whose rows were not fetched: its `__repr__` and its pickling would do it."""
    state = instance_dict(value)
    is_unrun = state is not None and "_result_cache" in state and state["_result_cache"] is None
    return is_unrun and any(type_name(base) == QUERY_SET for base in mro(type(value)))


def short(value: object, limit: int = SHORT) -> str:
    """One bounded line that shows `value`."""
    text = _Bounded(limit).repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def short_pair(expected: object, got: object, limit: int = SHORT) -> tuple[str, str]:
    """Both values in short; of long texts the part where they begin to differ."""
    if isinstance(expected, str | bytes) and isinstance(got, str | bytes) and max(len(expected), len(got)) > limit // 2:
        start = max(_common_start(expected, got) - limit // 4, 0)
        return _window(expected, start, limit // 2), _window(got, start, limit // 2)
    return short(expected, limit), short(got, limit)


def _common_start(left: str | bytes, right: str | bytes) -> int:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))


def _window(value: str | bytes, start: int, size: int) -> str:
    before = "..." if start else ""
    after = "..." if start + size < len(value) else ""
    return f"{before}{value[start : start + size]!r}{after}"
