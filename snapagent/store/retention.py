"""Which bundles a function may keep. Pure: names and outcome kinds in, surplus out.

What is surplus among some of the bundles is surplus among all of them, so a process may act on those that it knows of,
without a lock: for each one that it removes, newer ones exist that take its place. (Where `keep_outcomes` is more than
one, the order in which processes act may leave fewer of a kind, but never none.)
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from ..core.records import Record
from .layout import Entry, stamp

WRONG_CLOCK = 60.0  # seconds ahead of now from which a name was made by a clock that has since been set back


class Keeping(Record):
    """The part of a target's settings that says what stays. `keep` may be infinite, `max_age` is in seconds."""

    keep: float
    keep_outcomes: int
    max_age: float


def surplus(
    entries: Sequence[Entry],
    keeping: Keeping,
    kind_of: Callable[[Entry], str | None],
    pinned: Container[str],
    now: float,
) -> list[Entry]:
    """The entries that must go. `kind_of` is asked only for what it decides; None is a kind that nobody wants.

    The newest `keep` stay; besides them the newest `keep_outcomes` of each outcome kind that they lack; pinned ones
    stay and do not count; what is older than `max_age` goes. Bundles from a clock that ran ahead count as the oldest,
    or they would push out everything that follows.
    """
    free = [entry for entry in entries if entry.name not in pinned]
    too_old = stamp(now - keeping.max_age) if keeping.max_age < now else ""
    ahead = stamp(now + WRONG_CLOCK)
    free.sort(key=lambda entry: (entry.timestamp <= ahead, entry))
    young = [entry for entry in free if entry.timestamp >= too_old]
    gone = [entry for entry in free if entry.timestamp < too_old]
    if len(young) <= keeping.keep:
        return gone
    cut = len(young) - int(keeping.keep)
    older, newest = young[:cut], young[cut:]
    if keeping.keep_outcomes <= 0:
        return gone + older
    room = {kind_of(entry): 0 for entry in newest}
    room[None] = 0
    for entry in reversed(older):
        kind = kind_of(entry)
        left = room.setdefault(kind, keeping.keep_outcomes)
        room[kind] = left - 1
        if left <= 0:
            gone.append(entry)
    return gone
