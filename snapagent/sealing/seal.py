"""Makes a recorded call ready for the store: redacts, hashes, previews, compresses, and writes its header.

Works on inert graphs of the pickled bytes, so no code of the program runs here. Any failure raises, and the call is not
stored: bytes that were not searched for secrets are never written.
"""

from __future__ import annotations

from functools import lru_cache

from ..bundle import CALL, EFFECTS, OUTCOME, Header, Note, Part
from ..core.paths import EXCEPTION, RESERVED, RESULT, parameter_key
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
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Protocol

    from ..config.settings import Settings
    from ..serializer.inert.walk import Roots
    from .opened_call import Graphs
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
    sealing = Sealing(lambda: (raw, tape), rules, earlier)
    for stage in STAGES:
        stage(sealing)
    return sealing.sealed


class Sealing:
    """A call on its way through the stages of `seal`; `begin` gives the call and its tape.

    Many calls go through the stages side by side in up to a fifth less time than one after the other: the code and data
    of one stage do not drive those of the others from the processor's caches. `error` and `seconds` are for whoever
    runs the stages, and `graphs` those of the call and its outcome, where they have been read already.
    """

    __slots__ = (
        *("_begin", "_bound", "_canonical", "_earlier", "_effects", "_graphs", "_hashed", "_notes", "_opened"),
        *("_outcome", "_raw", "_redaction", "_rules", "_tape", "_values", "error", "sealed", "seconds"),
    )

    _opened: OpenedCall
    _redaction: Redaction | None
    sealed: Sealed

    def __init__(
        self,
        begin: Callable[[], tuple[RawCall, Tape | None]],
        rules: SealRules,
        earlier: EarlierSecrets | None,
        graphs: Graphs | None = None,
    ) -> None:
        self._begin = begin
        self._rules = rules
        self._earlier = earlier
        self._graphs = graphs
        self.error: Exception | None = None
        self.seconds = 0.0

    def take(self) -> Sealed | Exception:
        """What came of it, once: an error refers to frames that refer to this object."""
        error, self.error = self.error, None
        return self.sealed if error is None else error

    def open(self) -> None:
        self._raw, self._tape = raw, _ = self._begin()
        self._opened = OpenedCall(
            raw.parameters, raw.has_instance, raw.call, raw.defaults, raw.outcome, raw.raised, self._graphs
        )

    def redact(self) -> None:
        tape, redactor = self._tape, self._rules.redactor
        if tape is None:
            self._redaction = self._opened.redact(redactor, self._earlier)
        else:
            self._redaction = self._opened.redact(redactor, self._earlier, tape.roots, tape.streams)

    def hash(self) -> None:
        raw, opened, redaction, tape = self._raw, self._opened, self._redaction, self._tape
        changed = redaction.changed if redaction is not None else _NOTHING
        cut = (
            [note for name in (CALL, OUTCOME) if name in changed for note in cut_deep(opened.roots[name])]
            if changed
            else []
        )
        self._bound, self._outcome = bound, outcome = opened.bound(), opened.outcome()
        self._canonical = Canonical()
        self._hashed = argument_hash(bound, opened.instance_name, self._canonical)
        self._values = {
            CALL: encode(opened.call()) if CALL in changed else raw.call,
            OUTCOME: encode(outcome) if OUTCOME in changed else raw.outcome,
        }
        self._notes = _notes(raw, redaction, cut)
        self._effects: dict[str, Any] | None = None
        if tape is not None:
            self._values[EFFECTS], self._effects, more_notes = tape.sealed(redaction)
            self._notes = (*self._notes, *more_notes)

    def show(self) -> None:
        raw, opened, bound = self._raw, self._opened, self._bound
        shape = shape_of(bound, opened.instance_name)
        values = dict(bound)
        if not RESERVED.isdisjoint(bound):
            values = {parameter_key(name): value for name, value in bound.items()}
        values[EXCEPTION if raw.raised else RESULT] = self._outcome
        shown = previews(values, self._canonical)
        parts, payload = _parts(self._values, raw.serializer, self._rules.compression)
        self.sealed = build_header(raw, shape, shown, self._hashed, parts, self._notes, self._effects), payload


STAGES: tuple[Callable[[Sealing], None], ...] = (Sealing.open, Sealing.redact, Sealing.hash, Sealing.show)


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
