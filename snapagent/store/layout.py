"""Names on disk: folders of functions, files of bundles, and what else lies in a store.

::

    captures/
      .key                        the random key of pseudonyms
      .counts/functions.json      counts of functions without a folder, in a store of many: see `folderless`
      shop.pricing.quote/         a function: module and qualname, joined by a dot
        20261122T093408.123456Z-a41f9c-1-3fa9c1d2.pkl      UTC time, process token, counter, argument hash
        20261122T093408.123456Z-a41f9c-1-3fa9c1d2.pkl.pin  protects this bundle from retention
        index.json  manifest.json
        .lock  .counts/<token>.json  .counts/<token>.open  .hashes/<xx>  .tmp-*
      side_effects/...
      .push/                      what `snapagent push` has accepted and not uploaded yet, and what it has uploaded

A name that is not ordinary (too long, `<locals>`, non-ASCII, reserved on some system) becomes a bounded slug with a
digest of the whole name; `~` is in slugs alone, so no ordinary name collides with one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from time import gmtime, strftime
from typing import NamedTuple
from unicodedata import normalize

INDEX = "index.json"
MANIFEST = "manifest.json"
LOCK = ".lock"
COUNTS = ".counts"
HASHES = ".hashes"
QUOTA = ".quota"
KEY = ".key"
TEMPORARY = ".tmp-"
PIN = ".pin"
SUFFIX = ".pkl"
SIDE_EFFECTS = "side_effects"
PUSH = ".push"
CORRUPT_INDEX = f".corrupt-{INDEX}"

_OWN_FILES = frozenset({INDEX, MANIFEST, QUOTA, CORRUPT_INDEX})
_OWN_NAMES = _OWN_FILES | {LOCK, COUNTS, HASHES}

_LONGEST = 120  # characters of an exact name: with the bundle's own name a path stays under 200
_SLUG = 80  # characters of a slug before its digest
_ORDINARY = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.\-\[\]]*")
_SLUGGED = re.compile(r"[A-Za-z0-9_.\-\[\]]*~[0-9a-f]{10}")
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")
DIGITS = slice(-len("3fa9c1d2.pkl"), -len(SUFFIX))  # where the short hash stands in the name of a bundle
_BUNDLE = re.compile(r"([0-9]{8}T[0-9]{6}\.[0-9]{6}Z)-([0-9a-f]{6,32})-([0-9]{1,18})-([0-9a-f]{8})\.pkl")
_HEXADECIMAL = frozenset("0123456789abcdef")
_LAST_SECOND = 253402300799.0  # 9999-12-31: datetime ends there


class BundleEntry(NamedTuple):
    """A bundle of the store, by its file name. Entries sort by age, the oldest first."""

    timestamp: str  # 20261122T093408.123456Z
    token: str
    counter: int
    short_hash: str
    name: str
    path: str

    @property
    def when(self) -> float:
        """Seconds since the epoch."""
        return parse_stamp(self.timestamp)


def segment(name: str) -> str:
    """`name` as one component of a path: itself when it is ordinary, else a slug with a digest."""
    if (
        len(name) <= _LONGEST
        and _ORDINARY.fullmatch(name)
        and not _RESERVED.match(name)
        and ".." not in name
        and name[-1] != "."
    ):
        return name
    readable = re.sub(r"[^A-Za-z0-9_.\-]+", "_", name[: _SLUG * 2]).strip(".-")[:_SLUG].rstrip(".")
    while ".." in readable:
        readable = readable.replace("..", ".")
    if _RESERVED.match(readable):
        readable = f"_{readable}"
    return f"{readable}~{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def folder_name(target: object) -> str:
    """The folder of a function, from a Target, `module:qualname`, the dotted form, or the folder's own name."""
    return _folder_name(str(target))


@lru_cache(maxsize=4096)
def _folder_name(text: str) -> str:
    if _SLUGGED.fullmatch(text):
        return text
    if not text.isascii():
        text = normalize("NFKC", text)  # as the Python compiler does to identifiers, and targets do
    return segment(text.replace(":", ".", 1))


def is_function_folder(name: str) -> bool:
    """True when a folder of the store with this name is the folder of a function."""
    return not name.startswith(".") and name != SIDE_EFFECTS


def is_own_file(name: str) -> bool:
    """True when the store writes files with this name into a function's folder. The lock is not among them."""
    return name in _OWN_FILES or name.startswith(TEMPORARY) or _BUNDLE.fullmatch(name.removesuffix(PIN)) is not None


def is_own_name(name: str) -> bool:
    """The same with the lock and the folders that the store makes there."""
    return name in _OWN_NAMES or name.startswith(f"{HASHES}-") or is_own_file(name)


def new_name(when: float, token: str, counter: int, argument_hash: str) -> str:
    """The name of a bundle to be written. `when` is seconds since the epoch, `argument_hash` as in its header."""
    digits = argument_hash.rpartition(":")[2][:8]
    if len(digits) < 8 or not _HEXADECIMAL.issuperset(digits):
        digits = re.sub("[^0-9a-f]", "", argument_hash.rpartition(":")[2])[:8].ljust(8, "0")
    return f"{stamp(when)}-{token}-{counter}-{digits}{SUFFIX}"


def parse_bundle_name(name: str, folder: str) -> BundleEntry | None:
    """The entry of a file in `folder`, or None when `name` is not the name of a bundle."""
    match = _BUNDLE.fullmatch(name)
    if match is None:
        return None
    timestamp, token, counter, digits = match.groups()
    return BundleEntry(timestamp, token, int(counter), digits, name, f"{folder}/{name}")


def parse_bundle_names(names: Iterable[str], folder: str) -> Iterator[BundleEntry]:
    """The entries of those files in `folder` that are bundles. Each is made when the iterator gets there."""
    for name in names:
        entry = parse_bundle_name(name, folder)
        if entry is not None:
            yield entry


def pinned_names(names: Iterable[str]) -> frozenset[str]:
    """The names of bundles whose pins are among `names`."""
    return frozenset(name.removesuffix(PIN) for name in names if name.endswith(PIN))


def bundle_names(names: Iterable[str]) -> Iterator[str]:
    """Those of `names` that are names of bundles."""
    return filter(_BUNDLE.fullmatch, names)


def stamp(when: float) -> str:
    """UTC with microseconds; sorts as text. Times that datetime cannot express become the nearest one that it can."""
    if not 0.0 <= when <= _LAST_SECOND:
        when = min(max(when, 0.0), _LAST_SECOND)
    second = int(when)
    micro = round((when - second) * 1e6)  # exact, as `datetime.fromtimestamp` rounds it
    return f"{_second(second)}.{micro:06d}Z" if micro < 1_000_000 else f"{_second(second + 1)}.000000Z"


@lru_cache(maxsize=4)
def _second(when: int) -> str:
    return strftime("%Y%m%dT%H%M%S", gmtime(when))


def parse_stamp(text: str) -> float:
    """Seconds since the epoch; 0.0 when the digits are not a date."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
