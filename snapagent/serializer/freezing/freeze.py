"""Live arguments and outcomes to bytes, in the caller's thread. The recorder calls `freeze`, `freeze_outcome`.

Nearly every call takes one pass of the C pickler. More passes follow only when one was stopped: by `max_bytes` (the
largest values are left out), by depth (the deepest are left out), or by another thread that changed a container
(another try, and at last argument by argument).
"""

from __future__ import annotations

from pickle import dumps

from ...core.paths import EXCEPTION, RESULT
from .c_stack import may_overflow, recursion_limit, this_thread
from .decisions import Decisions
from .frozen import as_frozen, with_facts
from .identities import ADDRESS, LONG_NUMBER
from .parts import source_of
from .passes import freeze_carefully, raise_if_fatal, recover, with_identities
from .pickler import Freezer
from .time_limit import no_less

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...core.paths import PathPattern
    from ...core.signature import Parameters
    from .frozen import Frozen

MOST_POOLED_BYTES = 2048  # a freezer that wrote more has a large memo: clearing it takes longer than a new freezer
_ATOMS = frozenset({int, float, str, bytes})
_TEXTS = (str, bytes)
_SHORT = 4096  # characters or bytes of an atom that cannot be too big


_decisions: dict[tuple[tuple[str, ...], bool], Decisions] = {}  # by excluded types and `as_first`


class FreezeRules:
    """The settings of a target for its values; `max_bytes` is for each part of a bundle. Not to be changed.

    `allowance` tells the processor time in seconds that freezing one call may take now. `as_first` is for
    `freeze_as_first` alone, `hook_seconds` for `freeze_to_look`. `spare` is a freezer to be used again. Each call
    reads these attributes, and slots are read several times as fast as the fields of a Record.
    """

    __slots__ = ("allowance", "as_first", "decisions", "exclude", "exclude_types", "hook_seconds", "max_bytes", "spare")

    def __init__(
        self,
        max_bytes: int = 10**6,
        exclude: tuple[PathPattern, ...] = (),
        exclude_types: tuple[str, ...] = (),
        as_first: bool = False,
        hook_seconds: float | None = None,
        allowance: Callable[[], float] = no_less,
    ) -> None:
        self.max_bytes = max_bytes
        self.exclude = exclude
        self.exclude_types = exclude_types
        self.as_first = as_first
        self.hook_seconds = hook_seconds
        self.allowance = allowance
        key = exclude_types, as_first
        self.decisions = _decisions.get(key) or _decisions.setdefault(key, Decisions(exclude_types, as_first))
        self.spare: Freezer | None = None

    def replace(self, **changes: Any) -> FreezeRules:
        """The same rules with these changes."""
        names = ("max_bytes", "exclude", "exclude_types", "as_first", "hook_seconds", "allowance")
        return FreezeRules(**{name: getattr(self, name) for name in names} | changes)


_CONSTANTS = {value: dumps(value, 5) for value in (None, True, False)}


def freeze(value: object, origin: Parameters | str, rules: FreezeRules) -> bytes | Frozen:
    """Pickle `value`: what a call returned or raised, or `(instance, args, kwargs)`. The hot path, in one pass.

    `origin` names the paths in notes: the parameters of a call, or the first step of an outcome's paths.
    Returns the bytes alone where there are no facts about them.
    Raises only MemoryError, TooSlow, and exceptions of the program itself: KeyboardInterrupt, SystemExit, and those
    that its signal handlers raise meanwhile.
    """
    try:
        overflows = recursion_limit() > this_thread.safe_recursion_limit  # `may_overflow`, written out
    except AttributeError:
        overflows = may_overflow()
    if overflows or rules.exclude:
        return freeze_carefully(source_of(value, origin), rules, _patterns(origin, rules))
    freezer, rules.spare = rules.spare, None  # in one step: no other thread runs in between
    if freezer is None:
        freezer = Freezer(rules)
    freezer.value = value
    freezer.origin = origin
    try:  # as `Freezer.freeze` and `Sink.take` do, without the time of two calls
        if freezer.decisions.aliases is not None:
            freezer.begin_with(*freezer.decisions.aliases)
        freezer.dump(value)
        data = freezer.chunks.pop()
        if freezer.chunks or len(data) > rules.max_bytes:
            data = freezer.sink.joined(data)
    except BaseException as error:
        raise_if_fatal(error)
        problem = error
    else:
        frozen: bytes | Frozen = data
        if freezer.has_details:
            frozen = with_facts(freezer, data)
            freezer.reset()
        else:
            freezer.value = None
        if LONG_NUMBER in data and ADDRESS in data:
            frozen = with_identities(as_frozen(frozen), freezer, source_of(value, origin), rules, (), {})
        if len(data) <= MOST_POOLED_BYTES:
            freezer.clear_memo()
            if freezer.time_limit.deadline:
                freezer.time_limit.restart()
            rules.spare = freezer
        return frozen
    time_limit, source = freezer.time_limit, freezer.source
    del freezer
    problem.__traceback__ = None  # it would keep the frames and their values alive
    return recover(source, rules, (), problem, {}, time_limit)


def _patterns(origin: Parameters | str, rules: FreezeRules) -> tuple[PathPattern, ...]:
    if isinstance(origin, str):
        return tuple(pattern for pattern in rules.exclude if pattern.concerns_outcome)
    return tuple(pattern for pattern in rules.exclude if pattern.concerns_arguments)


def freeze_result(value: Any, raised: bool, rules: FreezeRules) -> bytes | Frozen:
    """The same for what a call returned or raised. Paths in notes begin with `result` or `exception`."""
    kind = type(value)
    if (kind is bool or value is None) and not rules.exclude:
        return _CONSTANTS[value]
    if kind in _ATOMS and not rules.exclude and (kind not in _TEXTS or len(value) <= _SHORT):
        data = dumps(value, 5)
        if len(data) <= rules.max_bytes:
            return data
    return freeze(value, EXCEPTION if raised else RESULT, rules)


def freeze_call(
    instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any], names: Parameters, rules: FreezeRules
) -> Frozen:
    """Pickle `(instance, args, kwargs)`. Paths in notes begin with parameter names. Raises as above."""
    return as_frozen(freeze((instance, args, kwargs), names, rules))


def freeze_outcome(value: Any, raised: bool, rules: FreezeRules) -> Frozen:
    """Pickle what a call returned or raised. Raises as above."""
    return as_frozen(freeze_result(value, raised, rules))


def freeze_as_first(value: Any, origin: Parameters | str, rules: FreezeRules) -> Frozen:
    """Pickle a call or an outcome in the forms of version 0.1.0, to look up a call that it stored.

    `value` and `origin` are those of `source_of`.
    """
    return freeze_carefully(source_of(value, origin), rules.replace(as_first=True), rules.exclude)


def freeze_to_look(value: Any, origin: Parameters | str, rules: FreezeRules) -> Frozen:
    """Pickle a call or an outcome of a program that is only looked at, to learn what could not be stored.

    The pickle hooks of all objects together may take `rules.hook_seconds`, by the wall clock. Raises as above.
    """
    return freeze_carefully(source_of(value, origin), rules, rules.exclude)
