"""`random`: the state of the generator that the functions of the module share, at the start of the target's call.

Replay sets that state, so the same draws give the same numbers. One draw more shifts all later ones.
"""

from __future__ import annotations

from ..tape import READ
from . import Described, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    return Described(READ, "random state", {})


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    from sys import modules

    modules["random"].setstate(stored)


operations = (Operation("random", "getstate", _describe, rebuild=_rebuild, at_start=True),)
