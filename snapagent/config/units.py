"""Sizes, durations and shares as people write them: `256MB`, `30d`, `2%`; and how they are shown again.

Sizes follow the standard: kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB powers of 1024 (any case). Every
parser takes numbers too, and raises ValueError that says what was wanted.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

INFINITY = float("inf")
UNLIMITED_BYTES = sys.maxsize  # what `.inf` means as a size, so that sizes stay integers

_SIZES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SECONDS = {
    "": 1.0,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_SIZE_WANTED = "a size such as 4096, 64kB, 256MB or 1.5GiB"
_DURATION_WANTED = "a duration such as 90s, 15m, 12h, 30d or 1h30m (a plain number is seconds)"
_SHARE_WANTED = "a share such as 2% or 0.02"


def parse_size(value: int | float | str) -> int:
    """Bytes, rounded down; infinity becomes `UNLIMITED_BYTES`."""
    number = _amount(value, _SIZES, _SIZE_WANTED)
    return UNLIMITED_BYTES if number == INFINITY else int(number)


def parse_duration(value: int | float | str) -> float:
    """Seconds; text may join several amounts, the larger unit first or not: `1h30m`."""
    return float(_amount(value, _SECONDS, _DURATION_WANTED, joined=True))


def parse_share(value: int | float | str) -> float:
    """A share of a whole, from 0 to 1."""
    if isinstance(value, str):
        text = value.strip()
        number, unit, rest = _first_amount(text)
        if number is None or rest or unit not in ("", "%"):
            raise ValueError(f"{_SHARE_WANTED} is wanted, not {value!r}")
        share = number / 100 if unit else float(number)
    else:
        share = float(_plain_number(value, _SHARE_WANTED))
    if share > 1:
        shown = value if isinstance(value, str) else f"{value:g}"
        meant = f"; did you mean {shown}%?" if 1 < share <= 100 and "%" not in shown else ""
        raise ValueError(f"{shown} is more than the whole (100%, 1.0){meant}")
    return share


def format_size(size: int) -> str:
    """Two significant digits or more, decimal units: `999B`, `1.2kB`, `256MB`."""
    if size >= UNLIMITED_BYTES:
        return "unlimited"
    if size < 1000:
        return f"{size}B"
    number = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        number /= 1000
        if number < 999.5 or unit == "TB":
            break
    return f"{_short(number)}{unit}"


def format_duration(seconds: float) -> str:
    """The two largest units that matter: `350us`, `12ms`, `3.2s`, `2m5s`, `30d`."""
    if seconds == INFINITY:
        return "unlimited"
    if seconds < 0.9995e-3:
        return f"{_short(seconds * 1e6)}us"
    if seconds < 0.9995:
        return f"{_short(seconds * 1e3)}ms"
    if seconds < 59.95:
        return f"{_short(seconds)}s"
    rest = round(seconds)
    for unit, size, small, small_size in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if rest >= size:
            more = rest % size // small_size
            return f"{rest // size}{unit}{more}{small}" if more else f"{rest // size}{unit}"
    return f"{rest}s"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if number < 9.95 else f"{number:.0f}"


def _amount(value: int | float | str, units: Mapping[str, float], wanted: str, *, joined: bool = False) -> float:
    """The sum of the amounts in `value`. Integers stay integers, so that sizes are exact."""
    if not isinstance(value, str):
        return _plain_number(value, wanted)
    rest = value.strip()
    total: float = 0
    first = True
    while first or (rest and joined):
        number, unit, rest = _first_amount(rest)
        scale = units.get(unit.lower())
        if number is None or scale is None or (not unit and not (first and not rest)):
            raise ValueError(f"{wanted} is wanted, not {value!r}")
        total += number * scale
        first = False
    if rest:
        raise ValueError(f"{wanted} is wanted, not {value!r}")
    return total


def _plain_number(value: object, wanted: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{wanted} is wanted, not {value!r}")
    return value


def _first_amount(text: str) -> tuple[int | float | None, str, str]:
    """`1.5h30m` -> 1.5, `h`, `30m`. The number is None when there is none, or when it reads as octal (012)."""
    end = 0
    while end < len(text) and text[end] in "0123456789.":
        end += 1
    digits = text[:end]
    rest = text[end:].lstrip(" ")
    stop = 0
    while stop < len(rest) and (rest[stop].isalpha() or rest[stop] == "%"):
        stop += 1
    unit, rest = rest[:stop], rest[stop:].lstrip(" ")
    whole, point, fraction = digits.partition(".")
    if not whole or (whole[0] == "0" and whole != "0") or (point and not fraction.isdigit()) or len(digits) > 30:
        return None, unit, rest
    return (float(digits) if point else int(whole)), unit, rest
