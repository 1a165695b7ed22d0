"""The error for a call that has no recording: what was called, and the nearest call that is recorded."""

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
from ...sealing.seal import RawCall, seal
from ...serializer.thawing.load import thaw
from ...store import StoreReader
from ..asked import seal_rules, settings_for
from . import recording
from .layout import file_name, recordings_in
from .recording import Frozen

COMPARED = 30  # recordings that are compared to find the nearest one
LOOKED_AT = 5000  # recordings whose headers choose those


class Near(Record):
    """A recorded call, and where the wanted one differs from it."""

    text: str
    differences: tuple[Difference, ...]


def refusal(
    library: StoreReader, name: str, folder: str, frozen: Frozen, occurrence: int, remedy: str
) -> SideEffectNotRecorded:
    """The error to raise. Arguments are shown as they would be stored: redacted."""
    header, payload = _sealed(frozen.raw)
    wanted = call_text(name, header)
    if occurrence > 1 and recording.exists(f"{folder}/{file_name(frozen.digits, occurrence - 1)}"):
        often = f"    the same call, {occurrence - 1} times; this is call {occurrence} with these arguments"
        return SideEffectNotRecorded(name, wanted, often, remedy)
    try:
        near = _nearest(library, name, _alike(library, folder, header), _bound(header, thaw(payload[CALL])))
    except SnapagentError:  # the arguments can be stored, but not loaded
        near = None
    return SideEffectNotRecorded(name, wanted, _described(near) if near is not None else None, remedy)


def call_text(name: str, header: Header) -> str:
    """`charge(order=3, amount=5)`, from the previews of a header."""
    shown = [f"{path}={text}" for path, text in header.previews.items() if path not in (RESULT, EXCEPTION)]
    return f"{name}({', '.join(shown)})"


def _described(near: Near) -> str:
    if not near.differences:  # it is there, and must not be served
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
    """The same of a recording; None when it cannot be read."""
    try:
        stored = recording.find(library, path, {})
        return (stored.header, _bound(stored.header, stored.load(CALL))) if stored is not None else None
    except SnapagentError:
        return None


def _bound(header: Header, call: Any) -> dict[str, Any]:
    _, args, kwargs = call
    return Parameters(header.parameters).bind(args, kwargs)


def _alike(library: StoreReader, folder: str, wanted: Header) -> list[str]:
    """The recordings whose previews have most in common with those of the wanted call."""

    def score(path: str) -> int:
        try:
            previews = library.header(recording.entry_of(path)).previews
        except SnapagentError:
            return -1
        return sum(previews.get(name) == text for name, text in wanted.previews.items())

    paths = sorted(recordings_in(folder))
    return paths if len(paths) <= COMPARED else heapq.nlargest(COMPARED, paths[:LOOKED_AT], key=score)


def _nearest(library: StoreReader, name: str, paths: Iterable[str], wanted: Mapping[str, Any]) -> Near | None:
    """The recording with the fewest differences; recordings that cannot be read are passed over."""
    best: Near | None = None
    for path in paths:
        recorded = as_recorded(library, path)
        if recorded is None:
            continue
        found = argument_differences(*recorded, wanted)
        if best is None or len(found) < len(best.differences):
            best = Near(call_text(name, recorded[0]), found)
    return best


def argument_differences(
    header: Header, recorded: Mapping[str, Any], wanted: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """Where the arguments of two calls differ, by parameter name; what was redacted is not compared."""
    redacted = {note.path: "redacted" for note in header.notes if note.kind == "redacted"}
    options = make_options(excused=redacted)
    found: list[Difference] = []
    for name in dict.fromkeys((*recorded, *wanted)):
        if name not in wanted or name not in recorded:
            kind = "missing" if name in recorded else "added"
            texts = (header.previews.get(name, "..."), "") if kind == "missing" else ("", short(wanted[name]))
            found.append(Difference(parameter_key(name), kind, *texts))
        else:
            found += examine(recorded[name], wanted[name], options, parameter_key(name)).differences
    return tuple(found)
