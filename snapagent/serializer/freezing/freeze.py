"""Live arguments and outcomes to bytes, in the caller's thread. The recorder calls `freeze_call`, `freeze_outcome`.

Nearly every call takes one pass of the C pickler. More passes follow only when one was stopped: by `max_bytes` (the
largest values are left out), by depth (the deepest are left out), or by another thread that changed a container
(another try, and at last argument by argument).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pickle import dumps

from ...bundle import Note
from ...core.paths import EXCEPTION, RESULT, PathPattern
from ...core.records import Record
from ...core.signals import belongs_to_program
from ...core.type_facts import type_name
from ...placeholder import TOO_BIG, UNSTORABLE
from .byte_limit import TooBig, TooSlow
from .c_stack import small_stack
from .decisions import Decisions
from .identities import ADDRESS, Identifier, identified
from .oversize import deepest_values, largest_values
from .parts import CallSource, OutcomeSource, source_of
from .pickler import Freezer
from .prune import LeftOut, Pruner, shape_of
from .time_limit import TimeLimit, no_less

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...core.signature import Parameters

    Source = CallSource | OutcomeSource

MOST_POOLED_BYTES = 2048  # a freezer that wrote more has a large memo: clearing it takes longer than a new freezer
SAFE_DEPTH = 200  # levels, where the C stack may be small
_DEEP_ENOUGH = 400  # levels, after the interpreter itself has stopped the pickler
_ATTEMPTS = 6
_ATOMS = frozenset({int, float, str, bytes})
_TEXTS = (str, bytes)
_SHORT = 4096  # characters or bytes of an atom that cannot be too big
_BYTES_PER_LEVEL = 1024  # twice what a chain of objects was seen to take
_SAFE_RECURSION_LIMIT = 4000  # with the usual stack of 8 MiB
_recursion_limit = sys.getrecursionlimit
_LIMIT_BOUNDS_C_STACK = sys.version_info < (3, 12)  # later versions count C levels on their own


class FreezeRules(Record):
    """The settings of a target for its values; `max_bytes` is for each part of a bundle.

    `allowance` tells the processor time in seconds that freezing one call may take now. `as_first` is for
    `freeze_as_first` alone, `hook_seconds` for `freeze_to_look`.
    """

    max_bytes: int = 10**6
    exclude: tuple[PathPattern, ...] = ()
    exclude_types: tuple[str, ...] = ()
    as_first: bool = False
    hook_seconds: float | None = None
    allowance: Callable[[], float] = no_less


class Frozen(Record):
    """A value as bytes, and the facts about it for the header."""

    data: bytes
    notes: tuple[Note, ...] = ()
    by_value: tuple[str, ...] = ()  # names of the functions and classes whose code is inside
    packages: frozenset[str] = frozenset()  # top-level packages of the classes and functions that occur


_new: Any = object.__new__
_CONSTANTS = {value: Frozen(dumps(value, 5)) for value in (None, True, False)}


class _Pool:
    """The decisions for one set of excluded types, and idle freezers to be used again."""

    __slots__ = ("decisions", "idle")

    def __init__(self, exclude_types: tuple[str, ...], as_first: bool = False) -> None:
        self.decisions = Decisions(exclude_types, as_first)
        self.idle: list[Freezer] = []


_pools: dict[tuple[str, ...], _Pool] = {}
_first_pools: dict[tuple[str, ...], _Pool] = {}


def freeze_call(
    instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any], names: Parameters, rules: FreezeRules
) -> Frozen:
    """Pickle `(instance, args, kwargs)`. Paths in notes begin with parameter names.

    Raises only MemoryError, TooSlow, and exceptions of the program itself: KeyboardInterrupt, SystemExit, and those
    that its signal handlers raise meanwhile.
    """
    if rules.exclude:
        patterns = tuple(pattern for pattern in rules.exclude if pattern.concerns_arguments)
        return _freeze_carefully(source_of((instance, args, kwargs), names), rules, patterns)
    return _freeze((instance, args, kwargs), names, rules)


def freeze_outcome(value: Any, raised: bool, rules: FreezeRules) -> Frozen:
    """Pickle what a call returned or raised. Paths in notes begin with `result` or `exception`. Raises as above."""
    kind = type(value)
    if (kind is bool or value is None) and not rules.exclude:
        return _CONSTANTS[value]
    if kind in _ATOMS and not rules.exclude and (kind not in _TEXTS or len(value) <= _SHORT):
        data = dumps(value, 5)
        if len(data) <= rules.max_bytes:
            frozen: Frozen = _new(Frozen)
            frozen.__dict__["data"] = data
            return frozen
    origin = EXCEPTION if raised else RESULT
    if rules.exclude:
        patterns = tuple(pattern for pattern in rules.exclude if pattern.concerns_outcome)
        return _freeze_carefully(source_of(value, origin), rules, patterns)
    return _freeze(value, origin, rules)


def freeze_as_first(value: Any, origin: Parameters | str, rules: FreezeRules) -> Frozen:
    """Pickle a call or an outcome in the forms of version 0.1.0, to look up a call that it stored.

    `value` and `origin` are those of `source_of`.
    """
    return _freeze_carefully(source_of(value, origin), rules.replace(as_first=True), rules.exclude)


def freeze_to_look(value: Any, origin: Parameters | str, rules: FreezeRules) -> Frozen:
    """Pickle a call or an outcome of a program that is only looked at, to learn what could not be stored.

    The pickle hooks of all objects together may take `rules.hook_seconds`, by the wall clock. Raises as above.
    """
    return _freeze_carefully(source_of(value, origin), rules, rules.exclude)


def _freeze(value: object, origin: Parameters | str, rules: FreezeRules) -> Frozen:
    """The hot path: one pass, by a freezer from the pool."""
    if _stack_may_overflow():
        return _freeze_carefully(source_of(value, origin), rules, ())
    pool = _pools.get(rules.exclude_types) or _new_pool(rules.exclude_types)
    try:
        freezer = pool.idle.pop()
    except IndexError:
        freezer = Freezer(pool.decisions)
    try:
        data = freezer.freeze(value, origin, rules.max_bytes, rules.allowance)
    except BaseException as error:
        _raise_if_fatal(error)
        problem = error
    else:
        if freezer.has_details:
            frozen = _with_details(freezer, data)
            freezer.reset()
        else:
            frozen = _new(Frozen)
            frozen.__dict__["data"] = (
                data  # twice as fast as `Frozen(data)`: the other fields are defaults of the class
            )
            freezer.value = None
        if ADDRESS in data:
            frozen = _with_identities(frozen, freezer, source_of(value, origin), rules, (), {})
        if len(data) <= MOST_POOLED_BYTES:
            freezer.clear_memo()
            pool.idle.append(freezer)
        return frozen
    time_limit = freezer.time_limit
    del freezer
    problem.__traceback__ = None  # it would keep the frames and their values alive
    return _recover(source_of(value, origin), rules, (), problem, {}, time_limit)


def _with_details(freezer: Freezer, data: bytes) -> Frozen:
    return Frozen(data, tuple(freezer.notes), tuple(freezer.by_value), freezer.packages_seen())


def _new_pool(exclude_types: tuple[str, ...]) -> _Pool:
    return _pools.setdefault(exclude_types, _Pool(exclude_types))


def _pool_of(rules: FreezeRules) -> _Pool:
    if rules.as_first:
        return _first_pools.setdefault(rules.exclude_types, _Pool(rules.exclude_types, True))
    return _pools.get(rules.exclude_types) or _new_pool(rules.exclude_types)


def _raise_if_fatal(error: BaseException) -> None:
    if isinstance(error, (MemoryError, TooSlow)) or belongs_to_program(error):
        raise error


def _stack_may_overflow() -> bool:
    """Whether the C stack may end before the interpreter stops the pickler."""
    return bool(small_stack()) or (_LIMIT_BOUNDS_C_STACK and _recursion_limit() > _SAFE_RECURSION_LIMIT)


def _dangerously_deep(source: Source) -> dict[int, LeftOut]:
    """The values nested too deep for the C stack, where the interpreter's recursion limit does not protect it.

    The C pickler recurses, and a stack overflow in it kills the program. So in threads with a small stack, and on
    Python 3.11 with a raised recursion limit, the values are searched before the pickler goes into them.
    """
    if not _stack_may_overflow():
        return {}
    stack = small_stack()
    limit = min(stack // _BYTES_PER_LEVEL, SAFE_DEPTH) if stack else SAFE_DEPTH
    return deepest_values([value for _, value in source.places()], limit)


def _freeze_carefully(source: Source, rules: FreezeRules, patterns: tuple[PathPattern, ...]) -> Frozen:
    """The slower path: for excluded paths, and for stacks that the pickler could overrun."""
    chosen = _dangerously_deep(source)
    time_limit = TimeLimit()
    time_limit.start(rules.allowance)
    try:
        return _attempt(source, rules, patterns, chosen, time_limit)
    except BaseException as error:
        _raise_if_fatal(error)
        problem = error
    problem.__traceback__ = None
    return _recover(source, rules, patterns, problem, chosen, time_limit)


def _attempt(
    source: Source,
    rules: FreezeRules,
    patterns: tuple[PathPattern, ...],
    chosen: dict[int, LeftOut],
    time_limit: TimeLimit,
    hook_seconds: list[float] | None = None,
) -> Frozen:
    """One pass without the values that `patterns` match and those in `chosen`; `time_limit` is that of all passes.

    `hook_seconds` is the time of the passes before this one, which it continues; None for a first pass.
    """
    pool = _pool_of(rules)
    freezer = Pruner(pool.decisions, patterns, chosen)
    freezer.time_limit = time_limit
    freezer.most_hook_seconds = rules.hook_seconds
    if hook_seconds is not None:
        freezer.is_retry = True
        freezer.hook_seconds = hook_seconds
    frozen = _with_details(freezer, freezer.freeze(_pruned(freezer, source), source, rules.max_bytes, None))
    return frozen if rules.as_first else _with_identities(frozen, freezer, source, rules, patterns, chosen)


def _pruned(freezer: Pruner, source: Source) -> object:
    values = []
    for keys, value in source.places():
        states = freezer.start
        for key in keys:
            states = freezer.advanced(states, key)
        values.append(freezer.pruned(value, keys, states))
    return source.assemble(values)


def _with_identities(
    frozen: Frozen,
    before: Freezer,
    source: Source,
    rules: FreezeRules,
    patterns: tuple[PathPattern, ...],
    chosen: dict[int, LeftOut],
) -> Frozen:
    """`frozen`, or what another pass writes, where numbers in it are the ids of objects that `before` met.

    That pass goes from number to object, and so deeper than the values are nested: not where the C stack is small.
    """
    objects = {} if _stack_may_overflow() else identified(frozen.data, before.memo)
    if not objects:
        return frozen
    freezer = Identifier(before.decisions, patterns, chosen, objects)
    freezer.time_limit = before.time_limit
    try:
        return _with_details(freezer, freezer.freeze(_pruned(freezer, source), source, rules.max_bytes, None))
    except BaseException as error:
        if belongs_to_program(error):
            raise
        return frozen  # an object whose own making needs its id, or no time left


def _recover(
    source: Source,
    rules: FreezeRules,
    patterns: tuple[PathPattern, ...],
    problem: BaseException,
    chosen: dict[int, LeftOut],
    time_limit: TimeLimit,
) -> Frozen:
    """Freeze as much as possible, after a first pass was stopped by `problem`.

    Sizes are estimates, so each pass that is still too big gets half the budget of the one before.
    """
    left_out = dict(chosen)
    budget: float = rules.max_bytes
    depth = _DEEP_ENOUGH
    hook_seconds = [0.0]
    for _ in range(_ATTEMPTS):
        values = [value for _, value in source.places()]
        if isinstance(problem, TooBig):
            left_out |= largest_values(values, budget * 0.9)
            budget /= 2
        elif isinstance(problem, RecursionError):
            left_out |= deepest_values(values, depth)
            depth //= 2
        else:
            _pool_of(rules).decisions.forget()
        try:
            return _attempt(source, rules, patterns, left_out, time_limit, hook_seconds)
        except BaseException as error:
            _raise_if_fatal(error)
            problem = error
            problem.__traceback__ = None
    return _one_by_one(source, rules, patterns, left_out, time_limit, hook_seconds)


def _one_by_one(
    source: Source,
    rules: FreezeRules,
    patterns: tuple[PathPattern, ...],
    left_out: dict[int, LeftOut],
    time_limit: TimeLimit,
    hook_seconds: list[float],
) -> Frozen:
    """Store the arguments that can be frozen alone, with placeholders for the others; if that fails, for all."""
    chosen = dict(left_out)
    for keys, value in source.places():
        alone = OutcomeSource(value, str(keys[0]))
        try:
            _attempt(alone, rules, patterns, left_out, time_limit, hook_seconds)
        except BaseException as error:
            _raise_if_fatal(error)
            chosen[id(value)] = _given_up(value, error)
    try:
        return _attempt(source, rules, patterns, chosen, time_limit, hook_seconds)
    except BaseException as error:
        _raise_if_fatal(error)
        everything = {id(value): _given_up(value, error) for _, value in source.places()}
        return _attempt(source, rules.replace(max_bytes=10**6), (), everything, time_limit, hook_seconds)


def _given_up(value: object, error: BaseException) -> LeftOut:
    if isinstance(error, TooBig):
        return LeftOut(value, TOO_BIG, "max_bytes would be exceeded", shape_of(value))
    if isinstance(error, RuntimeError) and "changed size" in str(error):
        return LeftOut(value, UNSTORABLE, "another thread was changing it")
    return LeftOut(value, UNSTORABLE, f"it cannot be pickled ({type_name(type(error))})")
