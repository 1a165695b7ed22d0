"""The file format of a bundle: one captured call, explained by a header before anything is unpickled.

Layout of a `.pkl` file, format 1 or 2::

    snapagent-bundle 1 <header bytes> <mac> <digest>\\n      one ASCII line
    {"target": "shop.pricing:quote", ...}                    the header, JSON, of the length that the line says
    <part><part>...                                          the parts, of the sizes that the header lists

`digest` is the SHA-256 of everything but itself, so that each changed, missing or added byte is detected; `mac` is
`<key id>:<HMAC-SHA256>` of the format number, the header and the parts when the writer has a key, else `-`.
The target is inside the header, so a signed bundle cannot be moved under another function.

A bundle that holds effects is of format 2, any other of format 1. The layout is the same, but a reader that knows
nothing about effects would call the live dependencies, so it must refuse the file.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from .core.header_json import sealed_json
from .core.json_text import JsonMapping, to_text
from .core.records import Record
from .errors import CorruptBundleError, UnsupportedFormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
FORMAT_WITH_EFFECTS = 2
FORMATS = (FORMAT, FORMAT_WITH_EFFECTS)  # that this version reads
MAGIC = b"snapagent-bundle "
MAX_LINE = 512  # bytes: the first line is never longer
MAX_HEADER = 16 * 1024 * 1024  # bytes: a larger claim is refused
CALL = "call"  # the part that holds (instance or None, args, kwargs) as pickled before the call
OUTCOME = "outcome"  # the part that holds the returned value or the exception as pickled after the call
EFFECTS = "effects"  # the part that holds the calls of dependencies: see dependencies.tape

# The words of a header: what was called, how its code runs, and how a generator or coroutine ended.
FUNCTION, METHOD, CLASSMETHOD, STATICMETHOD = "function", "method", "classmethod", "staticmethod"
BOUND_KINDS = (METHOD, CLASSMETHOD)  # the first argument of these is the bound instance or class
PLAIN, COROUTINE, GENERATOR, ASYNC_GENERATOR = "plain", "coroutine", "generator", "async_generator"
COMPLETE, CLOSED, CANCELLED, CAPPED = "complete", "closed", "cancelled", "capped"

# What `Header.origin` may hold. All of it is optional.
SETTINGS_MODULE = "DJANGO_SETTINGS_MODULE"  # the value of that environment variable
IMPORTED_BY = (
    "imported_by"  # modules that were importing the target's module first, outermost first, with spaces between
)
HOST = "host"  # the name of the machine
PROCESS_START = "process_start"  # when the process began, UTC to the second
REVISION = "revision"  # of the program, as its deploy says
TRACE_ID, SPAN_ID = "trace_id", "span_id"  # of OpenTelemetry, hexadecimal
FOLDER = "folder"  # where the target's top-level package lies: relative to the working directory where it is below it

# What `Header.accepted` holds when a replay's outcome was put in place of the captured one.
TIME, BY, SECONDS = "time", "by", "seconds"  # when (ISO 8601), by which command, the wall time of that replay


class Part(Record):
    """One separately loadable piece of a bundle; `size` and `raw_size` are bytes, stored and inflated."""

    name: str
    serializer: str
    compression: str
    size: int
    raw_size: int


class Note(Record):
    """Says why a value is missing from the bundle or is not as it was.

    `kind` is `excluded`, `redacted`, `unstorable`, `too_big`, `too_deep`, `lazy`, `fresh` (a lock that comes back
    unlocked) or `may_be_torn` (code by value, whose parts another thread may have changed while it was stored); `path`
    follows the design's path grammar; `detail` has the shape, length or size where it is known.
    """

    path: str
    kind: str
    type: str
    reason: str
    detail: str = ""


class Header(Record):
    """The facts about a bundle that can be read without unpickling.

    Times are UTC ISO 8601 with microseconds, durations are seconds, sizes bytes.
    """

    target: str  # module:qualname
    kind: str  # function | method | classmethod | staticmethod
    flavor: str  # plain | coroutine | generator | async_generator
    timestamp: str
    duration: float
    outcome: str  # returned | raised
    hash: str  # h1:<hex> or h2:<hex> over the arguments by parameter name, the bound instance included
    call_hash: str  # the same without the bound instance
    parts: tuple[Part, ...]
    exception: str | None = None  # module.qualname of the exception type
    ended: str = COMPLETE  # complete | closed | cancelled | capped: how a generator or coroutine ended
    parameters: tuple[tuple[str, str], ...] = ()  # (name, kind), kinds as inspect.Parameter names them, lower case
    shape: str = ""  # of the arguments: see sealing.shape; empty in bundles of earlier versions
    previews: Mapping[str, str] = {}  # path of a top-level value -> bounded text
    tree: Mapping[str, object] = {}  # path of a top-level value -> bounded preview tree for show and diff
    notes: tuple[Note, ...] = ()
    opaque: tuple[str, ...] = ()  # paths that entered the hash by type name only
    python: str = ""
    implementation: str = ""
    platform: str = ""
    packages: Mapping[str, str] = {}  # distribution name -> version, of the types that occur
    by_value: tuple[str, ...] = ()  # names of the functions and classes whose code is inside the bundle
    snapagent: str = ""
    origin: Mapping[str, object] = {}  # facts about the capturing process that a replay needs; keys as above
    format: int = FORMAT
    effects: Mapping[str, Any] = {}  # summary of the effects: see dependencies.tape; empty for a bundle without
    accepted: Mapping[str, object] = {}  # keys as above; empty while the outcome is the captured one

    @property
    def outcome_kind(self) -> str:
        """`returned`, or the type of the exception: what `keep_outcomes` tells apart."""
        return self.exception or self.outcome

    @property
    def part_names(self) -> list[str]:
        return [part.name for part in self.parts]

    def to_json(self) -> bytes:
        """ASCII, so that no lone surrogate and no terminal control character can hide in it."""
        if type(self.tree) is JsonMapping:
            try:
                return sealed_json(self, self.tree.text).encode("ascii")
            except TypeError:
                pass  # facts of other types than sealing gives, from the header of a strange file
        fields = self.as_dict()
        fields["parts"] = [part.as_dict() for part in self.parts]
        fields["notes"] = [note.as_dict() for note in self.notes]
        for name in ("effects", "accepted"):
            if not fields[name]:
                del fields[name]
        return to_text(fields).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes) -> Header:
        """Raises ValueError, KeyError or TypeError when `data` is not a header; unknown fields are ignored."""
        fields = json.loads(data)
        if not isinstance(fields, dict):
            raise ValueError("the header is not a JSON object")
        for name in fields.keys() - _KNOWN:
            del fields[name]
        fields["parts"] = tuple([Part(**part) for part in fields["parts"]])
        fields["notes"] = tuple([Note(**note) for note in fields.get("notes", ())])
        fields["parameters"] = tuple([(str(name), str(kind)) for name, kind in fields.get("parameters", ())])
        for name in ("origin", "accepted"):
            if not isinstance(fields.setdefault(name, {}), dict):
                raise ValueError(f"its {name} is not a JSON object")
        for name in ("opaque", "by_value"):
            fields[name] = tuple(fields.get(name, ()))
        return cls(**fields)


_KNOWN = frozenset(Header._fields)
_FORMAT_WORDS = frozenset(b"%d" % number for number in FORMATS)


class WrittenHeader:
    """The header of a call that returned, without effects, as it is written, and what a store asks a header for."""

    __slots__ = ("_json", "hash", "shape", "timestamp")

    format = FORMAT
    part_names = (CALL, OUTCOME)
    outcome = "returned"
    exception = None

    def __init__(self, json: bytes, timestamp: str, hash_: str, shape: str) -> None:
        self._json = json
        self.timestamp = timestamp
        self.hash = hash_
        self.shape = shape

    def to_json(self) -> bytes:
        return self._json


class SigningKey(Record):
    """A key for HMAC-SHA256. `id` is the first eight hex digits of the key's SHA-256: it names, it reveals nothing."""

    secret: bytes

    @property
    def id(self) -> str:
        return sha256(b"snapagent key id\0" + self.secret).hexdigest()[:8]

    def sign(self, message: bytes) -> str:
        return hmac.new(self.secret, message, sha256).hexdigest()


class BundleFile(Record):
    """A bundle as it lies on disk, checked: the header, the stored bytes of each part, and who signed it."""

    header: Header
    payload: Mapping[str, bytes]  # part name -> bytes as stored (still compressed)
    digest: str  # hex SHA-256 of the file, as in its first line
    mac: str  # "-" or "<key id>:<hex>"
    signed: bytes  # the message that the mac is over

    def signed_by(self, keys: Sequence[SigningKey]) -> bool:
        """Whether one of `keys` made the mac, in constant time per key."""
        key_id, _, mac = self.mac.partition(":")
        return any(key.id == key_id and hmac.compare_digest(key.sign(self.signed), mac) for key in keys)


def encode(header: Header | WrittenHeader, payload: Mapping[str, bytes], key: SigningKey | None = None) -> bytes:
    """The bytes of a bundle file. `payload` holds the stored bytes of each of the parts."""
    head = header.to_json()
    body = b"".join([head, *[payload[name] for name in header.part_names]])
    mac = f"{key.id}:{key.sign(_message(header.format, body))}" if key is not None else "-"
    start = b"%s%d %d %s " % (MAGIC, header.format, len(head), mac.encode())
    return b"%s%s\n%s" % (start, sha256(start + body).hexdigest().encode(), body)


def _message(format_number: int, body: bytes) -> bytes:
    return b"snapagent %d\0" % format_number + body


def decode(data: bytes, path: str) -> BundleFile:
    """Check and split the bytes of a bundle file; nothing is unpickled.

    Raises:
        CorruptBundleError: torn, altered, or not a bundle.
        UnsupportedFormatError: of a format that this version does not read.
    """
    start, line = _first_line(data, path)
    body = data[line.end :]
    if sha256(start + body).hexdigest() != line.digest:
        raise CorruptBundleError(path, "its digest does not fit its bytes (torn or altered)")
    header = _header(body[: line.header_size], path)
    offset = line.header_size
    payload: dict[str, bytes] = {}
    for part in header.parts:
        payload[part.name] = body[offset : offset + part.size]
        offset += part.size
    if offset != len(body):
        raise CorruptBundleError(path, f"its parts end at byte {offset} of {len(body)}")
    return BundleFile(header, payload, line.digest, line.mac, _message(line.format, body))


def decode_header(data: bytes, path: str) -> Header:
    """The header from the first bytes of a file (`header_size` says how many); the digest is not checked."""
    _, line = _first_line(data, path)
    return _header(data[line.end : line.end + line.header_size], path)


def header_size(data: bytes, path: str) -> int:
    """How many bytes from the start of the file hold the line and the header; `data` is at least MAX_LINE or all."""
    _, line = _first_line(data, path)
    return line.end + line.header_size


class _Line(Record):
    format: int
    header_size: int
    mac: str
    digest: str
    end: int


def _first_line(data: bytes, path: str) -> tuple[bytes, _Line]:
    if not data.startswith(MAGIC):
        raise CorruptBundleError(path, "it is empty" if not data else "it is not a snapagent bundle")
    end = data.find(b"\n", 0, MAX_LINE) + 1
    words = data[len(MAGIC) : max(end - 1, 0)].split(b" ")
    if words and words[0].isdigit() and len(words[0]) < 10 and words[0] not in _FORMAT_WORDS and end:
        readable = " and ".join(map(str, FORMATS))
        raise UnsupportedFormatError(path, f"it is of format {words[0].decode()}, this version reads {readable}")
    try:
        number, size, mac, digest = (word.decode("ascii") for word in words)
        line = _Line(int(number), int(size), mac, digest, end)
    except ValueError:
        raise CorruptBundleError(path, "its first line is broken") from None
    if not end or not 0 <= line.header_size <= MAX_HEADER or len(digest) != 64:
        raise CorruptBundleError(path, "its first line is broken")
    return data[: end - 1 - len(digest)], line


def _header(data: bytes, path: str) -> Header:
    try:
        return Header.from_json(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptBundleError(path, f"its header cannot be read ({type(error).__name__})") from error
