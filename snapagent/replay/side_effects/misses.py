"""The error for a call without a recording: shows the call and the nearest recorded call."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Any

from ...bundle import CALL, Header
from ...compare import Difference, examine, format_differences, make_options
from ...compare.text import short
from ...core.paths import EXCEPTION, RESULT, parameter_key
from ...core.records import Record
from ...core.signature import Parameters
from ...errors import SideEffectNotRecorded, SnapagentError
from ...sealing.raw_call import RawCall
from ...sealing.seal import seal
from ...serializer.thawing.load import thaw
from ...store import StoreReader
from ..live_call import seal_rules, settings_for
from . import recording
from .layout import file_name, recordings_in
from .recording import FrozenArguments

MOST_COMPARED = 30  # recordings that are loaded to find the nearest one
MOST_HEADERS = 5000  # headers that are read to choose those


class NearestCall(Record):
    """A recorded call, and the differences of the call that was made."""

    text: str
    differences: tuple[Difference, ...]


def not_recorded_error(
    library: StoreReader, name: str, folder: str, frozen: FrozenArguments, occurrence: int, remedy: str
) -> SideEffectNotRecorded:
    """The error to raise. It shows arguments as they would be stored, redacted."""
    header, payload = _sealed(frozen.raw)
    made = call_text(name, header)
    if occurrence > 1 and recording.exists(f"{folder}/{file_name(frozen.digits, occurrence - 1)}"):
        often = f"    the same call, {occurrence - 1} times; this is call {occurrence} with these arguments"
        return SideEffectNotRecorded(name, made, often, remedy)
    try:
        near = _nearest(library, name, _candidates(library, folder, header), _bound(header, thaw(payload[CALL])))
    except SnapagentError:  # these arguments can be stored but not loaded
        near = None
    return SideEffectNotRecorded(name, made, _described(near) if near is not None else None, remedy)


def call_text(name: str, header: Header) -> str:
    """`charge(order=3, amount=5)`, from the previews of a header."""
    shown = [f"{path}={text}" for path, text in header.previews.items() if path not in (RESULT, EXCEPTION)]
    return f"{name}({', '.join(shown)})"


def _described(near: NearestCall) -> str:
    if not near.differences:  # CI refuses to renew a recording that exists
        return f"    {near.text}, the same call"
    differences = "\n".join(f"    {line}" for line in format_differences(near.differences).splitlines())
    return f"    {near.text}\nit differs from this call in:\n{differences}"


def as_stored(raw: RawCall) -> tuple[Header, dict[str, Any]]:
    """The header of a call and its arguments by name, redacted as they would be stored."""
    header, payload = _sealed(raw)
    return header, _bound(header, thaw(payload[CALL]))


def _sealed(raw: RawCall) -> tuple[Header, dict[str, bytes]]:
    return seal(raw, seal_rules(settings_for(str(raw.target)), b"shown, not stored"))


def as_recorded(library: StoreReader, path: str) -> tuple[Header, dict[str, Any]] | None:
    """The header of a recording and its arguments by name; None when it cannot be read."""
    try:
        stored = recording.find(library, path, {})
        return (stored.header, _bound(stored.header, stored.load(CALL))) if stored is not None else None
    except SnapagentError:
        return None


def _bound(header: Header, call: Any) -> dict[str, Any]:
    _, args, kwargs = call
    return Parameters(header.parameters).bind(args, kwargs)


def _candidates(library: StoreReader, folder: str, made: Header) -> list[str]:
    """The recordings that have the most previews in common with the call that was made."""

    def score(path: str) -> int:
        try:
            previews = library.header(recording.entry_of(path)).previews
        except SnapagentError:
            return -1
        return sum(previews.get(name) == text for name, text in made.previews.items())

    paths = sorted(recordings_in(folder))
    return paths if len(paths) <= MOST_COMPARED else heapq.nlargest(MOST_COMPARED, paths[:MOST_HEADERS], key=score)


def _nearest(library: StoreReader, name: str, paths: Iterable[str], made: Mapping[str, Any]) -> NearestCall | None:
    """The recorded call with the fewest differences. Recordings that cannot be read are skipped."""
    best: NearestCall | None = None
    for path in paths:
        recorded = as_recorded(library, path)
        if recorded is None:
            continue
        found = argument_differences(*recorded, made)
        if best is None or len(found) < len(best.differences):
            best = NearestCall(call_text(name, recorded[0]), found)
    return best


def argument_differences(
    header: Header, recorded: Mapping[str, Any], made: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """The differences between the arguments of two calls, by parameter name. Redacted values are not compared."""
    redacted = {note.path: "redacted" for note in header.notes if note.kind == "redacted"}
    options = make_options(excused=redacted)
    found: list[Difference] = []
    for name in dict.fromkeys((*recorded, *made)):
        if name not in made or name not in recorded:
            kind = "missing" if name in recorded else "added"
            texts = (header.previews.get(name, "..."), "") if kind == "missing" else ("", short(made[name]))
            found.append(Difference(parameter_key(name), kind, *texts))
        else:
            found += examine(recorded[name], made[name], options, parameter_key(name)).differences
    return tuple(found)
