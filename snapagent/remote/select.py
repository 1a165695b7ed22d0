"""Which objects of a function are wanted: pure, from listed keys; the newest first, equal calls once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..core.records import Record
from ..store.retention import WRONG_CLOCK
from .keys import Key
from .objects import Found


class Wanted(Record):
    """`keep` different calls (outcome kind and hash), then `keep_outcomes` of each outcome kind that they lack.

    `since` is a time in seconds since the epoch; `max_pages` is how many pages of a LIST are read for one function.
    """

    keep: float = 2
    keep_outcomes: int = 1
    since: float = 0.0
    max_pages: float = 5


def is_ahead(found: Found) -> bool:
    """True when the clock that named an object ran ahead: no call ends before it was made."""
    return found.key.when > found.modified + WRONG_CLOCK


class Selection:
    """Candidates of one function, one after the other; `took` says that the last one is good. Reads pages as needed."""

    def __init__(self, pages: Iterable[Sequence[Found]], wanted: Wanted) -> None:
        self._pages = iter(pages)
        self._wanted = wanted
        self._calls: set[tuple[str, str]] = set()
        self._kept: set[str] = set()  # outcome kinds among the newest `keep`
        self._others: Counter[str] = Counter()
        self.is_cut = False  # whether the limit of pages came before `keep` was reached

    def took(self, key: Key) -> None:
        if self._is_full:
            self._others[key.kind] += 1
        else:
            self._kept.add(key.kind)
        self._calls.add(key.call)

    def __iter__(self) -> Iterator[Found]:
        return (found for found in self._in_order() if self._is_wanted(found.key))

    def _in_order(self) -> Iterator[Found]:
        """The newest first; objects that a clock which ran ahead has named count as the oldest.

        With `keep` reached, other outcome kinds are looked for in the page at hand and not beyond.
        """
        ahead: list[Found] = []
        for number, page in enumerate(self._pages, start=1):
            ahead += (found for found in page if is_ahead(found))
            listed = [found for found in page if not is_ahead(found)]
            recent = [found for found in listed if found.key.when >= self._wanted.since]
            yield from recent
            if self._is_full or len(recent) < len(listed):
                break
            if number >= self._wanted.max_pages:
                self.is_cut = True
                break
        yield from (found for found in ahead if found.key.when >= self._wanted.since)

    @property
    def _is_full(self) -> bool:
        return len(self._calls) >= self._wanted.keep

    def _is_wanted(self, key: Key) -> bool:
        if key.call in self._calls:
            return False
        if not self._is_full:
            return True
        return key.kind not in self._kept and self._others[key.kind] < self._wanted.keep_outcomes
