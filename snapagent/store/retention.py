"""The retention rules: which bundles of a function must go. Pure: names, outcome kinds and shapes in, surplus out.

A bundle that is surplus among some of the bundles is surplus among all of them. So a process may act on those that it
knows of, without a lock: for each one that it removes, newer ones take its place. (Where `keep_outcomes` is more than
one, the order in which processes act may leave fewer of a kind, but never none. Where there are more shapes than
`keep_shapes` has places, it may leave fewer of them.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from functools import lru_cache, partial

from ..core.records import Record
from .layout import BundleEntry, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.settings import Settings

WRONG_CLOCK = 60.0  # seconds ahead of now from which a name was made by a clock that has since been set back


class RetentionRules(Record):
    """The part of a target's settings that decides over retention. `keep` may be infinite, `max_age` is in seconds."""

    keep: float
    keep_outcomes: int
    max_age: float
    keep_shapes: int = 0


_rules = lru_cache(maxsize=64, typed=True)(RetentionRules)


def retention_rules(settings: Settings) -> RetentionRules:
    """Those of equal settings are one object: each target of a large program would have its own."""
    return _rules(settings.keep, settings.keep_outcomes, settings.max_age, settings.keep_shapes)


class Retention:
    """What the rules keep of bundles that are told to it from the newest to the oldest.

    The newest `keep`; of each outcome kind that the newer ones lack the newest `keep_outcomes`; and the newest of each
    shape that those which stay lack, up to `keep_shapes` of them. None as a kind and an empty shape keep nothing.
    """

    def __init__(self, rules: RetentionRules) -> None:
        self._rules = rules
        self._newest = 0
        self._left: dict[str | None, int] = {None: 0}  # of `keep_outcomes`, by kind
        self._shapes = {""}
        self._places = rules.keep_shapes

    @property
    def looks_at_shapes(self) -> bool:
        return self._rules.keep_shapes > 0

    def keeps(self, kind: str | None, shape: Callable[[], str]) -> bool:
        """Whether the next bundle stays. `shape` is called only where the shape matters."""
        return self._keeps_otherwise(kind) or (self._places > 0 and shape() not in self._shapes)

    def add(self, kind: str | None, *shapes: str) -> None:
        """The bundle that was asked about is there. `shapes` are all that it goes by, where shapes matter."""
        if self._newest < self._rules.keep:
            self._newest += 1
            self._left[kind] = 0
        elif self._keeps_otherwise(kind):
            self._left[kind] = self._left.get(kind, self._rules.keep_outcomes) - 1
        else:
            self._places -= 1
        self._shapes.update(shapes)

    def _keeps_otherwise(self, kind: str | None) -> bool:
        return self._newest < self._rules.keep or self._left.get(kind, self._rules.keep_outcomes) > 0


KEEP_ALL = RetentionRules(math.inf, 0, math.inf)


def surplus(
    entries: Sequence[BundleEntry],
    rules: RetentionRules,
    kind_of: Callable[[BundleEntry], str | None],
    pinned: Container[str],
    now: float,
    shape_of: Callable[[BundleEntry], str] = lambda _: "",
) -> list[BundleEntry]:
    """The entries that must go: those older than `max_age`, and of the rest those that `Retention` does not keep.

    `kind_of` and `shape_of` are called only where they matter. Pinned ones stay and do not count. Bundles from a clock
    that ran ahead count as the oldest: as the newest they would push out all that follow.
    """
    free = [entry for entry in entries if entry.name not in pinned]
    too_old = stamp(now - rules.max_age) if rules.max_age < now else ""
    ahead = stamp(now + WRONG_CLOCK)
    free.sort(key=lambda entry: (entry.timestamp <= ahead, entry))
    young = [entry for entry in free if entry.timestamp >= too_old]
    gone = [entry for entry in free if entry.timestamp < too_old]
    if len(young) <= rules.keep:
        return gone
    if rules.keep_outcomes <= 0 and rules.keep_shapes <= 0:
        return gone + young[: len(young) - int(rules.keep)]
    retention = Retention(rules)
    for entry in reversed(young):
        kind = kind_of(entry)
        if not retention.keeps(kind, partial(shape_of, entry)):
            gone.append(entry)
        elif retention.looks_at_shapes:
            retention.add(kind, shape_of(entry))
        else:
            retention.add(kind)
    return gone
