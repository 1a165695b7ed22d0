"""Applies the changes that a recorded call made to its arguments: a document that got its id, a filled buffer."""

from __future__ import annotations

from typing import Any


def apply_changes(
    args: tuple[Any, ...], kwargs: dict[str, Any], after_args: tuple[Any, ...], after_kwargs: dict[str, Any]
) -> None:
    """Give the live arguments the content that the recorded ones had after the call; the objects stay the same."""
    for live, after in zip(args, after_args, strict=False):
        _become(live, after)
    for name in kwargs.keys() & after_kwargs.keys():
        _become(kwargs[name], after_kwargs[name])


def _become(live: Any, after: Any) -> None:
    kind = type(live)
    if kind is not type(after):
        return
    if kind in (tuple, frozenset):
        for one, other in zip(live, after, strict=False) if kind is tuple else ():
            _become(one, other)
    elif isinstance(live, dict):
        live.clear()
        live.update(after)
    elif isinstance(live, list | bytearray):
        live[:] = after
    elif isinstance(live, set):
        live.clear()
        live.update(after)
    elif hasattr(live, "__dict__"):
        vars(live).clear()
        vars(live).update(vars(after))
