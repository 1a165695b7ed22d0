"""Argument hashes shortened for people: to the eight digits of file names and test ids, and to unique prefixes."""

from __future__ import annotations

from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS = 8  # in file names and test ids
_FEWEST = 4  # digits: fewer are ambiguous after the next few captures


def short_hash(argument_hash: str) -> str:
    """The eight digits that file names and test ids show, of a hash with or without `h1:`."""
    return argument_hash.rpartition(":")[2][:_DIGITS]


def case_ids(bundles: Iterable[tuple[str, str]]) -> list[str]:
    """A test id for each (hash, outcome), such as `3fa9c1d2-returned`; repeats get `-2`, `-3` in the order given.

    pytest and the JUnit report both use it, so that one bundle has one id; the same bundles have the same ids on every
    machine.
    """
    seen: dict[str, int] = {}
    ids = []
    for argument_hash, outcome in bundles:
        plain = f"{short_hash(argument_hash)}-{outcome}"
        seen[plain] = seen.get(plain, 0) + 1
        ids.append(plain if seen[plain] == 1 else f"{plain}-{seen[plain]}")
    return ids


class Abbreviations:
    """The shortest unique prefixes among some hashes. Those that nobody asks for cost their place in a sorted list."""

    def __init__(self, hashes: Iterable[str]) -> None:
        self._sorted = sorted(set(hashes))

    def length(self, digits: str) -> int:
        """How many characters of one of the hashes tell it from all the others."""
        at = bisect_left(self._sorted, digits)
        neighbours = self._sorted[max(at - 1, 0) : at] + self._sorted[at + 1 : at + 2]
        shared = max((_shared(digits, other) for other in neighbours), default=0)
        return min(max(shared + 1, _FEWEST), len(digits))

    def of(self, digits: str) -> str:
        return digits[: self.length(digits)]


def _shared(one: str, other: str) -> int:
    """Length of the beginning that both have."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
