"""Canonical texts that need no walk: of atoms, and of containers of atoms and of containers of nothing but atoms.

They are what the walk of `canonical` gives, written by `repr` for many atoms at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .atoms import ATOMS, HINT, LEAVES, LONG, SORTED, digest, literal_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT_KEYS = {str}


def _flat_list(value: list[Any]) -> str | None:
    return _flat("l", value) if LEAVES.issuperset(map(type, value)) else None


def _flat_tuple(value: tuple[Any, ...]) -> str | None:
    return _flat("t", list(value)) if LEAVES.issuperset(map(type, value)) else None


def _flat_dict(value: Mapping[Any, Any]) -> str | None:
    if not LEAVES.issuperset(map(type, value.values())) or not TEXT_KEYS.issuperset(map(type, value)):
        return None
    names, text = SORTED[tuple(value)]
    return _flat(text, list(map(value.__getitem__, names)))


def _flat(tag: str, values: list[Any]) -> str | None:
    """The text of a container of nothing but atoms; None where it cannot be written at once."""
    text = literal_text(values)
    if text is None or HINT in text:
        return None
    return tag + text if len(text) + len(tag) <= LONG else "#" + digest(tag + text)


_FLAT: dict[type, Callable[[Any], str | None]] = {list: _flat_list, tuple: _flat_tuple, dict: _flat_dict}


def _shallow_list(value: list[Any]) -> str | None:
    return _shallow("l", value)


def _shallow_tuple(value: tuple[Any, ...]) -> str | None:
    return _shallow("t", list(value))


def _shallow_dict(value: Mapping[Any, Any]) -> str | None:
    if not TEXT_KEYS.issuperset(map(type, value)):
        return None
    names, text = SORTED[tuple(value)]
    return _shallow(text, list(map(value.__getitem__, names)))


def _shallow(tag: str, values: list[Any]) -> str | None:
    """The text of a container of atoms and of containers of nothing but atoms: no cycle can go through it, so that it
    needs no place in the walk. None for any other."""
    if LEAVES.issuperset(map(type, values)):
        return _flat(tag, values)
    atoms: list[Any] = []
    others: list[str] = []
    for value in values:
        kind = type(value)
        if kind in LEAVES:
            atoms.append(value)
            continue
        write = _FLAT.get(kind)
        text = write(value) if write is not None else None
        if text is None:
            return None
        atoms.append(...)
        others.append(text)
    text = literal_text(atoms)
    if text is None or HINT in text:
        return None
    text = f"{tag}{text}{''.join(others)}"
    return text if len(text) <= LONG else "#" + digest(text)


AT_ONCE: dict[type, Callable[[Any], str | None]] = {list: _shallow_list, tuple: _shallow_tuple, dict: _shallow_dict}


def write_at_once(value: Any) -> str | None:
    kind = type(value)
    write = ATOMS.get(kind) or AT_ONCE.get(kind)
    return write(value) if write is not None else None
