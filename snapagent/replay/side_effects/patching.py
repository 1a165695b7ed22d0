"""Putting a wrapper where a function stands, and the function back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...bundle import CLASSMETHOD, STATICMETHOD
from ..functions import find_raw, import_module

_ABSENT = object()


def put(target: str, kind: str, wrapper: Callable[..., Any]) -> Callable[[], None]:
    """Replace the attribute that `module:qualname` names; the result puts it back."""
    module, _, qualname = target.partition(":")
    above, _, name = qualname.rpartition(".")
    owner: Any = find_raw(f"{module}:{above}") if above else import_module(module, target)
    before = vars(owner).get(name, _ABSENT)  # absent: inherited from a base class
    standing: Any = {CLASSMETHOD: classmethod, STATICMETHOD: staticmethod}.get(kind, _as_it_is)(wrapper)
    setattr(owner, name, standing)

    def put_back() -> None:
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)

    return put_back


def _as_it_is(wrapper: Callable[..., Any]) -> Callable[..., Any]:
    return wrapper
