"""Freezes a value in passes that leave out parts of it: by path, by size, by depth, or one argument after the other."""

from __future__ import annotations

from ...core.signals import belongs_to_program
from ...core.type_facts import type_name
from ...placeholder import TOO_BIG, UNSTORABLE
from .byte_limit import TooBig, TooSlow
from .c_stack import may_overflow, small_stack
from .frozen import Frozen, with_facts
from .identities import Identifier, identified
from .oversize import deepest_values, largest_values
from .parts import OutcomeSource
from .prune import LeftOut, Pruner, shape_of
from .time_limit import TimeLimit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...core.paths import PathPattern
    from .freeze import FreezeRules
    from .parts import CallSource
    from .pickler import Freezer

    Source = CallSource | OutcomeSource

SAFE_DEPTH = 200  # levels, where the C stack may be small
_DEEP_ENOUGH = 400  # levels, after the interpreter itself has stopped the pickler
_ATTEMPTS = 6
_BYTES_PER_LEVEL = 1024  # twice what a chain of objects was seen to take


def raise_if_fatal(error: BaseException) -> None:
    """Raise what ends the capture, or belongs to the program; all else is a reason for another pass."""
    if isinstance(error, (MemoryError, TooSlow)) or belongs_to_program(error):
        try:
            raise error
        finally:
            del error  # as in `raise_unstorable`


def _dangerously_deep(source: Source) -> dict[int, LeftOut]:
    """The values nested too deep for the C stack, where the interpreter's recursion limit does not protect it.

    The C pickler recurses, and a stack overflow in it kills the program. So in threads with a small stack, and on
    Python 3.11 with a raised recursion limit, the values are searched before the pickler goes into them.
    """
    if not may_overflow():
        return {}
    stack = small_stack()
    limit = min(stack // _BYTES_PER_LEVEL, SAFE_DEPTH) if stack else SAFE_DEPTH
    return deepest_values([value for _, value in source.places()], limit)


def freeze_carefully(source: Source, rules: FreezeRules, patterns: tuple[PathPattern, ...]) -> Frozen:
    """The slower path: for excluded paths, and for stacks that the pickler could overrun."""
    chosen = _dangerously_deep(source)
    time_limit = TimeLimit(rules.allowance)
    try:
        return _attempt(source, rules, patterns, chosen, time_limit)
    except BaseException as error:
        raise_if_fatal(error)
        problem = error
    problem.__traceback__ = None
    return recover(source, rules, patterns, problem, chosen, time_limit)


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
    freezer = Pruner(rules, patterns, chosen)
    freezer.time_limit = time_limit
    if hook_seconds is not None:
        freezer.is_retry = True
        freezer.hook_seconds = hook_seconds
    frozen = with_facts(freezer, freezer.freeze(_pruned(freezer, source), source))
    return frozen if rules.as_first else with_identities(frozen, freezer, source, rules, patterns, chosen)


def _pruned(freezer: Pruner, source: Source) -> object:
    values = []
    for keys, value in source.places():
        states = freezer.start
        for key in keys:
            states = freezer.advanced(states, key)
        values.append(freezer.pruned(value, keys, states))
    return source.assemble(values)


def with_identities(
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
    objects = {} if may_overflow() else identified(frozen.data, before.memo)
    if not objects:
        return frozen
    freezer = Identifier(rules, patterns, chosen, objects)
    freezer.time_limit = before.time_limit
    try:
        return with_facts(freezer, freezer.freeze(_pruned(freezer, source), source))
    except BaseException as error:
        if belongs_to_program(error):
            raise
        return frozen  # an object whose own making needs its id, or no time left


def recover(
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
            rules.decisions.forget()
        try:
            return _attempt(source, rules, patterns, left_out, time_limit, hook_seconds)
        except BaseException as error:
            raise_if_fatal(error)
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
        alone.locator = source.locator
        try:
            _attempt(alone, rules, patterns, left_out, time_limit, hook_seconds)
        except BaseException as error:
            raise_if_fatal(error)
            chosen[id(value)] = _given_up(value, error)
    try:
        return _attempt(source, rules, patterns, chosen, time_limit, hook_seconds)
    except BaseException as error:
        raise_if_fatal(error)
        everything = {id(value): _given_up(value, error) for _, value in source.places()}
        return _attempt(source, rules.replace(max_bytes=10**6), (), everything, time_limit, hook_seconds)


def _given_up(value: object, error: BaseException) -> LeftOut:
    if isinstance(error, TooBig):
        return LeftOut(value, TOO_BIG, "max_bytes would be exceeded", shape_of(value))
    if isinstance(error, RuntimeError) and "changed size" in str(error):
        return LeftOut(value, UNSTORABLE, "another thread was changing it")
    return LeftOut(value, UNSTORABLE, f"it cannot be pickled ({type_name(type(error))})")
