"""A tape as it was recorded: sealed together with its bundle, so that one redaction covers all of it.

`sealing.seal` asks for the graphs of all effects, redacts them with those of the call, and then asks for the part and
the summary. No code of the program runs.
"""

from __future__ import annotations

from ..bundle import Note
from ..core.paths import parameter_key
from ..core.records import Record
from ..core.signature import Parameters
from ..sealing.opened_call import OpenedCall
from ..sealing.preview import preview_text
from ..serializer.freezing.parts import arguments_of
from ..serializer.inert.decode import decode
from ..serializer.inert.depth import cut_deep
from ..serializer.inert.encode import encode
from ..serializer.inert.walk import Roots
from .keys import Interval, key_of_call
from .tape import (
    AFTER,
    CALL,
    MOST_PREVIEWS,
    OUTCOME,
    READ,
    StoredEffect,
    Summary,
    UndecodableEffect,
    decode_effects,
    encode_effects,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from ..sealing.redaction.redact import Redaction


class RawEffect(Record):
    """One effect with the bytes of its blobs, before redaction; `effect` has everything else but the key.

    `defaults` is the pickle of {parameter: default}; `exclude` are the parameters that do not enter the key.
    """

    effect: StoredEffect
    call: bytes | None = None
    outcome: bytes | None = None
    after: bytes | None = None
    defaults: bytes | None = None
    exclude: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()

    @classmethod
    def of_stored(cls, stored: StoredEffect, notes: tuple[Note, ...] = ()) -> RawEffect:
        """An effect of a bundle, to be sealed again; paths of `notes` begin at the effect."""
        return cls(stored, stored.call, stored.result, stored.after, exclude=stored.exclude, notes=notes)


class RawTape:
    """All effects of one call of a target."""

    def __init__(self, effects: Sequence[RawEffect], summary: Summary, interval: Interval) -> None:
        self._effects = effects
        self._summary = summary
        self._interval = interval
        self._graphs: dict[str, Any] = {}
        self._roots: dict[str, Roots] = {}
        for index, raw in enumerate(effects):
            self._open(index, raw)

    @classmethod
    def of_stored(cls, data: bytes, summary: Mapping[str, Any], started: float) -> RawTape:
        """From the part of a bundle and the summary in its header, to be sealed again; `started`: seconds since 1970.

        Effects that the redaction leaves as they are keep their keys: default values, which enter keys, are not stored.
        Raises ValueError when an effect cannot be decoded, since it cannot be searched for secrets either.
        """
        effects: list[RawEffect] = []
        for stored in decode_effects(data):
            if isinstance(stored, UndecodableEffect):
                raise ValueError(f"effect {stored.index}: {stored.reason}")
            effects.append(RawEffect.of_stored(stored))
        return cls.of_header(effects, summary, started)

    @classmethod
    def of_header(cls, effects: Sequence[RawEffect], summary: Mapping[str, Any], started: float) -> RawTape:
        """A tape in place of the one that the summary in a header is about; `started`: seconds since 1970."""
        known = Summary.of_header(summary) or Summary()
        return cls(effects, known, Interval(started, started + known.seconds))

    def _open(self, index: int, raw: RawEffect) -> None:
        parameters = Parameters(raw.effect.parameters)
        for name, data in ((CALL, raw.call), (AFTER, raw.after)):
            if data is not None:
                graph = decode(data)
                roots = Roots()
                step = () if name == CALL else ("after",)
                for keys, label, value in arguments_of(parameters, graph[1], graph[2]):
                    roots.add(("effects", index, *step, *keys), label, value)
                self._keep(index, name, graph, roots)
        if raw.outcome is not None:
            graph = decode(raw.outcome)
            roots = Roots()
            roots.add(("effects", index, "result" if raw.effect.exception is None else "exception"), None, graph)
            self._keep(index, OUTCOME, graph, roots)

    def _keep(self, index: int, name: str, graph: Any, roots: Roots) -> None:
        self._graphs[f"{index} {name}"] = graph
        self._roots[f"effect {index} {name}"] = roots

    # ---- what `sealing.seal` asks for

    @property
    def streams(self) -> list[bytes]:
        return [data for raw in self._effects for data in (raw.call, raw.outcome, raw.after) if data is not None]

    @property
    def roots(self) -> dict[str, Roots]:
        """The graphs by the names of their parts, to be redacted in place."""
        return self._roots

    def sealed(self, redaction: Redaction | None) -> tuple[bytes, dict[str, Any], list[Note]]:
        """The part, the summary for the header, and the notes, after the redaction."""
        changed: Collection[str] = redaction.changed if redaction is not None else ()
        notes: list[Note] = []
        stored: list[StoredEffect] = []
        previews: list[dict[str, str]] = []
        counts: dict[str, tuple[int, int]] = {}
        for index, raw in enumerate(self._effects):
            notes += self._notes(index, raw, redaction)
            blobs = self._blobs(index, raw, changed, notes)
            effect = raw.effect
            if redaction is not None:
                effect = effect.replace(shape=redaction.scrub(effect.shape))
            if len(previews) < MOST_PREVIEWS:
                previews.append(self._preview(index, effect))
            stored.append(effect.replace(blobs=blobs, key=self._kept_key(index, raw, changed) or self._key(raw, blobs)))
            name = effect.preset or effect.dependency
            reads, writes = counts.get(name, (0, 0))
            counts[name] = (reads + 1, writes) if effect.role == READ else (reads, writes + 1)
        summary = self._summary.replace(count=len(stored), dependencies=counts, previews=tuple(previews))
        return encode_effects(stored), summary.as_dict(), notes

    def _blobs(self, index: int, raw: RawEffect, changed: Collection[str], notes: list[Note]) -> dict[str, bytes]:
        blobs: dict[str, bytes] = {}
        for name, data in ((CALL, raw.call), (OUTCOME, raw.outcome), (AFTER, raw.after)):
            part = f"effect {index} {name}"
            if data is None:
                continue
            if part not in changed:
                blobs[name] = data
                continue
            roots = self._roots[part]
            notes += cut_deep(roots)
            blobs[name] = encode(self._value(index, name, roots))
        return blobs

    def _value(self, index: int, name: str, roots: Roots) -> Any:
        """The value of a blob from its graphs, which may have been replaced."""
        if name == OUTCOME:
            return roots.values[0]
        _, args, kwargs = self._graphs[f"{index} {name}"]
        values = roots.values
        return None, tuple(values[: len(args)]), dict(zip(kwargs, values[len(args) :], strict=True))

    def _notes(self, index: int, raw: RawEffect, redaction: Redaction | None) -> list[Note]:
        found = [note.replace(path=f"effects[{index}].{note.path}") for note in raw.notes]
        if redaction is None:
            return found
        cleaned = [note.replace(path=redaction.scrub(note.path), detail=redaction.scrub(note.detail)) for note in found]
        for name in (CALL, OUTCOME, AFTER):
            cleaned += redaction.notes.get(f"effect {index} {name}", ())
        return cleaned

    def _preview(self, index: int, effect: StoredEffect) -> dict[str, str]:
        shown = {"dependency": effect.preset or effect.dependency, "role": effect.role, "shape": effect.shape[:200]}
        call = self._roots.get(f"effect {index} {CALL}")
        if call is not None:
            pairs = zip(call.labels, call.values, strict=True)
            text = ", ".join(f"{label}={preview_text(value, 60)}" for label, value in pairs)
            shown["arguments"] = text if len(text) <= 200 else text[:197] + "..."
        outcome = self._roots.get(f"effect {index} {OUTCOME}")
        if outcome is not None:
            shown["result" if effect.exception is None else "exception"] = preview_text(outcome.values[0])
        return shown

    @staticmethod
    def _kept_key(index: int, raw: RawEffect, changed: Collection[str]) -> str:
        """The key that an effect has already, unless its arguments are redacted now."""
        return "" if f"effect {index} {CALL}" in changed else raw.effect.key

    def _key(self, raw: RawEffect, blobs: dict[str, bytes]) -> str:
        data = blobs.get(CALL)
        if data is None:
            return ""
        effect = raw.effect
        opened = OpenedCall(Parameters(effect.parameters), False, data, raw.defaults)
        return key_of_call(effect.dependency, effect.receiver, opened, None, self._interval, raw.exclude)


def path_of_argument(parameters: Parameters, index: int | str) -> str:
    """How the argument at this position, or with this keyword, is named in `StoredEffect.is_argument`."""
    if isinstance(index, str):
        return parameter_key(index)
    own = [name for name, kind in parameters.items if kind.startswith("positional")]
    if index < len(own):
        return own[index]
    star = next((name for name, kind in parameters.items if kind == "var_positional"), "args")
    return f"{star}[{index - len(own)}]"
