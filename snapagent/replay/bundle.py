"""`Bundle`: one captured call, as tests use it. Every access to a stored value unpickles it again."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..bundle import ASYNC_GENERATOR, CALL, CANCELLED, CAPPED, CLOSED, GENERATOR, OUTCOME, BundleFile, Header
from ..compare.comparing import make_options
from ..compare.outcomes import (
    CHANGED,
    NOT_COMPARABLE,
    NOT_REPLAYABLE,
    Outcome,
    Raised,
    Returned,
    Verdict,
    in_comparable_form,
)
from ..compare.walking import Comparator, Options
from ..core.records import Record
from ..core.short_hashes import short_hash
from ..core.signature import Parameters
from ..errors import (
    EffectNotRecorded,
    NotComparableError,
    NotReplayableError,
    OutcomeError,
    PlaceholderError,
    SnapagentError,
    UndeclaredEffect,
)
from ..placeholder import PlaceholderUses
from ..store import BundleEntry, StoreReader
from . import call as calling
from .application import prepare
from .call import StoredArguments, check_names, override
from .effects.effect import Effect
from .effects.progress import WRITES
from .effects.served_tape import read_effects
from .functions import find_function, unwrap
from .io_guard import guarded, refused_io
from .missing_inputs import MissingInputs
from .stored import StoredCall
from .stored_form import judge_as_stored
from .surroundings import ReplayRules, Surroundings

_ALLOW = "--allow-io allows it"


class _Judged(Record):
    """The verdict over a replay, how the call ended, and the first effect that was missed."""

    verdict: Verdict
    got: Outcome
    miss: SnapagentError | None = None


class Bundle:
    """One captured call: its arguments, its outcome, and methods to call the function again.

    `.args` and `.kwargs` are what the caller passed, `.instance` is `self` (the class of a class method, None for a
    function), `.arguments` all of it by parameter name. Each access gives a fresh copy, so that a test that changes
    one cannot disturb the next. `hash`, `timestamp`, `outcome` and `metadata` come from the header and unpickle
    nothing.
    """

    def __init__(
        self,
        library: StoreReader,
        entry: BundleEntry,
        header: Header,
        facsimiles: Mapping[str, object] | None = None,
        file: BundleFile | None = None,
    ) -> None:
        self._stored = StoredCall(library, entry, header, facsimiles or {}, file)
        self._header = header
        self._overrides: dict[str, Any] = {}

    # -- from the header -----------------------------------------------------------------------------------------

    @property
    def target(self) -> str:
        """`module:qualname` of the function."""
        return self._header.target

    @property
    def hash(self) -> str:
        """`h1:` or `h2:` and hexadecimal digits over all arguments by parameter name, the bound instance included."""
        return self._header.hash

    @property
    def outcome(self) -> str:
        """`returned` or `raised`."""
        return self._header.outcome

    @property
    def timestamp(self) -> datetime:
        """When the call began, UTC."""
        return datetime.fromisoformat(self._header.timestamp)

    @property
    def path(self) -> Path:
        """The file it was loaded from."""
        return Path(self._stored.entry.path)

    @property
    def name(self) -> str:
        """The file's name without suffix: `load_capture(..., hash=name)` finds it again."""
        return self.path.stem

    @property
    def metadata(self) -> dict[str, Any]:
        """The whole header as plain data: versions, previews, excluded values and the reasons."""
        fields = self._header.as_dict()
        for name in ("parts", "notes"):
            fields[name] = [item.as_dict() for item in fields[name]]
        return fields

    @property
    def header(self) -> Header:
        return self._header

    def __repr__(self) -> str:
        return f"<Bundle {self.target} {short_hash(self.hash)} {self._header.outcome_kind} {self._header.timestamp}>"

    # -- stored values, each a fresh copy ------------------------------------------------------------------------

    @property
    def args(self) -> tuple[Any, ...]:
        return self._call()[1]

    @property
    def kwargs(self) -> dict[str, Any]:
        return self._call()[2]

    @property
    def instance(self) -> Any:
        return self._call()[0]

    @property
    def arguments(self) -> dict[str, Any]:
        """Everything that was passed, by parameter name, `self` included."""
        instance, args, kwargs = self._call()
        first = (instance,) if self._stored.has_instance else ()
        return self._parameters.bind((*first, *args), kwargs)

    @property
    def result(self) -> Any:
        """The returned value; for a generator the list of its items. Raises OutcomeError when it raised."""
        match self.expected:
            case Returned(value=value):
                return value
        raise OutcomeError(self.target, self._header.exception or "an exception")

    @property
    def exception(self) -> BaseException | None:
        """The exception that the call raised, None when it returned."""
        match self.expected:
            case Raised(exception=error):
                return error
        return None

    @property
    def expected(self) -> Outcome:
        """The outcome as `Returned` or `Raised`, which compare with arrays too: `assert array == bundle.expected`."""
        value = self._stored.load(OUTCOME)
        return Raised(value) if self.outcome == "raised" else Returned(value)

    @property
    def effects(self) -> list[Effect]:
        """The recorded calls of dependencies below this call, in the order in which they began."""
        return [Effect(index, self.target, stored) for index, stored in enumerate(read_effects(self._stored))]

    def using(self, /, **arguments: Any) -> Bundle:
        """The same call with other values for some arguments, by parameter name: `bundle.using(gateway=mock).call()`.

        The values are used as they are, not copied. Raises TypeError for a name that the target does not take.
        """
        check_names(self._parameters, arguments, self.target)
        found = copy.copy(self)
        found._overrides = {**self._overrides, **arguments}
        return found

    # -- calling it again ----------------------------------------------------------------------------------------

    def call(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        effects: str | bool = WRITES,
        live: Iterable[str] = (),
        clock: bool = True,
    ) -> Any:
        """Call the target, or `fn` in its place, with the stored arguments.

        The call is not captured. A method is called on the stored instance, a coroutine is awaited in a loop of its
        own, and the items of a generator are listed. Raises what the function raises.

        The calls of dependencies that were recorded below it are served, and nothing else reaches the network or a
        database: such a call raises EffectNotRecorded or UndeclaredEffect. `live` names dependencies that are called
        for real, `effects=False` calls all of them.

        The wall clock stands at the moment of the captured call and ticks, unless `clock=False`; `time.monotonic` and
        `time.perf_counter` are left alone. Replays in several threads take turns, since the clock is the process's.
        """
        __tracebackhide__ = True
        call, around = self._prepared(fn, ReplayRules.of(effects, live, clock))
        with around.entered():
            return calling.run(call)

    async def acall(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        effects: str | bool = WRITES,
        live: Iterable[str] = (),
        clock: bool = True,
    ) -> Any:
        """The same inside a running event loop."""
        __tracebackhide__ = True
        call, around = self._prepared(fn, ReplayRules.of(effects, live, clock))
        async with around.aentered():
            return await calling.arun(call)

    def replay(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        effects: str | bool = WRITES,
        live: Iterable[str] = (),
        clock: bool = True,
    ) -> Any:
        """Call it and return the outcome in a form that compares, for snapshots.

        A returned value is returned as it is, unless it contains arrays: then, and for an exception, the result is a
        `Returned` or `Raised` with an equality and a repr of its own.
        """
        __tracebackhide__ = True
        return in_comparable_form(self._ended(*self._prepared(fn, ReplayRules.of(effects, live, clock))))

    async def areplay(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        effects: str | bool = WRITES,
        live: Iterable[str] = (),
        clock: bool = True,
    ) -> Any:
        """The same inside a running event loop."""
        __tracebackhide__ = True
        return in_comparable_form(await self._aended(*self._prepared(fn, ReplayRules.of(effects, live, clock))))

    def check(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        rtol: float = 0.0,
        atol: float = 0.0,
        ignore: Iterable[str] = (),
        unordered: Iterable[str] = (),
        comparators: Mapping[type, Comparator] | None = None,
        effects: str | bool = WRITES,
        live: Iterable[str] = (),
        clock: bool = True,
    ) -> Verdict:
        """Call it and compare the outcome with the stored one. The verdict lists the places that were not compared.

        The recorded calls of dependencies are served as in `call`. `effects` says how they are compared: `writes` (the
        same writes, in the same order for each dependency and caller; reads that are left out are a note), `answers`
        (only that each call has an answer), or `strict` (all of them, in order).

        Readings of the wall clock during the call (datetimes, epoch numbers, ISO texts) are not compared.

        Raises:
            AssertionError: the outcomes or writes differ; the message lists the differences by path, with both values.
            NotComparableError: (an AssertionError) they differ, and a redacted value or a placeholder among the
                arguments may be the cause; the message names it.
            EffectNotRecorded, UndeclaredEffect: both AssertionErrors; something was asked for that is not on the tape,
                also when the function swallowed the error.
        """
        __tracebackhide__ = True
        options = self._options(rtol, atol, ignore, unordered, comparators)
        return self._asserted(self._judged(fn, options, ReplayRules.of(effects, live, clock)), options)

    async def acheck(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        rtol: float = 0.0,
        atol: float = 0.0,
        ignore: Iterable[str] = (),
        unordered: Iterable[str] = (),
        comparators: Mapping[type, Comparator] | None = None,
        effects: str | bool = WRITES,
        live: Iterable[str] = (),
        clock: bool = True,
    ) -> Verdict:
        """The same inside a running event loop."""
        __tracebackhide__ = True
        options = self._options(rtol, atol, ignore, unordered, comparators)
        return self._asserted(await self._ajudged(fn, options, ReplayRules.of(effects, live, clock)), options)

    def verdict(
        self,
        fn: Callable[..., Any] | None = None,
        options: Options | None = None,
        *,
        allow_io: bool = True,
    ) -> Verdict:
        """Like `check`, but raises nothing; a bundle that cannot be replayed gets the verdict `not replayable`.

        With `allow_io=False` a call that asks for a connection, a database or a change of files outside the temporary
        folder is refused that, and its verdict is `not replayable` however the call goes on.
        """
        if allow_io:
            return self._verdict(fn, options)
        with refused_io() as guard:
            try:
                verdict = self._verdict(fn, options)
            except BaseException as error:
                if not guard.asked or isinstance(error, KeyboardInterrupt):  # a person's Ctrl-C is no verdict
                    raise
            return Verdict(NOT_REPLAYABLE, reason=f"{guard.reason}; {_ALLOW}") if guard.asked else verdict

    def _verdict(self, fn: Callable[..., Any] | None, options: Options | None) -> Verdict:
        try:
            prepare(self._header)
            with guarded():  # loading and comparing run code of the program too
                return self._judged(fn, options or self._options(), ReplayRules()).verdict
        except NotReplayableError as error:
            return Verdict(NOT_REPLAYABLE, reason=f"{error.reason}; {error.remedy}")
        except SnapagentError as error:
            return Verdict(NOT_REPLAYABLE, reason=str(error))

    def prepare(self, setup: str | None = None) -> None:
        """Make the program ready, as the first `call`, `check` or `replay` does: find it, and set it up once.

        `setup` is `module:callable` or the word django; it takes the place of the config's `setup`.

        Raises:
            NotReplayableError: the set-up failed.
        """
        prepare(self._header, setup)

    @property
    def redacted_arguments(self) -> tuple[str, ...]:
        """The paths of texts and bytes among the arguments that were redacted, those of `using` aside."""
        return self._missing.redacted

    # -- internals -----------------------------------------------------------------------------------------------

    def read(self) -> Bundle:
        """Read, check and trust the file now, so that it may be pruned later. Returns the bundle itself.

        Raises:
            CorruptBundleError, UntrustedBundleError: nothing of it was unpickled.
        """
        self._stored.read()
        return self

    @property
    def _parameters(self) -> Parameters:
        return Parameters(self._header.parameters)

    def _call(self, stand_ins: Mapping[str, Any] | None = None) -> StoredArguments:
        stored = self._stored.load(CALL, stand_ins)
        if self._overrides:
            return override(stored, self._parameters, self._stored.has_instance, self._overrides)
        instance, args, kwargs = stored
        return instance, args, kwargs

    def _prepared(self, fn: Callable[..., Any] | None, rules: ReplayRules) -> tuple[calling.PreparedCall, Surroundings]:
        if fn is None:
            prepare(self._header)
        function = find_function(self.target) if fn is None else _replacement(fn)
        around = Surroundings(self._stored, rules, function, self._overrides)
        instance, args, kwargs = self._call(around.stand_ins)
        bound = getattr(function, "__self__", None) is not None and hasattr(function, "__func__")
        positional = (instance, *args) if self._stored.has_instance and not bound else args
        call = calling.PreparedCall(self.target, function, positional, kwargs, self._header.flavor, self._items())
        return call, around

    def _items(self) -> int:
        """The most items to read from a generator: no more than were captured, when it was not read to its end."""
        if self._header.flavor not in (GENERATOR, ASYNC_GENERATOR) or self.outcome == "raised":
            return calling.MOST_ITEMS
        taken = len(self.result)
        return taken if self._header.ended in (CLOSED, CAPPED) else taken + calling.MOST_ITEMS

    def _judged(self, fn: Callable[..., Any] | None, options: Options, rules: ReplayRules) -> _Judged:
        __tracebackhide__ = True
        expected = self._expected_to_compare()
        call, around = self._prepared(fn, rules)
        try:
            with PlaceholderUses() as uses:
                got = self._ended(call, around)
        except PlaceholderError as error:
            verdict = self._if_rebuilt(self._missing.not_in_the_bundle(error))
            return _Judged(verdict, Raised(error), around.effects.miss)
        return self._judged_by(expected, got, options, around, uses.paths)

    async def _ajudged(self, fn: Callable[..., Any] | None, options: Options, rules: ReplayRules) -> _Judged:
        __tracebackhide__ = True
        expected = self._expected_to_compare()
        call, around = self._prepared(fn, rules)
        try:
            with PlaceholderUses() as uses:
                got = await self._aended(call, around)
        except PlaceholderError as error:
            verdict = self._if_rebuilt(self._missing.not_in_the_bundle(error))
            return _Judged(verdict, Raised(error), around.effects.miss)
        return self._judged_by(expected, got, options, around, uses.paths)

    def _judged_by(
        self, expected: Outcome, got: Outcome, options: Options, around: Surroundings, used: Iterable[str]
    ) -> _Judged:
        """The verdict over a replay that has ended. An effect that was missed is the only thing it tells."""
        effects = around.effects
        if effects.miss is not None:
            verdict = Verdict(CHANGED, reason=str(effects.miss), notes=effects.notes)
            return _Judged(verdict, got, effects.miss)
        verdict = judge_as_stored(expected, got, options.replace(readings=around.readings))
        verdict = self._if_rebuilt(self._missing.explain(verdict, got, used)).with_differences(effects.differences)
        notes = effects.notes if verdict else (*effects.notes, *effects.if_changed)
        return _Judged(verdict.replace(notes=notes), got)

    @property
    def _missing(self) -> MissingInputs:
        return MissingInputs(self._header, self._parameters, self._overrides)

    def _ended(self, call: calling.PreparedCall, around: Surroundings) -> Outcome:
        __tracebackhide__ = True
        with around.entered():
            try:
                return Returned(calling.run(call))
            except BaseException as error:
                return self._raised(error, around)

    async def _aended(self, call: calling.PreparedCall, around: Surroundings) -> Outcome:
        __tracebackhide__ = True
        async with around.aentered():
            try:
                return Returned(await calling.arun(call))
            except BaseException as error:
                return self._raised(error, around)

    def _raised(self, error: BaseException, around: Surroundings) -> Raised:
        """An exception as an outcome. Ctrl-C, pytest's exceptions and SnapagentError are raised, unless captured so.

        An effect that was missed is an outcome too: the verdict tells it.
        """
        __tracebackhide__ = True
        outcome = Raised(error)
        if around.effects.miss is not None and isinstance(error, EffectNotRecorded | UndeclaredEffect):
            return outcome
        foreign = isinstance(error, SnapagentError) or not isinstance(error, Exception)
        if foreign and outcome.type != self._header.exception:
            raise error
        return outcome

    def _expected_to_compare(self) -> Outcome:
        if self._header.ended == CANCELLED:
            reason = "the task was cancelled from outside while it ran"
            raise NotReplayableError(self.target, reason, "there is no outcome to compare; use call()")
        expected = self.expected
        lost = self._stored.lost(OUTCOME)
        if lost:
            raise self._stored.not_rebuilt(lost)
        return expected

    def _if_rebuilt(self, verdict: Verdict) -> Verdict:
        """The verdict. A difference says nothing when an argument could not be rebuilt that may have caused it.

        Raises:
            NotReplayableError: it names that argument.
        """
        lost = [note for note in self._stored.lost(CALL) if re.split(r"[.\[]", note.path)[0] not in self._overrides]
        if verdict.kind == NOT_COMPARABLE:
            lost = [note for note in lost if note.path in verdict.paths]
        if lost and not verdict:
            raise self._stored.not_rebuilt(lost)
        return verdict

    def _options(
        self,
        rtol: float = 0.0,
        atol: float = 0.0,
        ignore: Iterable[str] = (),
        unordered: Iterable[str] = (),
        comparators: Mapping[type, Comparator] | None = None,
    ) -> Options:
        redacted = {note.path: f"redacted ({note.reason})" for note in self._header.notes if note.kind == "redacted"}
        return make_options(
            rtol=rtol, atol=atol, ignore=ignore, unordered=unordered, comparators=comparators, excused=redacted
        )

    def _asserted(self, judged: _Judged, options: Options) -> Verdict:
        __tracebackhide__ = True
        if judged.miss is not None:
            raise judged.miss
        verdict, got = judged.verdict, judged.got
        if verdict:
            return verdict
        cause = got.exception if isinstance(got, Raised) else None
        if verdict.kind == NOT_COMPARABLE:
            raise NotComparableError(repr(self), f"{verdict}{_unused_paths(options)}", verdict.paths) from cause
        raise AssertionError(f"{self!r} {verdict}{_unused_paths(options)}") from cause


def _unused_paths(options: Options) -> str:
    """A remark about paths of `ignore` and `unordered` that name no place in an outcome."""
    paths = [str(path) for path in (*options.ignore, *options.unordered) if not path.concerns_outcome]
    return f"\n(not a place in an outcome: {', '.join(paths)}; write result... or exception...)" if paths else ""


def _replacement(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function that a test passes to `call`, without the wrapper of captures; a bound method stays bound."""
    return fn if hasattr(fn, "__self__") else unwrap(fn)
