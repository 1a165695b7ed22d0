"""From a bundle to the server of its effects, and what surrounds a call while they are served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType
from typing import Any

from ...bundle import EFFECTS
from ...core.paths import parse_path
from ...dependencies.presets import is_unrecorded
from ...dependencies.raw_tape import RawEffect
from ...dependencies.tape import StoredEffect, Summary, UndecodableEffect, decode_effects
from ...errors import CorruptBundleError, NotReplayableError
from ...placeholder import PRESENT
from ..captures_dir import config_in_force
from ..stored import StoredCall, is_of_effect
from . import audit
from .dependencies import find_dependencies, replaced, rules_for
from .guard import Guard
from .library_objects import LibraryObjects
from .progress import EffectsReport, texts
from .server import Server, serving
from .stand_ins import find_class
from .threads import carried_into_threads
from .todays_effects import todays_effects

CLOCK = "clock"
_SHARED_STATE = "random: its state was set once, at the start; one draw more or less changes all later ones"


class ServedTape:
    """The tape of one bundle for one replay: each replay begins with all of it.

    `given` are arguments that the test passes in place of the stored ones, by parameter name. Raises
    NotReplayableError for an incomplete tape, and for a dependency that is gone.
    """

    def __init__(
        self, stored: StoredCall, live: frozenset[str], code: CodeType | None, given: Mapping[str, Any]
    ) -> None:
        header = stored.header
        summary = Summary.of_header(header.effects) or Summary()
        if not summary.complete:
            reason = f"its tape is incomplete: {summary.reason or 'not all effects were recorded'}"
            limit = "" if is_unrecorded(summary.reason) else "raise the limit and "
            raise NotReplayableError(header.target, reason, f"{limit}capture the call again")
        config = config_in_force()
        self._stored = stored
        whole = read_effects(stored)
        effects = {index: each for index, each in enumerate(whole) if isinstance(each, StoredEffect)}
        problems = {each.index: each.reason for each in whole if isinstance(each, UndecodableEffect)}
        self._live = live
        self._previews = summary.previews
        rules = rules_for(config, header.target)
        self._dependencies = find_dependencies(header.target, effects.values(), rules, live)
        self._server = Server(header, effects, problems, config.settings_for(header.target), code)
        for index, effect in effects.items():
            if effect.dependency in self._dependencies.replaced:
                self._server.progress.not_required.add(index)
        words = [each.preset for each in effects.values()] + [rule.preset for rule in rules]
        self._objects = LibraryObjects([word for word in dict.fromkeys(words) if word and word not in live], effects)
        self._server.prepare(self._dependencies.served, live, self._objects)
        self.stand_ins = self._stand_ins(stored, given)

    def _stand_ins(self, stored: StoredCall, given: Mapping[str, Any]) -> dict[str, Any]:
        """For placeholders whose calls were recorded, or would be served; the test's own objects come first."""
        receivers = {effect.receiver for effect in self._server.effects.values() if effect.receiver is not None}
        supplied = {path for path in receivers if stored.is_supplied(path) or _root(path) in given}
        self._server.excuse(supplied, [*stored.facsimiles.values(), *given.values()])
        found: dict[str, Any] = {}
        for note in stored.header.notes:
            path = note.path
            if note.kind in PRESENT or stored.is_supplied(path) or path in found or is_of_effect(stored.header, path):
                continue
            made = self._objects.make(note.type)
            if made is not None:
                found[path] = made
            elif path in receivers or self._is_class_served(note.type):
                found[path] = self._server.stand_in_for(path, note.type)
        return found

    def _is_class_served(self, type_name: str) -> bool:
        real = find_class(type_name)
        return real is not None and any(
            self._server.method_of(real, name) is not None for base in real.__mro__[:-1] for name in vars(base)
        )

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Serve the effects to what the block calls, in threads that it starts too, and let nothing else out."""
        server = self._server
        server.start()
        presets = {dependency.preset for dependency in self._dependencies.served}
        guard = Guard(server.header.target, presets, self._live, server.passes, server.progress.missed)
        with replaced(self._dependencies.served, server.answer), audit.watched(guard):
            token = serving.set(server)
            try:
                for dependency in self._dependencies.served:
                    if dependency.operation is not None and dependency.operation.at_start:
                        server.serve_start(dependency)
                with carried_into_threads((serving, audit.watcher)):
                    yield
            finally:
                serving.reset(token)

    def report(self, mode: str) -> EffectsReport:
        """What the replay has shown about the effects."""
        report = self._server.progress.report(mode, texts(self._server.effects, self._previews))
        at_start = any(one.operation is not None and one.operation.at_start for one in self._dependencies.served)
        return report.replace(if_changed=(_SHARED_STATE,)) if at_start else report

    def todays_effects(self, mode: str) -> list[RawEffect] | None:
        """The effects with today's writes; None when the stored ones stay. Raises NotAcceptedError."""
        header, known = self._stored.header, self._server.effects
        notes = [note for note in header.notes if is_of_effect(header, note.path)]
        if len(known) < len(read_effects(self._stored)):
            return None  # one that cannot be decoded cannot be written again
        return todays_effects(header.target, [known[index] for index in sorted(known)], notes,
                              self._server.progress, mode)  # fmt: skip


def declares_effects(target: str) -> bool:
    """Whether the config declares what this target asks of the world. Then a bundle without effects asked for nothing.

    The word `clock` changes nothing, since every replay has the clock of the call.
    """
    return any(rule.preset != CLOCK for rule in rules_for(config_in_force(), target))


def read_effects(stored: StoredCall) -> tuple[StoredEffect | UndecodableEffect, ...]:
    """The effects of a bundle, nothing unpickled. Raises CorruptBundleError."""
    if not stored.header.effects:
        return ()
    try:
        return decode_effects(stored.part(EFFECTS))
    except ValueError as error:
        raise CorruptBundleError(stored.entry.path, f"its effects cannot be read ({error})") from error


def _root(path: str) -> str | None:
    try:
        first = parse_path(path).tokens[0]
    except ValueError:
        return None
    return first if isinstance(first, str) else None
