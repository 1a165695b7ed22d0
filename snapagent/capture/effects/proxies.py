"""Objects of C types, recorded through a proxy: their methods cannot be wrapped. Only where `result: proxy` says so.

The program gets a proxy in place of the result, below a target alone. Each use of it is an effect whose receiver is the
effect that returned it, and what it returns is a proxy again where it cannot be stored. `type(x) is` and checks in C
tell a proxy from its object. A plain iterator is recorded as the items that the program takes.
"""

from __future__ import annotations

from types import FunctionType, GeneratorType

from ...core.type_facts import module_name, qualname
from ...dependencies.presets import Deferred
from ...dependencies.presets.db_calls import role_of
from ...dependencies.swapping import restore, swap
from ...dependencies.tape import ATTRIBUTE, HANDLE, ITEMS, READ
from ..instrument.frames import drop_frame, hidden
from .effect_recorder import EffectRecorder
from .frames import open_

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ...config.dependencies import DependencyRule
    from ...serializer.freezing.freeze import FreezeRules
    from .tape import Effect, Tape

MOST_ITEMS = 10_000
_SPECIAL = ("enter", "exit", "iter", "next", "len", "getitem", "setitem", "delitem", "contains", "call", "bool")
_READS = ("fetch", "get", "__", "cursor", "close", "find", "read", "list")  # how the names of reading methods begin
_PARTS = "_snapagent_parts"


class Items:
    """An iterator of the program that keeps what is taken of it."""

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator
        self._taken: list[Any] = []
        self._is_complete = False

    def __iter__(self) -> Items:
        return self

    def __next__(self) -> Any:
        try:
            item = next(self._iterator)
        except StopIteration:
            self._is_complete = True
            raise
        if len(self._taken) < MOST_ITEMS:
            self._taken.append(item)
        return item

    def __getattr__(self, name: str) -> Any:  # `close`, `send`
        return getattr(self._iterator, name)

    def outcome(self) -> tuple[list[Any], bool]:
        """The items so far, and whether these are all."""
        return list(self._taken), self._is_complete and len(self._taken) < MOST_ITEMS


class ProxyingRecorder(EffectRecorder):
    """Records a function whose results are proxied, or one method or attribute of a proxied object."""

    def __init__(self, dependency: str, rule: DependencyRule, function: Any, flavor: str, has_instance: bool) -> None:
        super().__init__(dependency, rule, function, flavor, has_instance)
        self._name = dependency.rpartition(".")[2]
        self._is_use = False  # of a proxied object

    @classmethod
    def of_use(cls, kind: type, name: str, rule: DependencyRule, flavor: str) -> ProxyingRecorder:
        """Of the method or attribute `name` of a class."""
        recorder = cls(f"{module_name(kind)}:{qualname(kind)}.{name}", rule, _used, flavor, True)
        recorder._is_use = True
        return recorder

    def _is_named_by(self, scope: frozenset[DependencyRule]) -> bool:
        return self.rule in scope

    def _effect(
        self,
        args: tuple[Any, ...],
        rest: tuple[Any, ...],
        kwargs: dict[str, Any],
        tapes: Sequence[Tape],
        rules: FreezeRules,
    ) -> Effect:
        effect = super()._effect(args, rest, kwargs, tapes, rules)
        if self._is_use and self.rule.role is None:
            if rest and type(rest[0]) is str and self._name.startswith("execute"):
                effect.role = role_of(rest[0])
                effect.shape = " ".join(rest[0].split())[:500]
            elif self.flavor == ATTRIBUTE or self._name.startswith(_READS):
                effect.role = READ
        return effect

    def _packed(self, effect: Any, value: Any) -> Any:
        if type(value) is not GeneratorType and type(value).__module__ not in ("builtins", "itertools"):
            return value
        if not hasattr(type(value), "__next__"):
            return value
        effect.kept, effect.items = ITEMS, Items(value)
        return Deferred(effect.items.outcome)


def record_with_proxies(function: FunctionType, recorder: ProxyingRecorder) -> Callable[[], None]:
    """Record the calls of a function, and all uses of what it returns; returns the way back."""

    def call(twin: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return _recorded(recorder, None, lambda *args, **kwargs: twin(*args, **kwargs), args, kwargs)

    swap(function, hidden(call))
    return lambda: restore(function)


def _recorded(recorder: ProxyingRecorder, proxy: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """Call the function; its result is proxied if a tape has recorded the call, and could not store it."""
    pending = recorder.begin(args, kwargs) if open_ and recorder.admit() else None
    if pending is None:
        return function(*args, **kwargs)
    try:
        value = function(*args, **kwargs)
    except BaseException as error:
        drop_frame(error)
        recorder.raised(pending, error)
        raise
    effect: Any = pending.effect
    recorder.returned(pending, value)
    if effect.kept == ITEMS:
        return effect.items
    if proxy is not None and value is args[0]:
        return proxy
    return _proxy_of(value, recorder.rule) if effect.kept == HANDLE else value


_used: Any = lambda self, /, *args, **kwargs: None  # noqa: E731  # the signature of every method


class _Proxy:
    """Passes everything on to its object."""

    __slots__ = ("__weakref__", _PARTS)

    def __getattribute__(self, name: str) -> Any:
        value, rule = object.__getattribute__(self, _PARTS)
        found = getattr(value, name)
        if name.startswith("__"):
            return found
        if not callable(found) or isinstance(found, type):
            recorder = _recorder_of(type(value), name, rule, ATTRIBUTE)
            return _recorded(recorder, self, lambda value: getattr(value, name), (value,), {})
        recorder = _recorder_of(type(value), name, rule, "plain")

        def method(*args: Any, **kwargs: Any) -> Any:
            return _recorded(recorder, self, lambda _, *args, **kwargs: found(*args, **kwargs), (value, *args), kwargs)

        return method

    def __setattr__(self, name: str, value: object) -> None:
        setattr(_object_of(self), name, value)

    def __repr__(self) -> str:
        return repr(_object_of(self))

    def __str__(self) -> str:
        return str(_object_of(self))

    def __hash__(self) -> int:
        return hash(_object_of(self))

    def __eq__(self, other: object) -> bool:
        return bool(_object_of(self) == (_object_of(other) if isinstance(other, _Proxy) else other))


def _object_of(proxy: Any) -> Any:
    return object.__getattribute__(proxy, _PARTS)[0]


def _special(name: str) -> Any:
    def special(self: Any, *args: Any) -> Any:
        value, rule = object.__getattribute__(self, _PARTS)
        recorder = _recorder_of(type(value), name, rule, "plain")
        return _recorded(
            recorder, self, lambda value, *args: getattr(type(value), name)(value, *args), (value, *args), {}
        )

    return special


_classes: dict[type, type] = {}
_recorders: dict[tuple[type, str, DependencyRule], ProxyingRecorder] = {}


def _recorder_of(kind: type, name: str, rule: DependencyRule, flavor: str) -> ProxyingRecorder:
    found = _recorders.get((kind, name, rule))
    if found is None:
        found = _recorders[kind, name, rule] = ProxyingRecorder.of_use(kind, name, rule, flavor)
    return found


def _proxy_of(value: Any, rule: DependencyRule) -> Any:
    kind = type(value)
    made = _classes.get(kind)
    if made is None:
        names = [name for name in (f"__{each}__" for each in _SPECIAL) if hasattr(kind, name)]
        members = {"__slots__": (), **{name: _special(name) for name in names}}
        made = _classes[kind] = type(kind.__name__, (_Proxy,), members)
    proxy: Any = object.__new__(made)
    object.__setattr__(proxy, _PARTS, (value, rule))
    return proxy
