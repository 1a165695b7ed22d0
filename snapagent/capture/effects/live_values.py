"""Reads a value at a path of live arguments, without running code of the program."""

from __future__ import annotations

import re

from ...core.type_facts import find, instance_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_MEMBER = type(re.Pattern.flags)  # of `__slots__` and of C structures


def value_at(path: str, bound: Mapping[str, Any]) -> Any:
    """The value, or None where it cannot be read: attributes of dictionaries and slots, items of plain containers."""
    value: Any = None
    end = 0
    for number, match in enumerate(_STEP.finditer(path)):
        if match.start() != end:
            return None
        end = match.end()
        name, index, key = match.groups()
        if number == 0:
            value = bound.get(name or "")
        elif name is not None:
            value = _named(value, name)
        else:
            value = _item(value, int(index) if index is not None else key)
        if value is None:
            return None
    return value if end == len(path) else None


def _named(value: Any, name: str) -> Any:
    if type(value) is dict:
        return value.get(name)
    attributes = instance_dict(value)
    if attributes is not None and name in attributes:
        return attributes[name]
    _, found = find(type(value), name)
    if type(found) is _MEMBER:
        try:
            return found.__get__(value)
        except AttributeError:
            return None
    return None


def _item(value: Any, key: Any) -> Any:
    kind = type(value)
    try:
        return value[key] if kind in (list, tuple, dict) else None
    except (LookupError, TypeError):
        return None
