"""Keys of objects: `<prefix>/v1/<function folder>/<rev16>~<kind>~<hash16>~<local file name>`.

`rev16` is 10**16 - 1 less the microseconds of the call's time, so that an ascending LIST is newest first. `kind` is the
outcome kind and `hash16` the first digits of the argument hash: selection needs no GET. A key is only a hint, since
whoever may write the bucket may write any key: `pull` makes it again from the header of the bundle, which is signed.
"""

from __future__ import annotations

import re

from ..bundle import Header
from ..core.records import Record
from ..store.layout import folder_name, parse_bundle_name, parse_stamp, segment

LAYOUT = "v1"
_HIGHEST = 10**16 - 1
_HASH_DIGITS = 16
_REV = re.compile(r"[0-9]{16}")
_HASH = re.compile(rf"[0-9a-f]{{8,{_HASH_DIGITS}}}")
_TOLERANCE = 1.0  # seconds between the times of a header and of its file's name


class Key(Record):
    """The facts that a key tells. `name` is the bundle's file name in the store that it comes from."""

    folder: str
    rev: str
    kind: str
    digits: str
    name: str

    @property
    def path(self) -> str:
        """Below the prefix of the URL."""
        return f"{LAYOUT}/{self.folder}/{self.rev}~{self.kind}~{self.digits}~{self.name}"

    @property
    def when(self) -> float:
        """Seconds since the epoch."""
        return (_HIGHEST - int(self.rev)) / 1e6

    @property
    def call(self) -> tuple[str, str]:
        """What makes two captured calls alike: outcome kind and hash."""
        return self.kind, self.digits


def key_of(header: Header, name: str) -> Key:
    """The key of a bundle that is called `name`."""
    micros = round(moment_of(header) * 1e6)
    rev = min(max(_HIGHEST - micros, 0), _HIGHEST)
    digits = header.hash.rpartition(":")[2][:_HASH_DIGITS]
    return Key(folder_name(header.target), f"{rev:016d}", segment(header.outcome_kind), digits, name)


def parse_key(folder: str, text: str) -> Key | None:
    """The key from the last segment of a path; None for what is none of ours."""
    rev, _, rest = text.partition("~")
    kind, _, tail = rest.rpartition("~")
    kind, _, digits = kind.rpartition("~")
    if not kind or not _REV.fullmatch(rev) or not _HASH.fullmatch(digits) or parse_bundle_name(tail, folder) is None:
        return None
    return Key(folder, rev, kind, digits, tail)


def moment_of(header: Header) -> float:
    """The time of a call in seconds since the epoch; 0.0 for a text that is no time."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(header.timestamp)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def misfit(header: Header, folder: str, name: str) -> str | None:
    """Why a bundle cannot be the one of this function and file name; None when it can."""
    entry = parse_bundle_name(name, folder)
    if entry is None:
        return f"its file name {name!r} is not the name of a bundle"
    if folder_name(header.target) != folder:
        return f"it is a bundle of {header.target!r}"
    if not header.hash.rpartition(":")[2].startswith(entry.short_hash):
        return "its hash is not the one in its file name"
    if abs(parse_stamp(entry.timestamp) - moment_of(header)) > _TOLERANCE:
        return "its time is not the one in its file name"
    return None
