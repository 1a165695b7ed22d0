"""Text for people: counts, paths and times, and text of unknown origin made safe to print."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

_USUAL = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:[0-5]\d)\.\d{6}(?:Z|\+00:00)", re.ASCII)  # as headers have it


def printable(text: str) -> str:
    """`text` with control characters, bidi marks and surrogates escaped, so that it cannot steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def shown_path(path: str) -> str:
    """A path, relative if it is below the working directory."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def counted(number: int, thing: str, things: str | None = None) -> str:
    """`1 bundle`, `2 bundles`, `12,000 calls`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def local_time(timestamp: str) -> str:
    """A header's UTC time in the local zone, to the second; other text is returned escaped."""
    usual = _USUAL.fullmatch(timestamp)
    minute = _local_minute(usual[1]) if usual is not None else None
    if usual is not None and minute is not None:
        return minute + usual[2]
    moment = parse_time(timestamp)
    if moment is None:
        return printable(timestamp)
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")[:19]


@lru_cache(maxsize=4096)
def _local_minute(minute: str) -> str | None:
    """`2026-11-22T09:34` of UTC in the local zone; None if it is not a time. Zones differ by whole minutes."""
    moment = parse_time(f"{minute}:00+00:00")
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")[:16] if moment is not None else None


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
    """An aware datetime from ISO 8601 text, UTC by default; None if it is not a time."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
