"""Records the calls of one target: freezes the arguments to bytes before the call, the outcome after it.

The wrapper asks `admit` on every call, before anything else. Only when the answer is True does it call `begin`, the
program's function, and then exactly one of `returned`, `raised` and `ended`::

    pending = recorder.begin(args, kwargs)        # None: call the function bare
    try:
        value = function(*args, **kwargs)
    except BaseException as error:
        recorder.raised(pending, error)
        raise
    recorder.returned(pending, value)

A coroutine or generator runs in steps, with other calls in between: its wrapper calls `suspend` after each step and
`resume` before the next, so that only calls from inside count as `recursive`.
"""

from __future__ import annotations

from _thread import get_ident
from sys import is_finalizing, modules

from ...bundle import BOUND_KINDS, CANCELLED, COMPLETE
from ...core.clock import perf_counter, thread_time
from ...core.signals import belongs_to_program
from ...core.signature import Parameters, defaults_of_code
from ...core.type_facts import type_name
from ...serializer.freezing.byte_limit import TooSlow
from ...serializer.freezing.freeze import freeze, freeze_outcome, freeze_result
from ...serializer.freezing.time_limit import SECONDS
from ..host_guard import describe, log_once
from .admission import COSTLY, OVER_BUDGET, SEAL, TOO_SLOW, UNSEEN
from .budget import LOADING
from .costly import CHEAP, LITTLE
from .pending import Pending
from .trace_context import TRACING, note_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType
    from typing import Any

    from ...config.settings import Settings
    from ...config.targets import Target
    from ...serializer.freezing.freeze import FreezeRules
    from ...serializer.freezing.frozen import Frozen
    from .admission import Gate
    from .budget import Governor
    from .ledger import Ledger

RECURSIVE = "recursive"  # a call of a target from inside itself
REENTRANT = "reentrant"  # a call caused by capturing another one
INTERRUPTED = "interrupted"  # a signal handler of the program raised during the capture
NEVER_STARTED = "never_started"  # a coroutine or generator that was dropped before its first step
QUEUE_FULL = "queue_full"
INTERNAL_ERROR = "internal_error"

_SHORT = 2e-4  # seconds: in a shorter capture the thread hardly lost the processor, so that the wall clock will do
_LARGE = 2000  # bytes: such a call is paid for when it begins
_OVERHEAD = 768  # bytes of the objects that hold a call in the queue, besides its frozen bytes
capturing: set[int] = set()  # threads that are capturing or writing now: their own calls are not captured


def current_greenlet() -> int:
    """A number for the greenlet that runs, which no other has while it lives. The library must be loaded."""
    return id(modules["greenlet"].getcurrent())


class Recorder:
    """Records the calls of one function; `admit` is the test that the wrapper makes first.

    `submit` takes a finished call and returns False when it cannot; `first_call` is called once, at the first call of
    the target in this process, whether or not that is captured. `strict` raises internal errors, for tests.
    """

    pending_class: type[Pending] = Pending

    def __init__(
        self,
        target: Target,
        function: FunctionType,
        kind: str,
        flavor: str,
        settings: Settings,
        ledger: Ledger,
        gate: Gate,
        rules: FreezeRules,
        submit: Callable[[Pending], bool],
        first_call: Callable[[], None],
        *,
        strict: bool = False,
    ) -> None:
        self.target = target
        self.kind = kind
        self.flavor = flavor
        self.settings = settings
        self.ledger = ledger
        self.gate = gate
        # Read now: a function that is captured in place gets other code, which has other parameters.
        self._signature = function.__code__, function.__defaults__, function.__kwdefaults__
        self._rules = rules
        self._submit = submit
        self._strict = strict
        self._has_instance = kind in BOUND_KINDS  # the first argument is the bound instance or class
        # Threads that are inside a call of the target. Where the program has greenlets, many of which share a thread,
        # `_greenlets` has those that are inside, by thread.
        self._inside: set[int] = set()
        self._greenlets: dict[int, set[int]] = {}
        self._parameters: Parameters | None = None
        self._defaults: Frozen | None = None
        # Whether processor time is read, which takes a microsecond; of short captures the wall clock is read.
        self._is_long = True
        self.admit = self._admission(first_call)

    def _admission(self, first_call: Callable[[], None]) -> Callable[[], bool]:
        """The test that runs before every call of the target.

        A function with its objects as defaults, because it reads these faster than a method reads attributes, and
        another function can take it over: see `LazyRecorder`. A call that the ledger skips in advance costs one step of
        an iterator: `for` takes it without a Python call. `first_call` runs before the gate decides, so that counts
        reach the index in processes that capture nothing.
        """

        def admit(
            gate: Gate = self.gate,
            ledger: Ledger = self.ledger,
            inside: set[int] = self._inside,
            greenlets: dict[int, set[int]] = self._greenlets,
            governor: Governor = self.gate.governor,
            first_call: Callable[[], None] = first_call,
        ) -> bool:
            for _ in ledger.skipping:
                return False
            if gate.waits_until > 0.0 and perf_counter() < gate.waits_until:
                gate.tick_waiting()
                return False
            if not ledger.called:
                ledger.called = True
                first_call()
            if gate.chooses and gate.refuses():
                return False
            me = get_ident()
            if me in inside and (me not in greenlets or current_greenlet() in greenlets[me]):
                ledger.count_skipped(RECURSIVE)
            elif me in capturing:
                ledger.count_skipped(REENTRANT)
            elif governor.balance > gate.needs or gate.affords():
                number = ledger.tick_admitted() + 1
                if gate.limited:
                    gate.count_admitted(number)
                return True
            else:
                gate.over_budget()
            return False

        return admit

    def parameters(self) -> Parameters:
        return self._parameters or self._prepare()

    def defaults(self) -> Frozen | None:
        """The function's default values, frozen when its first call was captured."""
        return self._defaults

    def _prepare(self) -> Parameters:
        """Done at the first captured call: the program's start does not pay for targets that are never called."""
        parameters = Parameters.of_code(self._signature[0])
        defaults = defaults_of_code(*self._signature)
        if defaults:
            self._defaults = freeze_outcome(defaults, False, self._rules)
        self._parameters = parameters
        return parameters

    def begin(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Pending | None:
        """Freeze the arguments, the bound instance first among them. None when that failed: call the function bare.

        So too for a finaliser while the interpreter ends: modules are half gone, and the bundles are written.

        Raises only what a signal handler of the program raised meanwhile.
        """
        if is_finalizing():
            return None
        began = perf_counter()
        used = thread_time() if self._is_long else 0.0
        me = get_ident()
        capturing.add(me)
        try:
            parameters, rules = self._parameters or self._prepare(), self._rules
            if self._has_instance and args:
                call = freeze((args[0], args[1:], kwargs), parameters, rules)
            else:
                call = freeze((None, args, kwargs), parameters, rules)
            self._inside.add(me)  # `_enter`, without the time of a call
            if "greenlet" in modules:
                self._enter(me)
            pending = self.pending_class()
            pending.recorder = self
            pending.thread = me
            pending.frozen_call = call
            pending.paid = pending.sealed = 0.0
            pending.began = began
            pending.cost = pending.used = cost = perf_counter() - began
            if used:
                pending.used = cost = thread_time() - used
            if len(call) > _LARGE or cost > COSTLY:
                pending.paid = cost + self.gate.reserve(len(call))
                self.gate.pay_ahead(pending.paid)
            return pending
        except BaseException as error:
            self._leave(me)
            passed = perf_counter() - began
            if self._failed(error, thread_time() - used if used else passed, passed):
                raise
            return None
        finally:
            capturing.discard(me)

    def resume(self, pending: Pending) -> None:
        """The function is resumed on this thread."""
        pending.thread = me = get_ident()
        self._enter(me)

    def suspend(self, pending: Pending) -> None:
        """The function is suspended: calls on this thread no longer come from inside it."""
        self._leave(pending.thread)

    def _enter(self, me: int) -> None:
        self._inside.add(me)
        if "greenlet" in modules:
            self._greenlets.setdefault(me, set()).add(current_greenlet())

    def _leave(self, me: int) -> None:
        if not self._greenlets or self._is_last_greenlet(me):
            self._inside.discard(me)

    def _is_last_greenlet(self, me: int) -> bool:
        """Whether no greenlet of this thread is inside when the current one has left."""
        others = self._greenlets.get(me)
        if others is None:
            return True
        others.discard(current_greenlet())
        if not others:
            del self._greenlets[me]
        return not others

    def raised(self, pending: Pending, error: BaseException) -> None:
        """The function raised `error`."""
        ended = CANCELLED if type(error).__name__ == "CancelledError" else COMPLETE
        close_call(self, pending, error, error, ended)

    def ended(self, pending: Pending, items: list[object], how: str, error: BaseException | None = None) -> None:
        """A generator has ended: the items that it yielded, how it ended, and the exception if it raised."""
        close_call(self, pending, items if error is None else error, error, how)

    def returned(
        self, pending: Pending, value: object, error: BaseException | None = None, ended: str = COMPLETE
    ) -> None:
        """The function returned `value`; or, for the two above, ended otherwise, and `value` is its outcome."""
        me = pending.thread
        if self._greenlets:
            self._leave(me)
        else:
            self._inside.discard(me)
        now = perf_counter()
        used = thread_time() if self._is_long else 0.0
        capturing.add(me)
        try:
            pending.frozen_outcome = outcome = freeze_result(value, error is not None, self._rules)
            pending.exception = None if error is None else type_name(type(error))
            pending.ended = ended
            pending.finished = now
            pending.size = len(pending.frozen_call) + len(outcome) + _OVERHEAD
            gate = self.gate
            reserved = pending.reserved = SEAL + pending.size * gate.seal_per_byte  # `reserve`, written out
            passed = perf_counter() - now
            spent = pending.used + (thread_time() - used if used else passed)
            passed += pending.cost
            self._is_long = passed > _SHORT
            if TRACING in modules:
                note_trace(pending)
            if reserved > LITTLE and reserved > gate.governor.most_for_one():
                reserved = self._leave_out(OVER_BUDGET)
            elif not self._submit(pending):
                reserved = self._leave_out(QUEUE_FULL)
        except BaseException as fault:
            passed = perf_counter() - now
            spent = pending.used + (thread_time() - used if used else passed)
            if self._failed(fault, spent, passed + pending.cost, pending.paid):
                raise
            return
        finally:
            capturing.discard(me)
        # Without the 0.1 us of a call. Where processor time was not read, the thread may only have lost the processor.
        if gate.only_counts and reserved < CHEAP and passed < (CHEAP if used else LOADING):
            gate.governor.balance -= spent + (spent if spent < UNSEEN else UNSEEN) + reserved - pending.paid
        else:
            gate.succeeded(spent, passed, reserved, pending.paid)

    def _leave_out(self, reason: str) -> float:
        """Count a call that is not stored; returns the seconds of the writer that it will take."""
        self.ledger.count_skipped(reason, admitted=True)
        self.gate.refund()
        return 0.0

    def _failed(self, error: BaseException, used: float, passed: float, paid: float = 0.0) -> bool:
        """Count a failed capture. Whether `error` must be raised: it is the program's own, or `strict` is set."""
        host = belongs_to_program(error)
        slow = isinstance(error, TooSlow)
        if slow and self.gate.governor.unlimited and passed < SECONDS:  # it was allowed a little time only
            self._leave_out(OVER_BUDGET)
            self.gate.gave_up(used, passed, paid)
            return False
        self.ledger.count_failed(INTERRUPTED if host else TOO_SLOW if slow else INTERNAL_ERROR)
        self.gate.failed(used, passed, paid)
        if not host and not slow:  # slow values are usual in a large program, and no fault to tell its log of
            log_once(f"could not capture {self.target}", describe(error), "'snapagent why' counts such calls")
        return host or self._strict


def close_call(recorder: Any, pending: Any, value: object, error: BaseException | None, ended: str) -> None:
    """`recorder.returned`, also where a finaliser ends the call while this thread captures another, or writes."""
    is_capturing = pending.thread in capturing
    if is_finalizing():
        return
    try:
        recorder.returned(pending, value, error, ended)
    finally:
        if is_capturing:
            capturing.add(pending.thread)


def forget_other_threads(recorders: list[Recorder]) -> None:
    """In a forked child only the forking thread lives on."""
    me = get_ident()
    for threads in (capturing, *(recorder._inside for recorder in recorders)):
        threads.intersection_update((me,))
    for recorder in recorders:
        for thread in [thread for thread in recorder._greenlets if thread != me]:
            del recorder._greenlets[thread]
