"""The known names that a misspelt or moved name may have meant, for error messages."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def near_matches(wanted: str, known: Iterable[str], n: int = 3) -> tuple[str, ...]:
    """At most `n` of `known` that `wanted` may have meant, the likeliest first."""
    from difflib import get_close_matches

    names = list(dict.fromkeys(known))
    last = _last_segment(wanted)
    moved = [name for name in names if _last_segment(name) == last]  # the right function in the wrong module
    likeliest = get_close_matches(wanted, moved, n, cutoff=0.0)
    return tuple(dict.fromkeys((*likeliest, *get_close_matches(wanted, names, n))))[:n]


def _last_segment(name: str) -> str:
    return name.replace(":", ".").rpartition(".")[2].casefold()
