"""The retention rules: which bundles of a function must go. Pure: names and outcome kinds in, surplus out.

A bundle that is surplus among some of the bundles is surplus among all of them. So a process may act on those that it
knows of, without a lock: for each one that it removes, newer ones take its place. (Where `keep_outcomes` is more than
one, the order in which processes act may leave fewer of a kind, but never none.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence

from ..core.records import Record
from .layout import BundleEntry, stamp

WRONG_CLOCK = 60.0  # seconds ahead of now from which a name was made by a clock that has since been set back


class RetentionRules(Record):
    """The part of a target's settings that decides over retention. `keep` may be infinite, `max_age` is in seconds."""

    keep: float
    keep_outcomes: int
    max_age: float


KEEP_ALL = RetentionRules(math.inf, 0, math.inf)


def surplus(
    entries: Sequence[BundleEntry],
    rules: RetentionRules,
    kind_of: Callable[[BundleEntry], str | None],
    pinned: Container[str],
    now: float,
) -> list[BundleEntry]:
    """The entries that must go. `kind_of` is called only where the kind matters; None is never kept for its kind.

    The newest `keep` stay; besides them the newest `keep_outcomes` of each outcome kind that they lack; pinned ones
    stay and do not count; bundles older than `max_age` go. Bundles from a clock that ran ahead count as the oldest:
    as the newest they would push out all that follow.
    """
    free = [entry for entry in entries if entry.name not in pinned]
    too_old = stamp(now - rules.max_age) if rules.max_age < now else ""
    ahead = stamp(now + WRONG_CLOCK)
    free.sort(key=lambda entry: (entry.timestamp <= ahead, entry))
    young = [entry for entry in free if entry.timestamp >= too_old]
    gone = [entry for entry in free if entry.timestamp < too_old]
    if len(young) <= rules.keep:
        return gone
    cut = len(young) - int(rules.keep)
    older, newest = young[:cut], young[cut:]
    if rules.keep_outcomes <= 0:
        return gone + older
    allowed = {kind_of(entry): 0 for entry in newest}  # how many older ones of a kind may stay
    allowed[None] = 0
    for entry in reversed(older):
        kind = kind_of(entry)
        left = allowed.setdefault(kind, rules.keep_outcomes)
        allowed[kind] = left - 1
        if left <= 0:
            gone.append(entry)
    return gone
