"""Limits the depth of graphs, so that `encode`, which recurses, can write them on a small stack."""

from __future__ import annotations

from ...bundle import Note
from ...placeholder import PLACEHOLDER, TOO_DEEP
from .nodes import inert_type_name, is_atom
from .stand_ins import stand_in
from .walk import Place, Roots, extended, items_of, path_of, put, substitute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SAFE_DEPTH = 200  # containers inside each other
_REASON = "it is nested too deep to be written again after redaction"


def cut_deep(roots: Roots, limit: int = SAFE_DEPTH) -> list[Note]:
    """Replace the values that a pickler would reach more than `limit` containers down by placeholders."""
    notes: list[Note] = []
    replaced: dict[int, tuple[Any, Any]] = {}
    seen: set[int] = set()
    rest = [(Place(roots, None, ()), 0)]
    while rest:
        place, depth = rest.pop()
        if id(place.node) in seen:
            continue
        seen.add(id(place.node))
        changes = {}
        below = []
        for item in items_of(place):
            if is_atom(item.child) or id(item.child) in seen:
                continue
            link = extended(place.link, item.key)
            if depth < limit or item.slot is None:
                below.append((Place(item.child, link, item.labels), depth + 1))
                continue
            note = Note(path_of(link), TOO_DEEP, inert_type_name(item.child), _REASON)
            notes.append(note)
            changes[item.slot] = stand_in(*PLACEHOLDER.split(":"))(note.path, note.kind, note.type, note.reason, "")
        if changes:
            put(place, changes, replaced)
        rest.extend(reversed(below))  # in a pickler's own order
    substitute(roots, replaced)
    return notes
