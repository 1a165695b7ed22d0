"""The pickler that takes a live value apart in one pass, in the caller's thread.

It is the C pickler; Python runs only where it meets an object that is no built-in atom or container, once per object:
`reducer_override` looks up what was decided for the type. Whatever cannot be stored becomes a placeholder at that leaf.
"""

from __future__ import annotations

import pickle
from time import monotonic

from ...bundle import Note
from ...core.paths import EXCEPTION
from ...core.type_facts import type_name
from ...placeholder import MAY_BE_TORN, TOO_BIG, UNSTORABLE, restore_placeholder
from ..by_value import dump_by_value, name_of_code
from ..naming import MAIN_NAMES, MainIsMet, is_named, is_reached, main_aliases, real_main_name
from .byte_limit import Sink, TooSlow
from .handlers import Decisions, plain
from .locate import Locator
from .parts import CallSource, OutcomeSource, source_of
from .reduce import Unstorable, ask, reduce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...core.signature import Parameters

    Source = CallSource | OutcomeSource

MOST_NOTES = 1000
PATIENCE = 2.0  # seconds that all objects together may take to give their pickle forms
SLOWEST = 5e6  # bytes a second: a bundle that may be large may take its time
_no_packages: frozenset[str] = frozenset()


class Freezer(pickle.Pickler):
    """One dump at a time; reusable after `reset` and `clear_memo`."""

    def __init__(self, decisions: Decisions) -> None:
        self.sink = Sink()
        super().__init__(self.sink, 5)
        self.decisions = decisions
        self.max_bytes = 0
        self.patient = False  # after a RecursionError: one that an object's own hooks raise is a leaf's failure
        self._aliases: object = None
        self._begin()

    def _begin(self) -> None:
        self.value: object = None
        self.origin: Any = ""
        self.notes: list[Note] = []
        self.by_value: dict[str, None] = {}
        self.packages: set[str] = set()
        self.chain_depth: dict[int, int] = {}
        self.has_news = False  # something is to be told besides the bytes
        self._locator: Locator | None = None
        self._code: dict[int, tuple[object, bytes]] = {}
        self.asked = [0.0]  # seconds that objects took to give their pickle forms, in this dump and those before it

    def reducer_override(self, value: Any) -> Any:
        handler = self.decisions.get(type(value)) or self.decisions.decide(value)
        if handler is plain:
            return NotImplemented
        self.has_news = True
        try:
            return handler(self, value)
        except Unstorable as reason:
            return self.leave_out(value, UNSTORABLE, str(reason))

    def freeze(self, value: object, origin: Parameters | str | Source, max_bytes: int) -> bytes:
        """The stream of `value`; `origin` tells the paths in it, see `places`.

        Raises TooBig, TooSlow, RecursionError, or what broke the C pickler.
        """
        sink = self.sink
        self.value = value
        self.origin = origin
        self.max_bytes = sink.room = max_bytes
        self._aliases = aliases = self.decisions.aliases
        if aliases is not None:
            self._begin_with(*aliases)
        self.dump(value)
        chunks = sink.chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        return data

    def _begin_with(self, prelude: bytes, names: tuple[str, ...]) -> None:
        """Memoize `names` by pickling them, which is faster than to set the memo, and put `prelude` in their place."""
        for name in names:
            self.dump(name)
        self.sink.chunks.clear()
        self.sink.write(prelude)

    def reset(self) -> None:
        """Let go of everything that belongs to the last dump but the memo."""
        self._begin()

    # what handlers ask for

    @property
    def keeps_tracebacks(self) -> bool:
        """Of exceptions that ended the call; not of those that are mere values, which must compare."""
        return EXCEPTION in (self.origin, getattr(self.origin, "key", None))

    def handler_of(self, value: object) -> Any:
        return self.decisions.get(type(value)) or self.decisions.decide(value)

    def is_found(self, code: object, module: object, qualname: object) -> bool:
        """Whether the stream may hold the name of a class or function instead of its code."""
        if not is_named(code, module, qualname):
            return False
        try:
            return not self.patient or bool(ask(is_reached, code, module, qualname))
        except Unstorable:
            return False

    def package_of(self, module: str) -> str:
        """The top-level package of a module whose things the stream names."""
        if module in MAIN_NAMES:
            if self._aliases is None:
                self.decisions.aliases = main_aliases()
                raise MainIsMet
            module = real_main_name() or module
        return module.partition(".")[0]

    def reduce_leaf(self, value: Any) -> Any:
        """For objects inside by-value code."""
        return self.reducer_override(value)

    def reduce_once(self, value: Any) -> Any:
        """The pickle form of an object. It cannot be interrupted while it is asked: the time is looked at before."""
        began = monotonic()
        asked = self.asked
        if asked[0] > max(PATIENCE, self.max_bytes / SLOWEST):
            raise TooSlow
        try:
            return reduce(value)
        except RecursionError:
            if self.patient:
                raise Unstorable("it cannot be pickled (RecursionError)") from None
            raise
        finally:
            asked[0] += monotonic() - began

    def code_of(self, code: Any) -> bytes:
        """The by-value stream of a class or function, made once per dump. Raises Unstorable."""
        known = self._code.get(id(code))
        if known is None:
            try:
                known = self._code[id(code)] = code, dump_by_value(code, self)
            except RecursionError:
                raise Unstorable("it is nested too deep to be stored by value") from None
            self.by_value[name_of_code(code)] = None
        return known[1]

    def was_slow(self, code: object) -> None:
        """Storing code by value gave other threads a chance to change what it holds meanwhile."""
        self.note(code, MAY_BE_TORN, "another thread may have changed a part of what it holds while it was stored")

    def left_out_form(self, value: object) -> Any:
        """The pickle form of what stands for `value` because of its place or size; None when it is to be stored."""
        return None

    def leave_out(self, value: object, kind: str, reason: str, detail: str = "") -> Any:
        """The pickle form of a placeholder in the place of `value`."""
        note = self.note(value, kind, reason, detail)
        return restore_placeholder, (note.path, kind, note.type, reason, detail)

    def leave_out_big(self, value: object, detail: str, size: int) -> Any:
        return self.leave_out(value, TOO_BIG, f"{size} bytes are more than max_bytes allows", detail)

    def note(self, value: object, kind: str, reason: str, detail: str = "") -> Note:
        """Write down what becomes of `value`, with its path."""
        if len(self.notes) < MOST_NOTES:
            note = Note(self.path_of(value), kind, type_name(type(value)), reason, detail)
            self.notes.append(note)
            return note
        return Note("", kind, type_name(type(value)), reason, detail)

    def path_of(self, value: object) -> str:
        """Where `value` was met: searched for only now, because it is seldom wanted."""
        if self._locator is None:
            known = type(self.origin) in (CallSource, OutcomeSource)
            source = self.origin if known else source_of(self.value, self.origin)
            self._locator = Locator(source.places())
        return self._locator.path_of(value)

    def packages_seen(self) -> frozenset[str]:
        """Top-level packages of the classes and functions that were met, built-ins aside."""
        if not self.packages:
            return _no_packages
        return frozenset(self.packages - {"builtins", "snapagent"})
