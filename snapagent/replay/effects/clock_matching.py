"""Finds the recorded call that differs from a made one in moments alone, which both have derived from the clock.

A key knows readings of the clock themselves, not what a program computes from them (`now() - timedelta(days=7)`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from ...bundle import SECONDS, Header
from ...compare.clock_readings import ClockReadings, Interval
from ...dependencies.tape import StoredEffect
from .argument_differences import LiveArguments, argument_differences, stored_arguments
from .matching import SERVED, MadeCall, Match

_SLACK = 1.0  # seconds that a captured call may have taken besides its `duration`, which leaves out the agent's work
_ODD = 0.05  # seconds: the clock is not read at the very beginning of either call


def readings_of(header: Header, replayed: Interval) -> ClockReadings:
    """Recognises readings of the wall clock, in a captured call and in its replay."""
    started = datetime.fromisoformat(header.timestamp).timestamp()
    duration = seconds_of(header)
    recorded = max(duration, float(header.effects.get("seconds", 0.0)))
    captured = Interval(started, started + max(duration + _SLACK, recorded))
    return ClockReadings(captured, replayed, max(recorded, replayed.end - replayed.start) + _ODD)


def seconds_of(header: Header) -> float:
    """The time that a captured call took, or the accepted one that its outcome is from."""
    return max(header.duration, float(header.accepted.get(SECONDS, 0.0)))  # type: ignore[arg-type]


def match_by_derived_moments(
    effects: Mapping[int, StoredEffect],
    used: Collection[int],
    made: MadeCall,
    live: LiveArguments,
    readings: ClockReadings,
) -> Match | None:
    """The first unused effect whose arguments are those of the call, moments aside."""
    for index, effect in effects.items():
        if index in used or effect.dependency != made.dependency or effect.receiver not in made.keys:
            continue
        if effect.shape != made.shape or stored_arguments(effect) is None:
            continue
        if not argument_differences(index, effect, live, readings):
            return Match(SERVED, index)
    return None
