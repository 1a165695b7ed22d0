"""Shortens hashes to the fewest unique digits, as git does, and makes the ids of test cases."""

from __future__ import annotations

from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 8  # digits in file names, in tables and in test ids
_FEWEST = 4  # digits: fewer are ambiguous after the next few captures


class Abbreviations:
    """The shortest unique prefixes among some hashes. Each is computed when it is asked for."""

    def __init__(self, hashes: Iterable[str]) -> None:
        self._sorted = sorted(set(hashes))

    def length(self, digits: str) -> int:
        """How many characters make one of the hashes unique."""
        at = bisect_left(self._sorted, digits)
        neighbours = self._sorted[max(at - 1, 0) : at] + self._sorted[at + 1 : at + 2]
        shared = max((_shared(digits, other) for other in neighbours), default=0)
        return min(max(shared + 1, _FEWEST), len(digits))

    def of(self, digits: str) -> str:
        return digits[: self.length(digits)]


def told_apart(hashes: Iterable[str]) -> list[str]:
    """Hashes for a message: without version, at least as long as in file names, longer where they would be the same."""
    digits = [one.rpartition(":")[2] for one in hashes]
    shortest = Abbreviations(digits)
    return [one[: max(shortest.length(one), _SHOWN)] for one in digits]


def _shared(one: str, other: str) -> int:
    """Length of the beginning that both have."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def without_version(word: str) -> str:
    """The digits, or the beginning of them, that a user wrote with `h1:` or `h2:` before them or not."""
    return word[3:] if word[:3] in ("h1:", "h2:") else word


def short_hash(argument_hash: str) -> str:
    """The digits of a hash such as `h1:3fa9c1d2...` that people see."""
    return argument_hash.rpartition(":")[2][:_SHOWN]


def case_ids(calls: Iterable[tuple[str, str]]) -> list[str]:
    """Test ids from the hash and the outcome of each bundle of one function: `3fa9c1d2-returned`.

    Bundles with the same id get -2, -3 in their order, so that the ids are the same wherever the bundles are.
    """
    seen: dict[str, int] = {}
    ids = []
    for argument_hash, outcome in calls:
        plain = f"{short_hash(argument_hash)}-{outcome}"
        number = seen[plain] = seen.get(plain, 0) + 1
        ids.append(plain if number == 1 else f"{plain}-{number}")
    return ids
