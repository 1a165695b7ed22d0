"""Readings of clocks inside two outcomes, and times measured with them: they differ at every run and tell nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ..core.records import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)  # epoch numbers count seconds, or thousandths and so on of them
_REACH = 400 * 86400.0  # seconds from the call within which a number may be a moment that was derived from the clock
_LARGEST = 1e20  # no clock shows more nanoseconds than that
_UNIT_WORDS = {"ms": 1e3, "millis": 1e3, "milliseconds": 1e3, "us": 1e6, "micros": 1e6, "microseconds": 1e6}
_UNIT_WORDS |= {"ns": 1e9, "nanos": 1e9, "nanoseconds": 1e9}  # parts of a second
_TIMES = "duration durations elapsed latency runtime secs seconds time times took"
_DURATION_WORDS = frozenset(_TIMES.split(" "))
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


class Moment(Record):
    """Seconds since 1970, cut to a multiple of `step` seconds."""

    seconds: float
    step: float


class Interval(Record):
    """Seconds since 1970 between which a call ran."""

    start: float
    end: float

    def holds(self, moment: Moment) -> bool:
        """Whether the clock can have shown this moment during the call."""
        return self.start < moment.seconds + moment.step and moment.seconds <= self.end + moment.step


class ClockReadings(Record):
    """Tells whether two values are readings of the clock: one taken at the captured call, the other at the replay.

    So are two values that the program has derived from readings, `now() + timedelta(days=1)` for instance: both are as
    far from the beginning of their call, but for `longest`, the seconds that the longer of the two calls took. Of
    numbers, only those near the present are taken for moments then.
    """

    captured: Interval
    replayed: Interval
    longest: float = 0.0

    def __call__(self, expected: object, got: object) -> bool:
        if type(expected) is not type(got):
            return False
        if is_reading(expected, self.captured) and is_reading(got, self.replayed):
            return True
        return self.longest > 0.0 and self._are_derived(expected, got)

    def _are_derived(self, expected: object, got: object) -> bool:
        shift = self.replayed.start - self.captured.start
        reach = _REACH if isinstance(expected, int | float) else float("inf")
        for then, now in zip(_moments(expected), _moments(got), strict=False):
            is_near = abs(then.seconds - self.captured.start) < reach
            if is_near and abs(now.seconds - then.seconds - shift) <= self.longest + max(then.step, now.step):
                return True
        return False


class Durations(Record):
    """Tells whether two values are times that a call measured: by their names, and since neither call took longer."""

    captured: float  # seconds that the captured call took
    replayed: float

    def __call__(self, name: str, expected: object, got: object) -> bool:
        words = {word.lower() for word in _WORDS.findall(name)}
        unit = max((_UNIT_WORDS[word] for word in words & _UNIT_WORDS.keys()), default=1.0)
        if unit == 1.0 and not words & _DURATION_WORDS:
            return False
        return _is_measured(expected, self.captured * unit, unit) and _is_measured(got, self.replayed * unit, unit)


def _is_measured(value: object, most: float, unit: float) -> bool:
    """Whether a value can be a time below `most`: a fraction of seconds, or any number of parts of a second."""
    kinds: tuple[type, ...] = (float,) if unit == 1.0 else (int, float)
    return type(value) in kinds and 0 <= value <= most  # type: ignore[operator]


def is_reading(value: object, interval: Interval) -> bool:
    """Whether `value` is a datetime, an epoch number or an ISO text of a moment inside `interval`."""
    return any(interval.holds(moment) for moment in _moments(value))


def _moments(value: object) -> list[Moment]:
    """What a value may mean: a naive datetime is local time or UTC, a number counts seconds or parts of them."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, datetime):
        step = _step(value.microsecond)
        aware = [value] if value.tzinfo is not None else [value.replace(tzinfo=UTC), *_local(value)]
        return [Moment((each - _EPOCH).total_seconds(), step) for each in aware]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return []
    if isinstance(value, int):
        return [Moment(value / unit, 1 / unit) for unit in _UNITS]
    return [Moment(value / unit, _step(round(value / unit % 1 * 1e6))) for unit in _UNITS]


def _step(microseconds: int) -> float:
    """To what a moment with this fraction was cut, in seconds."""
    return next(step for step, micros in ((1.0, 1_000_000), (1e-3, 1_000), (1e-6, 1)) if microseconds % micros == 0)


def _parsed(text: str) -> datetime | None:
    if len(text) > 40 or _ISO.match(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _local(value: datetime) -> list[datetime]:
    try:
        return [value.astimezone()]
    except (OSError, OverflowError, ValueError):  # far from 1970, where the platform knows no local time
        return []
