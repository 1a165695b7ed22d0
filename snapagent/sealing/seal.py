"""Makes a recorded call ready for the store: redacts, hashes, previews, compresses, and writes its header.

Works on inert graphs of the pickled bytes, so no code of the program runs here. Any failure raises, and the call is not
stored: bytes that were not searched for secrets are never written.
"""

from __future__ import annotations

from functools import lru_cache

from ..bundle import CALL, EFFECTS, OUTCOME, Header, Note, Part
from ..core.paths import EXCEPTION, RESULT, parameter_key
from ..core.records import Record
from ..serializer.inert.depth import cut_deep
from ..serializer.inert.encode import encode
from .hashing.canonical import Canonical, argument_hash
from .header import build_header
from .opened_call import OpenedCall
from .preview_tree import previews
from .redaction.earlier import EarlierSecrets
from .redaction.redact import Redaction
from .redaction.rules import Redactor
from .shape import shape_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Protocol

    from ..config.settings import Settings
    from ..serializer.inert.walk import Roots
    from .raw_call import RawCall

    Sealed = tuple[Header, dict[str, bytes]]

    class Tape(Protocol):
        """The effects of a call: their graphs, and after the redaction the part, the summary and the notes."""

        @property
        def roots(self) -> Mapping[str, Roots]: ...
        @property
        def streams(self) -> Iterable[bytes]: ...
        def sealed(self, redaction: Redaction | None) -> tuple[bytes, dict[str, Any], list[Note]]: ...


_NOTHING: frozenset[str] = frozenset()


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
        """Made once for each set of rules."""
        return _redactor(self.redact, self.redact_allow, self.key)


@lru_cache(maxsize=256)
def _redactor(added: tuple[str, ...], allowed: tuple[str, ...], key: bytes) -> Redactor:
    return Redactor(added, allowed, key)


def seal(raw: RawCall, rules: SealRules, earlier: EarlierSecrets | None = None, tape: Tape | None = None) -> Sealed:
    """The header and the stored bytes of each part; `earlier` has the secrets of the calls sealed before.

    Raises InertError when the call cannot be decoded.
    """
    for sealed in seal_in_stages(raw, rules, earlier, tape):
        if sealed is not None:
            return sealed
    raise AssertionError


def seal_in_stages(
    raw: RawCall, rules: SealRules, earlier: EarlierSecrets | None = None, tape: Tape | None = None
) -> Iterator[Sealed | None]:
    """What `seal` does, in steps: None after each stage, and in the end what it returns.

    Calls that go through the stages side by side take a fifth less time: the code and data of one stage do not drive
    those of the others from the processor's caches.
    """
    opened = OpenedCall(raw.parameters, raw.has_instance, raw.call, raw.defaults, raw.outcome, raw.raised)
    yield None
    if tape is None:
        redaction = opened.redact(rules.redactor, earlier)
    else:
        redaction = opened.redact(rules.redactor, earlier, tape.roots, tape.streams)
    yield None
    changed = redaction.changed if redaction is not None else _NOTHING
    cut = (
        [note for name in (CALL, OUTCOME) if name in changed for note in cut_deep(opened.roots[name])]
        if changed
        else []
    )
    bound, outcome, formed = opened.bound(), opened.outcome(), opened.formed
    canonical = Canonical()
    hashed = formed.hashed() if formed is not None else None
    if hashed is None:
        hashed = argument_hash(bound, opened.instance_name, canonical)
    values = {
        CALL: encode(opened.call()) if CALL in changed else raw.call,
        OUTCOME: encode(outcome) if OUTCOME in changed else raw.outcome,
    }
    notes = _notes(raw, redaction, cut)
    effects: dict[str, Any] | None = None
    if tape is not None:
        values[EFFECTS], effects, more_notes = tape.sealed(redaction)
        notes = (*notes, *more_notes)
    yield None
    parts, payload = _parts(values, raw.serializer, rules.compression)
    shape = formed.shape() if formed is not None else shape_of(bound, opened.instance_name)
    yield None
    if formed is not None:
        shown = formed.previews([*bound.values(), outcome])
    else:
        values_by_path = {parameter_key(name): value for name, value in bound.items()}
        values_by_path[EXCEPTION if raw.raised else RESULT] = outcome
        shown = previews(values_by_path, canonical)
    yield build_header(raw, shape, shown, hashed, parts, notes, effects), payload


def shape_before_sealing(raw: RawCall) -> str:
    """The shape of a call that is not sealed, so that nothing is redacted in it: to compare, and never to be stored.

    Raises InertError when the call cannot be decoded.
    """
    opened = OpenedCall(raw.parameters, raw.has_instance, raw.call, raw.defaults)
    return shape_of(opened.bound(), opened.instance_name)


def _parts(payload: dict[str, bytes], serializer: str, compression: str) -> tuple[tuple[Part, ...], dict[str, bytes]]:
    stored = payload
    if compression != "none":
        from ..store.compression import deflate, usable  # imports the library only when it is used

        compression = usable(compression)
        stored = {name: deflate(compression, data) for name, data in payload.items()}
    parts = [Part(name, serializer, compression, len(stored[name]), len(data)) for name, data in payload.items()]
    return tuple(parts), stored


def _notes(raw: RawCall, redaction: Redaction | None, cut: list[Note]) -> tuple[Note, ...]:
    notes = raw.call_notes + raw.outcome_notes
    if redaction is None:
        return notes
    cleaned = [note.replace(path=redaction.scrub(note.path), detail=redaction.scrub(note.detail)) for note in notes]
    return (*cleaned, *redaction.notes[CALL], *redaction.notes[OUTCOME], *cut)
