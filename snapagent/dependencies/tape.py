"""The part of a bundle that holds its effects: recorded calls of dependencies, each readable without the others.

Layout: a line `<count> <bytes of the first effect> <bytes of the second> ...`, then for each effect::

    <head bytes> <digest>\\n                                  one ASCII line; digest: 16 hex digits over head and blobs
    {"dependency": "shop.repo:find", ..., "sizes": {...}}    the head, JSON
    <call><outcome><after>                                   pickles, of the sizes that the head lists

A damaged effect costs only itself: `decode_effects` returns an `UndecodableEffect` in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256

from ..core.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

READ, WRITE = "read", "write"  # roles
RETURNED, RAISED, PENDING = "returned", "raised", "pending"  # outcomes; pending: not ended when the target returned
STORED, HANDLE, SKIPPED = "stored", "handle", "skipped"  # what became of the result
ITEMS = "items"  # of an iterator: `(the items that were taken, whether these are all)`
ATTRIBUTE = "attribute"  # a flavor: the reading of an attribute, not a call
CALL, OUTCOME, AFTER = "call", "outcome", "after"  # the blobs, in this order
BLOBS = (CALL, OUTCOME, AFTER)
MOST_PREVIEWS = 20  # effects that the summary in the header describes
_SCALARS = (
    "dependency",
    "preset",
    "role",
    "repeat",
    "flavor",
    "receiver",
    "path",
    "start",
    "end",
    "outcome",
    "ended",
    "exception",
    "kept",
    "result_type",
    "key",
    "shape",
    "is_argument",
    "same_as",
    "parameters",
    "exclude",
)


class StoredEffect(Record):
    """One recorded call of a dependency. Its index in the tape is its start order.

    Blobs are pickles, after redaction. `call` is `(None, args, kwargs)`: without the bound instance, without excluded
    arguments. `outcome` is the result or the exception; of a generator the list of its items, or `(items, exception)`
    when it raised; None when nothing is stored. `after` is `(None, args, kwargs)` as they were when the call ended,
    where that differs from `call`, else None.
    """

    dependency: str  # module:qualname of the wrapped callable
    preset: str = ""  # the preset that describes and rebuilds it; empty for the program's own functions
    role: str = WRITE
    repeat: str = "steady"  # never | steady | last
    flavor: str = "plain"  # plain | coroutine | generator | async_generator | attribute
    receiver: str | None = None  # path of a placeholder argument of the target (`self.session`), or `effect 4`
    path: tuple[str, ...] = ()  # qualified names from the caller of the dependency up to the target, at most eight
    start: int = 0
    end: int | None = None  # position among all endings of the tape; None when pending
    outcome: str = RETURNED  # returned | raised | pending
    ended: str = "complete"  # complete | closed | cancelled | capped
    exception: str | None = None  # module.qualname of the exception type
    kept: str = STORED  # stored | handle | skipped | items
    result_type: str = ""  # module:qualname of a result that is a handle
    key: str = ""  # see dependencies.keys
    shape: str = ""  # what stays when values change: SQL text, HTTP method and path, else the dependency's name
    is_argument: str | None = None  # the result is the very object of this argument: `rows`, `args[2]`, `self`
    same_as: int | None = None  # the result is the very object that this earlier effect returned
    parameters: tuple[tuple[str, str], ...] = ()  # of the dependency, without the bound instance
    exclude: tuple[str, ...] = ()  # parameters that do not enter the key
    blobs: Mapping[str, bytes] = {}

    @property
    def call(self) -> bytes | None:
        return self.blobs.get(CALL)

    @property
    def result(self) -> bytes | None:
        """The pickle of the outcome."""
        return self.blobs.get(OUTCOME)

    @property
    def after(self) -> bytes | None:
        return self.blobs.get(AFTER)


class UndecodableEffect(Record):
    """Stands for an effect whose bytes are damaged; it is never made live in its place."""

    index: int
    reason: str


def encode_effects(effects: Iterable[StoredEffect]) -> bytes:
    """The bytes of the part."""
    frames = [_frame(effect) for effect in effects]
    sizes = "".join(f" {len(frame)}" for frame in frames)
    return b"".join([b"%d%s\n" % (len(frames), sizes.encode("ascii")), *frames])


def _frame(effect: StoredEffect) -> bytes:
    blobs = [(name, effect.blobs[name]) for name in BLOBS if effect.blobs.get(name) is not None]
    fields: dict[str, Any] = {}
    for name in _SCALARS:
        value = getattr(effect, name)
        if value != _DEFAULTS.get(name, ...):
            fields[name] = value
    fields["sizes"] = {name: len(data) for name, data in blobs}
    head = _encoder.encode(fields).encode("ascii")
    body = b"".join([head, *(data for _, data in blobs)])
    return b"%d %s\n%s" % (len(head), _digest(body), body)


def decode_effects(data: bytes) -> tuple[StoredEffect | UndecodableEffect, ...]:
    """The effects of a part, in start order. Raises ValueError when its first line cannot be read."""
    end = data.index(b"\n") + 1
    count, *sizes = (int(word) for word in data[:end].split())
    if count != len(sizes):
        raise ValueError("the first line of the effects is damaged")
    found = []
    for index, size in enumerate(sizes):
        found.append(_effect(index, data[end : end + size]))
        end += size
    return tuple(found)


def _effect(index: int, frame: bytes) -> StoredEffect | UndecodableEffect:
    try:
        begin = frame.index(b"\n") + 1
        size, digest = frame[:begin].split()
        if _digest(frame[begin:]) != digest:
            return UndecodableEffect(index, "its bytes are damaged")
        stop = begin + int(size)
        fields = json.loads(frame[begin:stop])
        blobs = {}
        for name, length in fields["sizes"].items():
            blobs[name] = frame[stop : stop + length]
            stop += length
        fields = {name: value for name, value in fields.items() if name in _SCALARS}
        fields["path"] = tuple(fields.get("path", ()))
        fields["exclude"] = tuple(fields.get("exclude", ()))
        fields["parameters"] = tuple([(str(name), str(kind)) for name, kind in fields.get("parameters", ())])
        return StoredEffect(**fields, blobs=blobs)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return UndecodableEffect(index, f"it cannot be read ({type(error).__name__})")


def _digest(body: bytes) -> bytes:
    return sha256(body).hexdigest()[:16].encode("ascii")


class Summary(Record):
    """What the header says about the tape, as `Header.effects`.

    `dependencies` maps each name (the preset's word, else `module:qualname`) to its numbers of reads and writes;
    `previews` has the first effects, a dict each: `dependency`, `role`, `shape`, `arguments`, `result`. `reason` says
    why a tape is not complete, `late` counts effects that began or ended after the target had, `seconds` is the wall
    time of the target's call with all recording in it: clock readings lie within that time.
    """

    count: int = 0
    complete: bool = True
    reason: str = ""
    late: int = 0
    seconds: float = 0.0
    dependencies: Mapping[str, tuple[int, int]] = {}
    previews: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def of_header(cls, effects: Mapping[str, Any]) -> Summary | None:
        """From `Header.effects`; None for a bundle without effects. Raises ValueError or TypeError."""
        if not effects:
            return None
        fields = {name: value for name, value in effects.items() if name in cls._fields}
        counts = fields.get("dependencies", {})
        fields["dependencies"] = {str(name): (int(reads), int(writes)) for name, (reads, writes) in counts.items()}
        fields["previews"] = tuple(dict(preview) for preview in fields.get("previews", ()))
        return cls(**fields)


_encoder = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_DEFAULTS = {name: getattr(StoredEffect, name) for name in _SCALARS if hasattr(StoredEffect, name)}
