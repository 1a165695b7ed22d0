"""The error for a call that the tape does not answer: which call it was, why there is no answer, what is nearest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ...bundle import Header
from ...compare.clock_readings import ClockReadings
from ...compare.text import short
from ...core.records import Record
from ...core.signature import Parameters
from ...dependencies.tape import StoredEffect
from ...errors import EffectNotRecorded
from ...sealing.portability import differences
from .argument_differences import LiveArguments, argument_differences, stored_arguments
from .dependencies import Dependency
from .matching import MadeCall

_MOST_COMPARED = 30  # effects that are unpickled to find the nearest
_MOST_DIFFERENCES = 5
_WARM_CACHE = "a cache above it may have been warm in staging: then declare the cached function itself"
_NO_EFFECTS = "the bundle has no effects: if `dependencies:` was added after the capture, capture the call again"


class Miss(Record):
    """A call without an answer, and what is known about the tape at this moment."""

    header: Header
    effects: Mapping[int, StoredEffect]
    used: Mapping[int, int]
    problems: Mapping[int, str]  # effects that cannot be decoded
    made: MadeCall
    dependency: Dependency
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    number: int
    readings: ClockReadings


def call_text(name: str, parameters: Parameters, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """`shop.repo:OrderRepo.find(status='open', limit=20)`, in short."""
    bound = parameters.bind(args, dict(kwargs))
    if not parameters.items:
        bound = dict(kwargs)
    return f"{name}({', '.join(f'{key}={short(value)}' for key, value in bound.items())})"


def describe_miss(miss: Miss) -> EffectNotRecorded:
    """The error to raise."""
    name = miss.dependency.name
    own = {index: effect for index, effect in miss.effects.items() if effect.dependency == name}
    wanted = call_text(name, miss.dependency.parameters, miss.args, miss.kwargs)
    details = [*_signature_change(miss, own), f"call {miss.number} of this run{_from(miss.made.path)}"]
    equal = [index for index, effect in own.items() if miss.made.keys.get(effect.receiver) == effect.key]
    elsewhere = [index for index, effect in own.items() if _is_on_another_object(effect, miss)]
    if equal:
        often = "once" if len(equal) == 1 else f"{len(equal)} times"
        reason = f"was recorded {often}, and that is used up"
    elif elsewhere:
        reason = "was recorded on another object"
        details.append(
            f"effect {elsewhere[0]} was a call on {own[elsewhere[0]].receiver or 'an object that is stored'}"
        )
    elif not own:
        reason = "was never recorded in this bundle"
        details.append(_WARM_CACHE if miss.effects or miss.problems else _NO_EFFECTS)
    else:
        reason = "was not recorded"
        if all(effect.shape != miss.made.shape for effect in own.values()):
            details.append(f"nothing of its kind was recorded: {_WARM_CACHE}")
    if not equal and own:
        details += _nearest(miss, own)
    details += [f"effect {index} cannot be decoded: {problem}" for index, problem in miss.problems.items()]
    details.append(_when(miss.header))
    return EffectNotRecorded(name, wanted, reason, details)


def _from(path: tuple[str, ...]) -> str:
    return f", from {' > '.join(reversed(path))}" if path else ""


def _is_on_another_object(effect: StoredEffect, miss: Miss) -> bool:
    """Whether the arguments fit, and only the object that the call is made on differs."""
    if effect.receiver in miss.made.keys:
        return False
    return not _differences(effect, miss)


def _signature_change(miss: Miss, own: Mapping[int, StoredEffect]) -> list[str]:
    recorded = next((effect.parameters for effect in own.values()), None)
    if recorded is None or miss.dependency.operation is not None:
        return []
    before, now = _names(recorded), _names(miss.dependency.parameters.items)
    return [f"its signature has changed: ({before}) then, ({now}) now"] if before != now else []


def _names(parameters: tuple[tuple[str, str], ...]) -> str:
    stars = {"var_positional": "*", "var_keyword": "**"}
    return ", ".join(stars.get(kind, "") + name for name, kind in parameters)


def _nearest(miss: Miss, own: Mapping[int, StoredEffect]) -> list[str]:
    """The recorded call with the fewest differences, unused ones first; its differences below it."""
    best: tuple[bool, int, int] | None = None
    found: list[tuple[str, str, str]] = []
    for index in list(own)[:_MOST_COMPARED]:
        places = _differences(own[index], miss)
        if places is None:
            continue
        rank = (index in miss.used, len(places), index)
        if best is None or rank < best:
            best, found = rank, places
    if best is None:
        return []
    is_used, _, index = best
    effect = own[index]
    last = effect.dependency.rpartition(":")[2].rpartition(".")[2]
    stored = stored_arguments(effect)
    text = call_text(last, Parameters(effect.parameters), *stored) if stored is not None else effect.shape
    state = f"used by call {miss.used[index] + 1}" if is_used else "not used yet"
    lines = [f"nearest: effect {index} of {len(miss.effects)}, {text}, {state}"]
    return lines + [f"  {path}: {here} != {then}" for path, here, then in found[:_MOST_DIFFERENCES]]


def _differences(effect: StoredEffect, miss: Miss) -> list[tuple[str, str, str]] | None:
    """(path, value now, value then) for each difference of the arguments; None when they cannot be loaded."""
    if stored_arguments(effect) is None:
        return None
    found = argument_differences(0, effect, LiveArguments(miss.dependency, miss.args, miss.kwargs), miss.readings)
    return [(each.path.removeprefix("effects[0].").partition(" of ")[0], each.got or "not given",
             each.expected or "not given") for each in found]  # fmt: skip


def _when(header: Header) -> str:
    """When the call was recorded, and with which libraries that are of another version here."""
    recorded = datetime.fromisoformat(header.timestamp)
    days = (datetime.now(UTC) - recorded).days
    age = "" if days <= 0 else f" ({days} {'day' if days == 1 else 'days'} ago)"
    changed = differences(header)
    return f"recorded {recorded:%Y-%m-%d}{age}{' with ' + '; '.join(changed) if changed else ''}"
