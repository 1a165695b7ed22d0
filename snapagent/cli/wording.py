"""Words for people: times, sizes and durations, and text of unknown origin made safe to print."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def printable(text: str) -> str:
    """`text` with everything that could steer a terminal or hide in it escaped: controls, bidi marks, surrogates."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def shown_path(path: str) -> str:
    """A path the short way: relative when it lies below the working directory."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def counted(number: int, thing: str, things: str | None = None) -> str:
    """`1 bundle`, `2 bundles`, `12,000 calls`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def short_hash(argument_hash: str) -> str:
    """The eight digits that file names and test ids show."""
    return argument_hash.rpartition(":")[2][:8]


def local_time(timestamp: str) -> str:
    """A header's UTC time in the reader's own zone, to the second; odd text comes back as it is."""
    moment = parse_time(timestamp)
    if moment is None:
        return printable(timestamp)
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")[:19]


def ago(timestamp: str, now: datetime | None = None) -> str:
    """How long ago: `12 s ago`, `3 h ago`; the date when it is more than thirty days, or in the future."""
    moment = parse_time(timestamp)
    if moment is None:
        return printable(timestamp)
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if -5 <= seconds < 1:
        return "now"
    for unit, length, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800), ("days", 86400, 30 * 86400)):
        if 0 < seconds < limit:
            return f"{int(seconds // length)} {unit} ago"
    return moment.astimezone().date().isoformat()


def parse_time(timestamp: str) -> datetime | None:
    """ISO 8601 text as an aware moment; None when it is none."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
