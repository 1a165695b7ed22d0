"""Keeping graphs shallow enough to be written: recursion must end before a small stack does."""

from __future__ import annotations

from ...bundle import Note
from ...placeholder import PLACEHOLDER, TOO_DEEP
from .decode import is_atom, stand_in, type_name
from .walk import Place, Roots, entries, extended, path_of, put, substitute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SAFE_DEPTH = 200  # containers inside each other
_REASON = "it is nested too deep to be written again after redaction"


def cut_deep(roots: Roots, limit: int = SAFE_DEPTH) -> list[Note]:
    """Put placeholders in place of what a pickler would meet more than `limit` containers down."""
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
        for entry in entries(place):
            if is_atom(entry.child) or id(entry.child) in seen:
                continue
            link = extended(place.link, entry.key)
            if depth < limit or entry.slot is None:
                below.append((Place(entry.child, link, entry.labels), depth + 1))
                continue
            note = Note(path_of(link), TOO_DEEP, type_name(entry.child), _REASON)
            notes.append(note)
            changes[entry.slot] = stand_in(*PLACEHOLDER.split(":"))(note.path, note.kind, note.type, note.reason, "")
        if changes:
            put(place, changes, replaced)
        rest.extend(reversed(below))  # in a pickler's own order
    substitute(roots, replaced)
    return notes
