"""How many bundles of a function a watching `push` uploads: a rate, with a burst of an hour."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from ..config.units import parse_duration
from ..core.records import Record

_WANTED = "a rate such as 2/h, 10/min, 1/d, or .inf for no limit"


class Rate(Record):
    """Bundles per second and function; infinite: no limit."""

    per_second: float

    def shared_by(self, pods: int) -> Rate:
        """The part of one pod when the rate is meant for all of them."""
        return Rate(self.per_second / pods)


def parse_rate(text: str) -> Rate:
    """Raises ValueError that says what was wanted."""
    if text.strip().lower() in (".inf", "inf"):
        return Rate(math.inf)
    number, slash, unit = text.strip().partition("/")
    try:
        amount = float(number)
        seconds = parse_duration(unit if unit[:1].isdigit() else f"1{unit}")
    except ValueError:
        raise ValueError(f"{_WANTED} is wanted, not {text!r}") from None
    if not slash or not unit or seconds <= 0 or not 0 < amount < math.inf:
        raise ValueError(f"{_WANTED} is wanted, not {text!r}")
    return Rate(amount / seconds)


class Buckets:
    """A token bucket per function. It starts with the burst and at a random phase, so that many pods take turns."""

    def __init__(self, rate: Rate, phase: Callable[[], float] = random.random) -> None:
        self._rate = rate.per_second
        self._burst = self._rate * 3600.0
        self._phase = phase
        self._levels: dict[str, tuple[float, float]] = {}  # folder -> tokens, and when there were so many

    def has_token(self, folder: str, now: float) -> bool:
        return self._rate == math.inf or self._level(folder, now) >= 1.0

    def take(self, folder: str, now: float) -> bool:
        """Take a token; False when there is none."""
        if self._rate == math.inf:
            return True
        level = self._level(folder, now)
        taken = level >= 1.0
        self._levels[folder] = (level - 1.0 if taken else level, now)
        return taken

    def _level(self, folder: str, now: float) -> float:
        if folder not in self._levels:
            self._levels[folder] = (math.floor(self._burst) + self._phase(), now)
        level, since = self._levels[folder]
        return max(level, min(level + max(now - since, 0.0) * self._rate, max(self._burst, 1.0)))
