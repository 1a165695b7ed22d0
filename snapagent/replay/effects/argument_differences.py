"""Where the arguments of a made call differ from those of a recorded one."""

from __future__ import annotations

from typing import Any

from ...compare import Difference, examine, make_options
from ...compare.clock_readings import ClockReadings
from ...compare.text import short
from ...core.paths import parameter_key
from ...core.records import Record
from ...core.signature import Parameters
from ...dependencies.tape import StoredEffect
from ...errors import SnapagentError
from ...serializer.thawing.load import thaw
from .dependencies import Dependency

_ABSENT = object()


class LiveArguments(Record):
    """The arguments of a call that is made, without the bound instance; by name for an operation of a preset."""

    dependency: Dependency
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def stored_arguments(effect: StoredEffect) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """Those of an effect; None when they cannot be loaded."""
    try:
        _, args, kwargs = thaw(effect.call or b"")
    except SnapagentError:
        return None
    return args, kwargs


def argument_differences(
    index: int, effect: StoredEffect, live: LiveArguments, readings: ClockReadings
) -> tuple[Difference, ...]:
    """By path, as `effects[3].amount of shop.gateway:charge`; none when the stored arguments cannot be loaded."""
    stored = stored_arguments(effect)
    if stored is None:
        return ()
    dependency = live.dependency
    then = Parameters(effect.parameters).bind(stored[0], stored[1], dependency.defaults)
    now = dependency.parameters.bind(live.args, live.kwargs, dependency.defaults)
    if dependency.operation is not None:
        then, now = stored[1], live.kwargs
    options = make_options().replace(readings=readings)
    found: list[Difference] = []
    for name in dict.fromkeys((*then, *now)):
        if name in dependency.exclude:
            continue
        expected, got = then.get(name, _ABSENT), now.get(name, _ABSENT)
        if expected is _ABSENT or got is _ABSENT:
            kind = "added" if expected is _ABSENT else "missing"
            found.append(Difference(parameter_key(name), kind, *(_text(value) for value in (expected, got))))
        else:
            found += examine(expected, got, options, parameter_key(name)).differences
    return tuple(each.replace(path=f"effects[{index}].{each.path} of {effect.dependency}") for each in found)


def _text(value: object) -> str:
    return "" if value is _ABSENT else short(value)
