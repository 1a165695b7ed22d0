"""From a recorded call to what is stored: redact, hash, preview, compress, and the header that explains it all.

Works on pickled bytes by inert stand-ins: nothing of the program runs here. Whatever fails raises, and then the call is
not stored: what was not looked through is not written.
"""

from __future__ import annotations

import time
from functools import lru_cache

from . import __version__
from .bundle import CALL, OUTCOME, Header, Note, Part
from .graph_places import Roots
from .hashing import argument_hash
from .paths import EXCEPTION, RESULT, parameter_key
from .portability import interpreter, package_versions
from .preview import preview_text, preview_tree
from .records import Record
from .redaction import Redaction, Redactor
from .serializer.inert import InertError, decode, encode
from .signature import VAR_KEYWORD, VAR_POSITIONAL, Parameters
from .targets import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .settings import Settings

DEFAULTS = "defaults"  # a part that is not stored: it enters the hash and the previews


class RawCall(Record):
    """A call as the recorder froze it: `call` is the pickle of (instance or None, args, kwargs), `outcome` of the result
    or exception, `defaults` of {parameter: default}. `started` is seconds since 1970, `duration` seconds.
    """

    target: Target
    kind: str
    flavor: str
    parameters: Parameters
    call: bytes
    outcome: bytes
    raised: bool
    started: float
    duration: float
    defaults: bytes | None = None
    call_notes: tuple[Note, ...] = ()
    outcome_notes: tuple[Note, ...] = ()
    by_value: tuple[str, ...] = ()
    packages: frozenset[str] = frozenset()
    exception: str | None = None
    ended: str = "complete"
    serializer: str = "pickle"

    @property
    def has_instance(self) -> bool:
        """Whether the first argument is the bound instance or class."""
        return self.kind in ("method", "classmethod")


class SealRules(Record):
    """How the calls of one target are sealed. `key` makes the pseudonyms."""

    key: bytes
    redact: tuple[str, ...] = ()
    redact_allow: tuple[str, ...] = ()
    compression: str = "none"

    @classmethod
    def of(cls, settings: Settings, key: bytes) -> SealRules:
        return cls(key, settings.redact, settings.redact_allow, settings.compression)

    @property
    def redactor(self) -> Redactor:
        return _redactor(self)


@lru_cache(maxsize=256)
def _redactor(rules: SealRules) -> Redactor:
    return Redactor(rules.redact, rules.redact_allow, rules.key)


def seal(raw: RawCall, rules: SealRules) -> tuple[Header, dict[str, bytes]]:
    """The header and the stored bytes of each part. Raises when the call cannot be looked through."""
    opened = Opened(raw)
    redaction = opened.redact(rules.redactor)
    bound, outcome = opened.bound(), opened.outcome()
    instance = raw.parameters.items[0][0] if raw.has_instance and raw.parameters.items else None
    hashed = argument_hash(bound, instance)
    shown = {parameter_key(name): value for name, value in bound.items()}
    shown[EXCEPTION if raw.raised else RESULT] = outcome
    parts, payload = _parts(opened, redaction, rules.compression)
    header = Header(
        target=str(raw.target),
        kind=raw.kind,
        flavor=raw.flavor,
        timestamp=timestamp(raw.started),
        duration=round(raw.duration, 9),
        outcome="raised" if raw.raised else "returned",
        hash=hashed.hash,
        call_hash=hashed.call_hash,
        parts=parts,
        exception=raw.exception,
        ended=raw.ended,
        parameters=raw.parameters.items,
        previews={path: preview_text(value) for path, value in shown.items()},
        tree={path: preview_tree(value) for path, value in shown.items()},
        notes=_notes(raw, redaction),
        opaque=hashed.opaque,
        packages=package_versions(raw.packages),
        by_value=raw.by_value,
        snapagent=__version__,
        **interpreter(),
    )
    return header, payload


class Opened:
    """The graphs of one call, ready to be redacted: its values by name and path, each part on its own."""

    def __init__(self, raw: RawCall) -> None:
        self.raw = raw
        instance, args, kwargs = _call_of(raw.call)
        self._positional = (instance, *args) if raw.has_instance else args
        self._names = list(kwargs)
        self._call = Roots()
        for keys, name, value in _named_positional(raw.parameters, self._positional):
            self._call.add(keys, name, value)
        for name, value in kwargs.items():
            self._call.add(_keyword_keys(raw.parameters, name), name, value)
        self._outcome = Roots()
        self._outcome.add((EXCEPTION if raw.raised else RESULT,), None, decode(raw.outcome))
        self._defaults = Roots.of(decode(raw.defaults)) if raw.defaults is not None else Roots()

    def redact(self, redactor: Redactor) -> Redaction | None:
        """Redact in place; None when there was nothing to look for."""
        raw = self.raw
        parts = {CALL: self._call, OUTCOME: self._outcome, DEFAULTS: self._defaults}
        streams = {CALL: raw.call, OUTCOME: raw.outcome, DEFAULTS: raw.defaults or b""}
        if all(redactor.is_clean(roots, streams[name]) for name, roots in parts.items()):
            return None
        redaction = redactor.begin()
        for name, roots in parts.items():
            redaction.look(name, roots)
        redaction.finish()
        return redaction

    def call(self) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        """(instance or None, args, kwargs), as they are now."""
        values = self._call.values
        count = len(self._positional)
        positional, keywords = values[:count], dict(zip(self._names, values[count:], strict=True))
        if self.raw.has_instance:
            return positional[0], tuple(positional[1:]), keywords
        return None, tuple(positional), keywords

    def outcome(self) -> Any:
        return self._outcome.values[0]

    def bound(self) -> dict[str, Any]:
        """Values by parameter name, defaults applied."""
        instance, args, kwargs = self.call()
        positional = (instance, *args) if self.raw.has_instance else args
        defaults = dict(zip(self._defaults.labels, self._defaults.values, strict=True))
        return self.raw.parameters.bind(positional, kwargs, defaults)


def _call_of(data: bytes) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    graph = decode(data)
    if type(graph) is not tuple or [type(item) for item in graph[1:]] != [tuple, dict]:
        raise InertError("the call is not (instance, args, kwargs)")
    return graph


def _named_positional(parameters: Parameters, values: tuple[Any, ...]) -> list[tuple[tuple[object, ...], str, Any]]:
    """(path keys, name, value) of positional arguments; those of `*args` go by its name and their index."""
    found: list[tuple[tuple[object, ...], str, Any]] = []
    names = [name for name, kind in parameters.items if kind.startswith("positional")]
    star = next((name for name, kind in parameters.items if kind == VAR_POSITIONAL), "args")
    for index, value in enumerate(values):
        if index < len(names):
            found.append(((parameter_key(names[index]),), names[index], value))
        else:
            found.append(((parameter_key(star), index - len(names)), star, value))
    return found


def _keyword_keys(parameters: Parameters, name: str) -> tuple[object, ...]:
    for parameter, kind in parameters.items:
        if parameter == name and kind not in (VAR_POSITIONAL, VAR_KEYWORD):
            return (parameter_key(name),)
    star = next((parameter for parameter, kind in parameters.items if kind == VAR_KEYWORD), "kwargs")
    return (parameter_key(star), name)


def _parts(opened: Opened, redaction: Redaction | None, compression: str) -> tuple[tuple[Part, ...], dict[str, bytes]]:
    raw = opened.raw
    changed = redaction.changed if redaction is not None else frozenset[str]()
    streams = {
        CALL: encode(opened.call()) if CALL in changed else raw.call,
        OUTCOME: encode(opened.outcome()) if OUTCOME in changed else raw.outcome,
    }
    if compression == "none":
        payload = streams
    else:
        from .store.compression import compress  # the store's libraries, only when they are asked for

        payload = {name: compress(compression, data) for name, data in streams.items()}
    parts = tuple(
        Part(name, raw.serializer, compression, len(payload[name]), len(streams[name])) for name in (CALL, OUTCOME)
    )
    return parts, payload


def _notes(raw: RawCall, redaction: Redaction | None) -> tuple[Note, ...]:
    notes = raw.call_notes + raw.outcome_notes
    if redaction is None:
        return notes
    found = [*redaction.notes[CALL], *redaction.notes[OUTCOME]]
    cleaned = [note.replace(path=redaction.scrub(note.path), detail=redaction.scrub(note.detail)) for note in notes]
    return (*cleaned, *found)


def timestamp(seconds: float) -> str:
    """UTC, ISO 8601 with microseconds."""
    whole, micro = divmod(round(seconds * 1e6), 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{micro:06d}Z"
