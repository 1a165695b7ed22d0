"""Retention in an object store: of each function the newest different calls stay, and of other outcome kinds some.

For one job, not for every pod. Nothing that is younger than an hour goes, by the later of the key's time and the
server's, so that a pod whose clock is wrong loses nothing; nor does an object whose key is not one of ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..core.records import Record
from .failures import ObjectGone
from .keys import Key
from .objects import Found, Objects
from .patience import PATIENCE, patiently
from .select import Selection, Wanted
from .sources import pages_of

_YOUNG = 3600.0  # seconds
_BATCH = 1000  # keys of one request


class RemotePrune(Record):
    """`keep` different calls and `keep_outcomes` of each outcome kind that they lack; `max_age` in seconds."""

    keep: float = 20
    keep_outcomes: int = 1
    max_age: float = math.inf


def surplus(pages: Iterator[Sequence[Found]], rules: RemotePrune, now: float) -> Iterator[Found]:
    """The objects of one function that must go, the newest first."""
    listed = [found for page in pages for found in page]
    wanted = Wanted(rules.keep, rules.keep_outcomes, since=now - rules.max_age, max_pages=math.inf)
    selection = Selection([listed], wanted)
    kept: set[Key] = set()
    for found in selection:
        selection.took(found.key)
        kept.add(found.key)
    for found in listed:
        if found.key not in kept and max(found.key.when, found.modified) < now - _YOUNG:
            yield found


def prune(objects: Objects, folder: str, rules: RemotePrune, now: float, *, dry_run: bool = False) -> list[Found]:
    """Remove what is surplus of one function; returns what went, or would go. Raises RemoteError."""
    out = list(surplus(pages_of(objects, folder), rules, now))
    if not dry_run:
        for start in range(0, len(out), _BATCH):
            _delete(objects, [found.key for found in out[start : start + _BATCH]])
    return out


def _delete(objects: Objects, keys: Sequence[Key]) -> None:
    try:
        patiently(lambda: objects.delete(keys), PATIENCE)
    except ObjectGone:  # another job was quicker
        return
