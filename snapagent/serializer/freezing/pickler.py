"""The pickler that takes a live value apart in one pass, in the caller's thread.

It is the C pickler. Python code runs once for each object that is not a built-in atom or container: `reducer_override`
looks up the handler of the type. A value that cannot be stored becomes a placeholder, and the rest is stored.
"""

from __future__ import annotations

import pickle
from types import FunctionType, MethodType

from ...bundle import Note
from ...core.clock import monotonic, perf_counter, thread_time
from ...core.paths import EXCEPTION, OUTCOME_ROOTS
from ...core.type_facts import is_class, type_name
from ...placeholder import MAY_BE_TORN, UNSTORABLE, restore_placeholder
from ..by_value import dump_by_value
from ..code_forms import Circular, name_of_code
from ..naming import MAIN_NAMES, MainIsMet, is_named, is_reached, main_aliases, real_main_name
from .byte_limit import Sink, TooSlow
from .children import Locator
from .code_handlers import named_form
from .handler import plain
from .parts import CallSource, OutcomeSource, source_of
from .reduce import Unstorable, ask, reduce
from .request_forms import start_response_form
from .time_limit import SLOW, SLOW_CODE, TimeLimit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...core.signature import Parameters
    from .freeze import FreezeRules

    Source = CallSource | OutcomeSource

MOST_NOTES = 1000
HOOK_SECONDS = 2.0  # limit for the pickle hooks of all objects together, at least
SHARE_SPENT = "slow code took its share of the process' time already"
# Seconds: a hook is taken to have begun when the processor time was read last. Reading it before each takes a third
# of the time of freezing an object that has one.
_READ_AGAIN = 0.001
SLOWEST = 5e6  # bytes a second: a large `max_bytes` raises the limit
_no_packages: frozenset[str] = frozenset()


class Freezer(pickle.Pickler):
    """One dump at a time; reusable after `reset` and `clear_memo`.

    Its attributes are slots: the interpreter reads those five times as fast as others of a class that is made in C.
    """

    __slots__ = (
        *("_aliases", "_code", "_locator", "_unfinished", "_used", "_used_at", "by_value", "chain_depth", "chunks"),
        *("decisions", "has_details", "hook_seconds", "is_retry", "max_bytes", "most_hook_seconds", "notes"),
        *("origin", "packages", "sink", "time_limit", "value"),
    )

    def __init__(self, rules: FreezeRules) -> None:
        self.sink = Sink(rules.max_bytes)
        self.chunks = self.sink.chunks
        super().__init__(self.sink, 5)
        self.decisions = rules.decisions
        self.max_bytes = rules.max_bytes
        self.most_hook_seconds = rules.hook_seconds
        self.is_retry = False  # then a RecursionError in an object's own hooks makes a placeholder of that object only
        self._aliases: object = None
        self.time_limit = TimeLimit(rules.allowance)
        self.reset()

    def reset(self) -> None:
        """Release everything that belongs to the last dump, except the memo."""
        self.value: object = None
        self.origin: Any = ""
        self.notes: list[Note] = []
        self.by_value: dict[str, None] = {}
        self.packages: set[str] = set()
        self.chain_depth: dict[int, int] = {}
        self.has_details = False  # there are, or may be, notes, packages or by-value names besides the bytes
        self._locator: Locator | None = None
        self._code: dict[int, tuple[object, bytes]] = {}
        self._unfinished: set[int] = set()  # ids of the code that is being stored
        self._used = self._used_at = 0.0  # processor time of this thread, and when it was read
        self.hook_seconds = [0.0]  # spent in pickle hooks of objects; a list, which the passes over one value share

    # The pickler calls this for every object that it has no own opcode for: it is the hot path of a capture. One
    # dictionary look-up decides; a plain type returns at once, and the pickler reads the object's `__dict__` in C.
    # `handler_of` is written out here, because a call would cost more than the look-up.
    def reducer_override(self, value: Any) -> Any:
        handler = self.decisions.get(type(value)) or self.decisions.decide(value)
        if perf_counter() > self.time_limit.deadline:
            self.time_limit.look()
        if handler is plain:
            return NotImplemented
        self.has_details = True
        try:
            return handler(self, value)
        except Unstorable as reason:
            return self.leave_out(value, UNSTORABLE, str(reason))

    def freeze(self, value: object, origin: Parameters | str | Source) -> bytes:
        """The stream of `value`; `origin` names the paths in it: see `parts.source_of`.

        Raises TooBig, TooSlow, RecursionError, or what broke the C pickler.
        """
        self.value = value
        self.origin = origin
        if self.decisions.aliases is not None:
            self.begin_with(*self.decisions.aliases)
        self.dump(value)
        return self.sink.take()

    # A test has another `__main__` than the program, so the stream must name the program's main module by its real
    # name. The C pickler writes a class's module as the interned string "__main__". When that string is in the memo
    # already, the pickler writes a reference to it; the prelude fills the same memo slot with the real name at loading.
    def begin_with(self, prelude: bytes, names: tuple[str, ...]) -> None:
        """Memoize `names` by pickling them, which is faster than setting the memo, and write `prelude` instead."""
        self._aliases = prelude
        for name in names:
            self.dump(name)
        self.chunks[:] = [prelude]

    # The members that handlers use: see `handler.Dump`.

    @property
    def keeps_tracebacks(self) -> bool:
        """True for an exception that ended the call. One that is an argument has no traceback, so that it compares."""
        return EXCEPTION in (self.origin, getattr(self.origin, "key", None))

    @property
    def is_outcome(self) -> bool:
        """Whether the value is what a call returned or raised."""
        return (self.origin if type(self.origin) is str else getattr(self.origin, "key", None)) in OUTCOME_ROOTS

    def handler_of(self, value: object) -> Any:
        return self.decisions.get(type(value)) or self.decisions.decide(value)

    def is_found(self, code: object, module: object, qualname: object) -> bool:
        """Whether the stream may hold the name of a class or function instead of its code."""
        if not is_named(code, module, qualname):
            return False
        try:
            return not self.is_retry or bool(ask(is_reached, code, module, qualname))
        except Unstorable:
            return False

    def package_of(self, module: str) -> str:
        """The top-level package of a module that the stream names.

        Raises MainIsMet when it is `__main__` and the stream was begun without the alias for it: the dump starts anew.
        """
        if module in MAIN_NAMES:
            if self._aliases is None:
                self.decisions.aliases = main_aliases()
                raise MainIsMet
            module = real_main_name() or module
        return module.partition(".")[0]

    def reduce_once(self, value: Any) -> Any:
        """The pickle form of an object, by its own hooks.

        A running hook cannot be stopped, so the time limit is checked before each one. Raises TooSlow, Unstorable.
        """
        self._refuse_slow(type(value))
        began = monotonic()
        if began > self._used_at + _READ_AGAIN:
            self._used, self._used_at = thread_time(), began
        hook_seconds = self.hook_seconds
        if hook_seconds[0] > max(self.most_hook_seconds or HOOK_SECONDS, self.max_bytes / SLOWEST):
            raise TooSlow
        try:
            return reduce(value)
        except RecursionError:
            if self.is_retry:
                raise Unstorable("it cannot be pickled (RecursionError)") from None
            raise
        finally:
            took = monotonic() - began
            hook_seconds[0] += took
            if took > SLOW:
                # One that overran, sleeping perhaps, is not called again; others may only have lost the processor.
                self.decisions.slow.record(type(value), took if took > HOOK_SECONDS else thread_time() - self._used)
            elif self.decisions.slow:
                self.decisions.slow.pop(type(value), None)

    def code_of(self, code: Any) -> bytes:
        """The by-value stream of a class or function, made once per dump. Raises Unstorable, TooSlow."""
        known = self._code.get(id(code))
        if known is None:
            # A class by its name: it must not be kept alive, and a function makes another one in each of its calls.
            one = type_name(code) if is_class(code) else code.__code__
            self._refuse_slow(one)
            slow = self.decisions.slow
            has_little = slow.have_spent_all
            if has_little and slow.refuses(one):
                raise Unstorable(SHARE_SPENT)
            if type(code) is FunctionType and code in self.decisions.circular:  # a metaclass may define `__hash__`
                raise Circular(code)
            if id(code) in self._unfinished:
                raise Unstorable("its class refers to itself")
            is_outermost = not self._unfinished
            used, forgiven = thread_time(), self.time_limit.forgiven
            self._unfinished.add(id(code))
            try:
                data = self._dump_in_little_time(code) if has_little else dump_by_value(code, self)
            except RecursionError:
                raise Unstorable("it is nested too deep to be stored by value") from None
            except Circular as reason:
                if reason.function is code:
                    self.decisions.circular.add(code)
                raise
            finally:
                self._unfinished.discard(id(code))
                slow.record_code(one, thread_time() - used - (self.time_limit.forgiven - forgiven), is_outermost)
            known = self._code[id(code)] = code, data
            self.by_value[name_of_code(code)] = None
        return known[1]

    def _dump_in_little_time(self, code: Any) -> bytes:
        """Raises TooSlow, Unstorable."""
        limit = self.time_limit.lower(SLOW_CODE)
        try:
            data = dump_by_value(code, self)
        except TooSlow:
            self.time_limit.restore(limit)
            raise Unstorable(SHARE_SPENT) from None
        self.time_limit.restore(limit)
        return data

    def named_form(self, code: Any) -> tuple[Any, ...] | None:
        """The form of a function or class that a module holds under a path; None for one that it does not hold."""
        return named_form(self, code)

    def _refuse_slow(self, one: object) -> None:
        """Raise Unstorable for a type or code that took long the last time, and for which there is no time now."""
        seconds = self.decisions.slow.get(one)
        if seconds is not None and seconds > self.time_limit.left():
            raise Unstorable("storing it took too long the last time, and the budget does not allow that now")

    def note_slow_dump(self, code: object) -> None:
        """Note that another thread may have run, and changed the captured values, while `code` was stored by value."""
        self.note(code, MAY_BE_TORN, "another thread may have changed a part of what it holds while it was stored")

    @property
    def leaves_out(self) -> bool:
        """Whether built-in values may be left out, or replaced, wherever they are."""
        return False

    def left_out_form(self, value: object) -> Any:
        """The form of a built-in object inside code that is not stored as it is; None when it is.

        That is a placeholder where its path or size excludes it.
        """
        if type(value) is not MethodType or self.decisions.as_first:
            return None
        return start_response_form(value, self.note)

    def leave_out(self, value: object, kind: str, reason: str, detail: str = "") -> Any:
        """The pickle form of a placeholder for `value`, which is noted."""
        note = self.note(value, kind, reason, detail)
        return restore_placeholder, (note.path, kind, note.type, reason, detail)

    def note(self, value: object, kind: str, reason: str, detail: str = "", below: str = "") -> Note:
        """Record that `value`, or what is `below` it, is left out or changed, with its path.

        Beyond MOST_NOTES, paths are not searched for.
        """
        if len(self.notes) < MOST_NOTES:
            note = Note(self.path_of(value) + below, kind, type_name(type(value)), reason, detail)
            self.notes.append(note)
            return note
        return Note("", kind, type_name(type(value)), reason, detail)

    @property
    def source(self) -> Source:
        """The value with the paths in it; one object, which further passes over the value take over."""
        if type(self.origin) not in (CallSource, OutcomeSource):
            self.origin = source_of(self.value, self.origin)
        source: Source = self.origin
        return source

    def path_of(self, value: object) -> str:
        """The path of `value`, by a search: the C pickler does not know it, and few dumps need one."""
        if self._locator is None:
            source = self.source
            self._locator = source.locator = source.locator or Locator(source.places())
        return self._locator.path_of(value)

    def packages_seen(self) -> frozenset[str]:
        """Top-level packages of the classes and functions that were met, built-ins aside."""
        if not self.packages:
            return _no_packages
        return frozenset(self.packages - {"builtins", "snapagent"})
