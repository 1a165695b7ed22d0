"""`index.json`: the newest bundles of a function's folder, and counts of its calls. A cache of what bundles say.

It lists the newest bundles in full and counts the rest, so writing it costs the same whatever is stored. Its first key
is `newest`, so that the newest bundle is found in its first bytes. Its modification time is set to that of the folder:
while the two are equal nothing was added to the folder or removed from it, so there is no need to list it.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

from ..bundle import Header, WrittenHeader
from ..core.records import Record
from ..core.system import os
from . import files
from .bundle_files import HeaderSummary
from .layout import CORRUPT_INDEX, INDEX

# The reason of calls that still run or wait to be written, or did so when their process was killed.
UNFINISHED = "unfinished"


class Counts(Record):
    """Number of calls, of captured ones, and of skipped and failed ones by reason. Adds and subtracts."""

    calls: int = 0
    captured: int = 0
    skipped: Mapping[str, int] = {}
    failed: Mapping[str, int] = {}

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.calls + other.calls,
            self.captured + other.captured,
            _joined(self.skipped, other.skipped, 1),
            _joined(self.failed, other.failed, 1),
        )

    def __sub__(self, other: Counts) -> Counts:
        return Counts(
            self.calls - other.calls,
            self.captured - other.captured,
            _joined(self.skipped, other.skipped, -1),
            _joined(self.failed, other.failed, -1),
        )

    def __bool__(self) -> bool:
        return bool(self.calls or self.captured or self.skipped or self.failed)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Counts:
        """Raises ValueError, KeyError, TypeError or AttributeError when these are no counts."""
        skipped, failed = (
            {str(reason): int(number) for reason, number in fields[name].items() if number}
            for name in ("skipped", "failed")
        )
        return cls(int(fields["calls"]), int(fields["captured"]), skipped, failed)


def _joined(left: Mapping[str, int], right: Mapping[str, int], sign: int) -> dict[str, int]:
    joined = dict(left)
    for reason, number in right.items():
        joined[reason] = joined.get(reason, 0) + sign * number
    return {reason: number for reason, number in joined.items() if number}


Data = bytes  # the index has a field of that name

VERSION = 1
LISTED = 100  # bundles that the index describes; older ones are found by their names
_TOKENS = 64  # processes of which the index remembers how many bundles it counted
_LIMIT = 4 * 1024 * 1024  # bytes: a larger file is not an index
_HEAD = 256  # bytes within which `newest` stands
_encoder = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_STORED = re.compile(
    rb'(?s)\{"newest":(?:null|"[^"]*"),"version":%d,.*\],'
    rb'"stored":[0-9]+,"bytes":([0-9]{1,18}),"tokens":\{[^{}]*\},"merged":\[[^\[\]]*\]\}\n' % VERSION
)
_NEWEST = re.compile(rb'\{"newest":"([0-9A-Za-z.\-]+)",')


class IndexedBundle(NamedTuple):
    """One bundle as the index lists it; `timestamp` is ISO 8601 as in the header, `size` is in bytes.

    `shape` is a digest of the header's, because retention only tells shapes apart; empty where the header has none.
    Not a Record: an update of the index parses and writes a hundred of them, twice a second.
    """

    name: str
    hash: str
    timestamp: str
    outcome: str
    exception: str | None
    size: int
    shape: str = ""

    @classmethod
    def of(cls, name: str, header: Header | WrittenHeader | HeaderSummary, size: int) -> IndexedBundle:
        shape = shape_digest(header.shape)
        # In place of `cls(...)`, which is a function in Python.
        return tuple.__new__(cls, (name, header.hash, header.timestamp, header.outcome, header.exception, size, shape))

    @property
    def outcome_kind(self) -> str:
        return self.exception or self.outcome

    def to_json(self) -> dict[str, object]:
        return dict(zip(_FIELDS, self, strict=True))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> IndexedBundle:
        bundle = cls._make((*_values(fields), fields.get("shape", "")))
        name, hash_, timestamp, outcome, exception, size, shape = bundle
        "".join((name, hash_, timestamp, outcome, exception or "", shape))  # TypeError when one of them is not text
        if type(size) is not int or "/" in name:
            raise ValueError("not an entry of an index")
        return bundle


_FIELDS = ("file", *IndexedBundle._fields[1:])  # their names in the file
_values = itemgetter(*_FIELDS[:-1])  # an index of an earlier version has no shapes


@lru_cache(maxsize=64)  # nearly all calls of a function have one of a few shapes
def shape_digest(shape: str) -> str:
    """What tells shapes apart; empty for an empty shape."""
    return sha256(shape.encode("utf-8", "backslashreplace")).hexdigest()[:12] if shape else ""


class FunctionIndex(Record):
    """One function: counts of its calls, and its newest bundles, the newest first.

    `stored` is the number of all bundles, `bytes` the size of those that are not pinned. `tokens` says how many of them
    come from which process, so that each process adds only those that the index does not count yet. `merged` names the
    count files (see pending_counts) whose counts are included, but which may still exist.
    """

    target: str | None
    calls: int = 0
    captured: int = 0
    skipped: Mapping[str, int] = {}
    failed: Mapping[str, int] = {}
    bundles: tuple[IndexedBundle, ...] = ()
    stored: int = 0
    bytes: int = 0
    tokens: Mapping[str, int] = {}
    merged: tuple[str, ...] = ()

    @property
    def counts(self) -> Counts:
        return Counts(self.calls, self.captured, self.skipped, self.failed)

    def counting(self, counts: Counts) -> FunctionIndex:
        """This index with more calls counted. Calls that were unfinished may be subtracted from those."""
        total = self.counts + counts
        skipped = {reason: number for reason, number in total.skipped.items() if number > 0}
        # After `clear`, a process may subtract calls that this index does not count.
        missing = sum(skipped.values()) - sum(total.skipped.values())
        return self.replace(calls=total.calls + missing, captured=total.captured, skipped=skipped, failed=total.failed)

    def listing(self, bundles: Iterable[IndexedBundle]) -> FunctionIndex:
        """This index with the newest of `bundles` listed."""
        newest = sorted({bundle.name: bundle for bundle in bundles}.items(), reverse=True)[:LISTED]
        return self.replace(bundles=tuple(bundle for _, bundle in newest))

    def from_process(self, token: str, number: int) -> FunctionIndex:
        """This index with `number` bundles of the process `token`, which becomes the last one to be dropped from it."""
        tokens = {**self.tokens, token: number}
        return self.replace(tokens=dict(list(tokens.items())[-_TOKENS:]))

    def to_json(self) -> Data:
        fields = {
            "newest": self.bundles[0].name if self.bundles else None,
            "version": VERSION,
            **self.as_dict(),
            "bundles": [bundle.to_json() for bundle in self.bundles],
        }
        return _encoder.encode(fields).encode("ascii") + b"\n"

    @classmethod
    def from_json(cls, data: Data) -> FunctionIndex:
        """Raises ValueError, KeyError or TypeError when `data` is not an index of this version."""
        fields = json.loads(data)
        if not isinstance(fields, dict) or fields.get("version") != VERSION:
            raise ValueError("not an index of this version")
        target = fields["target"]
        numbers = [_number(fields[key]) for key in ("calls", "captured", "stored", "bytes")]
        calls, captured, stored, size = numbers
        bundles = tuple(IndexedBundle.from_json(bundle) for bundle in fields["bundles"])
        skipped, failed = _counts(fields["skipped"]), _counts(fields["failed"])
        name = None if target is None else str(target)
        tokens = _counts(fields["tokens"])
        merged = tuple(str(file) for file in fields["merged"])
        return cls(name, calls, captured, skipped, failed, bundles, stored, size, tokens, merged)


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a count must be a whole number of zero or more")
    return value


def _counts(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise ValueError("counts must be an object")
    return {str(reason): _number(number) for reason, number in value.items()}


class BrokenIndex(Exception):
    """`index.json` exists, but cannot be used."""


def load(folder: int) -> FunctionIndex | None:
    """The index of an opened folder, or None when there is none. Raises BrokenIndex; OSError when it cannot be read."""
    try:
        data, found = files.read_regular(INDEX, _LIMIT + 1, folder=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (None, errno.ELOOP):  # a folder, a link or a FIFO is in its place
            raise BrokenIndex from error
        raise
    if len(data) != found.st_size or len(data) > _LIMIT:
        raise BrokenIndex
    try:
        return FunctionIndex.from_json(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenIndex from error


def load_usable(folder: int) -> FunctionIndex | None:
    """The same, and None when the index is broken. Raises OSError."""
    try:
        return load(folder)
    except BrokenIndex:
        return None


def stored_bytes(folder: int) -> int | None:
    """The bytes that the index says the bundles have; None without a usable index. Raises OSError.

    They are read off the text: to parse it takes ten times as long, and `max_store_bytes` asks each function for it.
    """
    with files.tolerated():
        found = _STORED.fullmatch(files.read_regular(INDEX, _LIMIT, folder=folder)[0])
        if found is not None:
            return int(found[1])
    usable = load_usable(folder)
    return usable.bytes if usable is not None else None


def save(folder: int, index: FunctionIndex, token: str) -> None:
    """Replace the index. Until `set_fresh` says how much it covers, readers list the folder."""
    files.publish(folder, INDEX, index.to_json(), token=f"{token}-")


def create(folder: int, index: FunctionIndex) -> bool:
    """The same where there is none. False when another process was quicker: its index stays."""
    return files.create_once(folder, INDEX, index.to_json())


def set_fresh(folder: int, fresh: bool) -> None:
    """Say that the index covers all that the folder holds, or that it does not."""
    with files.tolerated():  # an index that looks stale only makes readers slower
        when = 0
        if fresh:
            # One nanosecond back: file systems keep time in ticks of some ms, and a change in the same tick must show.
            when = os.fstat(folder).st_mtime_ns - 1
            os.utime(folder, ns=(when, when))
        os.utime(INDEX, ns=(when, when), dir_fd=folder, follow_symlinks=False)


def is_fresh(folder: int) -> bool:
    """True when nothing was added to the folder or removed from it since the index was written."""
    return written_at(folder) == os.fstat(folder).st_mtime_ns


def written_at(folder: int) -> int:
    """The modification time of the index in nanoseconds: that of the folder while it is fresh; 0 without an index."""
    try:
        return os.stat(INDEX, dir_fd=folder, follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0


def was_fresh(path: str) -> bool:
    """True when the index of the folder at `path` is fresh, or was so before others published into the folder."""
    try:
        return os.lstat(f"{path}/{INDEX}").st_mtime_ns != 0
    except OSError:
        return False


def newest_name(folder: int) -> str | None:
    """The file name of the newest bundle, from the first bytes of the index."""
    try:
        match = _NEWEST.match(files.read_regular(INDEX, _HEAD, folder=folder)[0])
    except OSError:
        return None
    return match[1].decode() if match else None


def set_aside(folder: int) -> None:
    """Keep a broken index under another name, for inspection; only the last one is kept."""
    with files.tolerated():
        os.rename(INDEX, CORRUPT_INDEX, src_dir_fd=folder, dst_dir_fd=folder)
