"""Where a call came from, as the header tells it: a line for people, and the bundles of one trace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...bundle import HOST, PROCESS_START, REVISION, SPAN_ID, TRACE_ID, Header
from ...errors import CorruptBundleError
from ...store.reader import FunctionFolder, StoreReader
from ..terminal.wording import local_time, printable
from .rows import BundleRow, EntryCounter, Selection, file_row, in_order

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")  # of W3C Trace Context
_DIGITS = re.compile(r"[0-9a-f]{4,32}")


def origin_text(header: Header) -> str:
    """Host, process, revision and trace, as far as they are known; empty when none is."""
    origin = {name: printable(str(value)) for name, value in header.origin.items() if value}
    parts = []
    if HOST in origin:
        parts.append(f"host {origin[HOST]}")
    if PROCESS_START in origin:
        parts.append(f"process started {local_time(origin[PROCESS_START])}")
    if REVISION in origin:
        parts.append(f"revision {origin[REVISION]}")
    if TRACE_ID in origin:
        parts.append(f"trace {origin[TRACE_ID]}, span {origin.get(SPAN_ID, '-')}")
    return ", ".join(parts)


def parse_trace(text: str) -> str:
    """A trace id or its first digits, as headers have it; also out of a `traceparent`. Raises ValueError."""
    plain = text.strip().lower()
    whole = _TRACEPARENT.fullmatch(plain)
    digits = whole[1] if whole is not None else plain.replace("-", "")
    if _DIGITS.fullmatch(digits) is None:
        raise ValueError(f"{text!r} is neither a trace id of 32 hexadecimal digits, nor its first four or more")
    return digits


def rows_of_trace(
    store: StoreReader, folders: Iterable[FunctionFolder], trace: str, selection: Selection, counting: EntryCounter
) -> Iterator[BundleRow]:
    """The selected bundles of one trace in these functions. Whole headers are read, one after another."""
    for folder in folders:
        chosen = selection.within_age(store.bundles(folder.name))
        for entry in counting(in_order(chosen, selection), len(chosen)):
            try:
                header, row = file_row(entry.path)
            except (CorruptBundleError, OSError):
                continue  # `verify` names it
            if str(header.origin.get(TRACE_ID, "")).startswith(trace) and selection.fits(row):
                yield row
