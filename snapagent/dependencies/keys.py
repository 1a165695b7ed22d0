"""The key by which a call of a dependency is matched: equal calls have equal keys, in staging and at replay.

A key is over the dependency, the receiver and the arguments bound by parameter name. Excluded arguments are left out.
All redacted leaves count as one constant, and so do clock readings: a datetime, an epoch number or an ISO text that
lies within the target's own call. Both sides compute it from inert graphs, so no code of the program runs.
"""

from __future__ import annotations

from ..core.records import Record
from ..sealing.hashing.atoms import digest
from ..sealing.hashing.canonical import Canonical
from ..sealing.opened_call import OpenedCall
from ..serializer.inert.stand_ins import Inert, StandIn, stand_in
from ..serializer.inert.walk import Roots, items_of, put, substitute, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo
    from typing import Any

    from ..sealing.redaction.rules import Redactor

DIGITS = 32  # hexadecimal, of SHA-256
_SCALES = (1, 1_000, 1_000_000, 1_000_000_000)  # epoch numbers in s, ms, us, ns
_SLACK = 0.002  # seconds: the clock of a reading and that of the interval are not read at the same moment
_SHORTEST_TEXT = len("2026-11-28T18:45")
_LONGEST_TEXT = len("2026-11-28T18:45:10.123456+00:00") + 6


class Interval(Record):
    """Seconds since 1970 between which a clock was read during the call of the target."""

    begin: float
    end: float

    def holds(self, moment: float, resolution: float = 0.0) -> bool:
        """Whether a reading may be of this interval; one with a coarse resolution was rounded down."""
        return self.begin - _SLACK - resolution < moment <= self.end + _SLACK


def effect_key(
    dependency: str, receiver: str | None, bound: Mapping[str, Any], interval: Interval | None = None
) -> str:
    """The key of inert, redacted arguments by parameter name. Clock readings in `bound` are replaced in place."""
    if interval is not None:
        bound = without_clock_readings(bound, interval)
    canonical = Canonical()
    arguments = "".join(f"{len(name)}:{name}{canonical.of(bound[name])}" for name in sorted(bound))
    return digest(f"{dependency}\0{receiver or ''}\0{arguments}")[:DIGITS]


def key_of_call(
    dependency: str,
    receiver: str | None,
    opened: OpenedCall,
    redactor: Redactor | None,
    interval: Interval | None = None,
    exclude: Iterable[str] = (),
) -> str:
    """The key of a frozen call, live or stored; `redactor` None for one that is redacted already.

    `exclude` are names of parameters. Changes the graphs of `opened`.
    """
    if redactor is not None:
        opened.redact(redactor)
    left_out = frozenset(exclude)
    bound = {name: value for name, value in opened.bound().items() if name not in left_out}
    return effect_key(dependency, receiver, bound, interval)


def without_clock_readings(bound: Mapping[str, Any], interval: Interval) -> dict[str, Any]:
    """The arguments with one constant for each clock reading; containers are changed in place."""
    roots = Roots.of(bound)
    replaced: dict[int, tuple[Any, Any]] = {}
    for place in walk(roots):
        changes = {}
        for item in items_of(place):
            if item.slot is None:
                continue
            name = clock_reading(item.child, interval)
            if name:
                changes[item.slot] = _constant(name)
        if changes:
            put(place, changes, replaced)
    substitute(roots, replaced)
    return {str(name): value for name, value in zip(roots.labels, roots.values, strict=True)}


def _constant(kind: str) -> Any:
    return stand_in("snapagent", "clock reading")(kind)


def clock_reading(value: Any, interval: Interval) -> str:
    """The kind of clock reading that an inert value is, `datetime` for instance; empty when it is none."""
    kind = type(value)
    if kind is float or kind is int:
        return _of_number(value, interval)
    if kind is str:
        return "text" if _of_text(value, interval) else ""
    if isinstance(value, Inert) and not isinstance(value, StandIn) and kind.name == "datetime:datetime":
        return "datetime" if _of_datetime(value, interval) else ""
    return ""


def _of_number(value: float, interval: Interval) -> str:
    for scale in _SCALES:
        if type(value) is float and scale > 1_000:
            break
        resolution = 1 / scale if type(value) is int else 0.0
        if interval.holds(value / scale, resolution):
            return f"{type(value).__name__} {scale}"
    return ""


def _of_text(text: str, interval: Interval) -> bool:
    if not _SHORTEST_TEXT <= len(text) <= _LONGEST_TEXT or not text[:4].isdigit() or text[4] != "-":
        return False
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return _is_within(moment, interval, 1.0 if "." not in text else 0.001)


def _of_datetime(value: Inert, interval: Interval) -> bool:
    from datetime import datetime

    make: Any = datetime
    args = value.args
    if not args or type(args[0]) is not bytes or len(args[0]) != 10:
        return False
    try:
        moment: datetime = make(args[0])  # the state that a pickle holds
        if len(args) > 1:
            zone = _zone(args[1])
            if zone is None:
                return False
            moment = moment.replace(tzinfo=zone)
    except (TypeError, ValueError):
        return False
    return _is_within(moment, interval, 0.0 if moment.microsecond else 1.0)


def _zone(value: Any) -> tzinfo | None:
    """The zone of an inert datetime, of the standard library's own; None for another, whose offset is not known."""
    from datetime import timedelta, timezone

    if not isinstance(value, Inert) or not value.args:
        return None
    if type(value).name == "datetime:timezone" and isinstance(value.args[0], Inert):
        return timezone(timedelta(*value.args[0].args))
    maker = getattr(value.callee, "args", (None,))[0]  # `getattr(ZoneInfo, "_unpickle")`, called with the key
    if getattr(maker, "name", "") == "zoneinfo:ZoneInfo" and type(value.args[0]) is str:
        from zoneinfo import ZoneInfo

        try:
            return ZoneInfo(value.args[0])
        except (LookupError, OSError, ValueError):
            return None
    return None


def _is_within(moment: Any, interval: Interval, resolution: float) -> bool:
    """Naive readings are local time, or UTC as `utcnow` gives it."""
    from datetime import UTC

    try:
        candidates = [moment.timestamp()]
        if moment.tzinfo is None:
            candidates.append(moment.replace(tzinfo=UTC).timestamp())
    except (OverflowError, OSError, ValueError):
        return False
    return any(interval.holds(candidate, resolution) for candidate in candidates)


__all__ = ["DIGITS", "Interval", "clock_reading", "effect_key", "key_of_call", "without_clock_readings"]
