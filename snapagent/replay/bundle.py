"""`Bundle`: one captured call, as tests use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..compare.outcomes import NOT_REPLAYABLE, Verdict, in_comparable_form
from ..compare.walking import Comparator, Options
from ..errors import NotReplayableError, SnapagentError
from . import accept_mode
from .accepting import Change, change_of, changing, write
from .application import prepare
from .attempt import Attempt, Steps, adrive, drive
from .checking import asserted, judging, options_for
from .effects.progress import WRITES
from .io_guard import io_refused
from .noise import judging_twice
from .surroundings import ReplayRules
from .values import StoredValues


class Bundle(StoredValues):
    """One captured call: its arguments, its outcome, and methods to call the function again.

    `.args` and `.kwargs` are what the caller passed, `.instance` is `self` (the class of a class method, None for a
    function), `.arguments` all of it by parameter name. Each access gives a fresh copy, so that a test that changes
    one cannot disturb the next. `hash`, `timestamp`, `outcome` and `metadata` come from the header and unpickle
    nothing.
    """

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
        return Attempt(self, fn, ReplayRules.of(effects, live, clock)).run()

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
        return await Attempt(self, fn, ReplayRules.of(effects, live, clock)).arun()

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
        return drive(self._replaying(fn, ReplayRules.of(effects, live, clock)))

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
        return await adrive(self._replaying(fn, ReplayRules.of(effects, live, clock)))

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
        options = options_for(self.header, rtol, atol, ignore, unordered, comparators)
        return drive(self._checking(fn, options, ReplayRules.of(effects, live, clock)))

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
        options = options_for(self.header, rtol, atol, ignore, unordered, comparators)
        return await adrive(self._checking(fn, options, ReplayRules.of(effects, live, clock)))

    def verdict(
        self,
        fn: Callable[..., Any] | None = None,
        options: Options | None = None,
        *,
        allow_io: bool = True,
        twice: bool = False,
    ) -> Verdict:
        """Like `check`, but raises nothing; a bundle that cannot be replayed gets the verdict `not replayable`.

        With `allow_io=False` a call that asks for a connection, a database or a change of files outside the temporary
        folder is refused that, and its verdict is `not replayable` however the call goes on. With `twice` it is called
        twice, and the verdict is `noise` when it differs only where the two calls differ from each other.
        """
        options = options or options_for(self.header)
        try:
            prepare(self.header)
            with io_refused(self.target, unless=allow_io):  # loading and comparing run code of the program too
                if twice:
                    return drive(judging_twice(self, fn, options, ReplayRules()))
                return drive(judging(self, fn, options, ReplayRules())).verdict
        except NotReplayableError as error:
            return Verdict(NOT_REPLAYABLE, reason=f"{error.reason}; {error.remedy}")
        except SnapagentError as error:
            return Verdict(NOT_REPLAYABLE, reason=str(error))

    def accept(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        rtol: float = 0.0,
        atol: float = 0.0,
        ignore: Iterable[str] = (),
        unordered: Iterable[str] = (),
        comparators: Mapping[type, Comparator] | None = None,
        by: str = "bundle.accept()",
        allow_io: bool = True,
    ) -> Verdict:
        """Put today's outcome and today's writes in place of the stored ones, in the file of the bundle.

        The arguments, the hash, the time and the name of the file stay. The header says when and by what it was
        accepted, and the bundle is signed anew where a key is set. A bundle that is equal keeps its bytes. Returns the
        verdict over the outcome that was stored before. `by` names what accepts it, for the header.

        Raises:
            NotComparableError, NotReplayableError: there is nothing that could be accepted.
            NotAcceptedError: two replays differ, a call of a dependency has no recorded answer, or the outcome cannot
                be stored in this bundle. The file is as it was.
        """
        __tracebackhide__ = True
        options = options_for(self.header, rtol, atol, ignore, unordered, comparators)
        prepare(self.header)
        with io_refused(self.target, unless=allow_io):
            change = drive(changing(self, fn, options, ReplayRules(), by))
        return self._take(change)

    async def aaccept(
        self,
        fn: Callable[..., Any] | None = None,
        *,
        rtol: float = 0.0,
        atol: float = 0.0,
        ignore: Iterable[str] = (),
        unordered: Iterable[str] = (),
        comparators: Mapping[type, Comparator] | None = None,
        by: str = "bundle.aaccept()",
    ) -> Verdict:
        """The same inside a running event loop."""
        __tracebackhide__ = True
        options = options_for(self.header, rtol, atol, ignore, unordered, comparators)
        return self._take(await adrive(changing(self, fn, options, ReplayRules(), by)))

    def _take(self, change: Change) -> Verdict:
        """Write an accepted change. From now on this is a bundle with the new outcome."""
        if change.file is not None:
            write(self, change)
            self._stored = self._stored.holding(change.file)
        return change.before

    def prepare(self, setup: str | None = None) -> None:
        """Make the program ready, as the first `call`, `check` or `replay` does: find it, and set it up once.

        `setup` is `module:callable` or the word django; it takes the place of the config's `setup`.

        Raises:
            NotReplayableError: the set-up failed.
        """
        prepare(self.header, setup)

    def _replaying(self, fn: Callable[..., Any] | None, rules: ReplayRules) -> Steps[Any]:
        __tracebackhide__ = True
        return in_comparable_form((yield Attempt(self, fn, rules)))

    def _checking(self, fn: Callable[..., Any] | None, options: Options, rules: ReplayRules) -> Steps[Verdict]:
        __tracebackhide__ = True
        judged = yield from judging(self, fn, options, rules)
        if not judged.verdict and accept_mode.accepts(judged.verdict, judged.miss):
            change = yield from change_of(self, fn, options, rules, accept_mode.BY, judged)
            self._take(change)
            accept_mode.record(f"{self!r} {judged.verdict}")
            return change.now
        return asserted(self, judged)
