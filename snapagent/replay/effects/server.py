"""Answers the calls of dependencies from the tape of one bundle, for one replay."""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from types import CodeType
from typing import Any, NoReturn

from ...bundle import ASYNC_GENERATOR, COROUTINE, GENERATOR, PLAIN, Header
from ...compare import Difference
from ...compare.clock_readings import ClockReadings
from ...compare.clock_readings import Interval as Span
from ...config.settings import Settings
from ...core.signature import KEYWORD_ONLY, Parameters
from ...dependencies.callers import calling_codes, library_of, names_of
from ...dependencies.keys import Interval, effect_key, without_clock_readings
from ...dependencies.tape import ATTRIBUTE, HANDLE, StoredEffect
from ...errors import EffectNotRecorded, SnapagentError
from ...sealing.opened_call import OpenedCall
from ...sealing.raw_call import RawCall
from ...serializer.thawing.load import thaw
from ..functions import unwrap
from ..live_call import LiveCall, freeze_live_call, seal_rules
from .argument_differences import LiveArguments, argument_differences
from .clock_matching import match_by_derived_moments, readings_of
from .completion import CompletionGate
from .dependencies import Dependency
from .handles import Handles
from .library_objects import LibraryObjects
from .live_effect import LiveEffect
from .matching import DIFFERENT, SERVED, MadeCall, Match, find_match, is_equal_call
from .misses import Miss, call_text, describe_miss
from .new_values import new_value
from .outcomes import Outcomes
from .overlay import Overlaid, overlay_for
from .progress import Progress
from .stand_ins import ReadAttribute, make_stand_in
from .todays_effects import as_made


class Server:
    """Serves one tape once. It may be called from several threads and tasks of the replay."""

    def __init__(
        self,
        header: Header,
        effects: Mapping[int, StoredEffect],
        problems: Mapping[int, str],
        settings: Settings,
        code: CodeType | None,
    ) -> None:
        self.header = header
        self.effects = effects
        self.progress = Progress(effects)
        self.handles = Handles(effects, self.progress)
        self.passes: set[CodeType] = set()  # functions that are called for real: see `live=`
        self._functions: dict[int, Dependency] = {}
        self._dependencies: dict[str, Dependency] = {}
        self._problems = problems
        self._settings = settings
        self._redactor = seal_rules(settings, b"keys need no pseudonyms").redactor
        self._code = code
        self._started = time.time()
        self._gate = CompletionGate(effects)
        self._outcomes = Outcomes(header.target, effects, self._handle, self._refuse)
        self._calls = 0
        self._new_values = 0
        self._live: frozenset[str] = frozenset()
        self._objects = LibraryObjects((), {})
        self._supplied: set[int] = set()  # objects of the test itself

    # ---- before the call

    def start(self) -> None:
        """The replay begins now."""
        self._started = time.time()

    def serve_start(self, dependency: Dependency) -> None:
        """Bring about what an operation of the start of the call found then, such as the state of a generator."""
        operation = dependency.operation
        found = [index for index, effect in self.effects.items() if effect.dependency == dependency.name]
        if operation is None or not found:
            return
        self.progress.take(Match(SERVED, found[0]))
        if operation.rebuild is not None:
            operation.rebuild(thaw(self.effects[found[0]].result or b"N."), (), {})

    def prepare(self, dependencies: tuple[Dependency, ...], live: frozenset[str], objects: LibraryObjects) -> None:
        """Learn which functions are served, which of them are called for real, and what makes objects of libraries."""
        self._objects = objects
        for dependency in dependencies:
            self._functions[id(dependency.function)] = self._dependencies[dependency.name] = dependency
            if dependency.name in live and dependency.code is not None:
                self.passes.add(dependency.code)
        self._live = live
        for index, effect in self.effects.items():
            if effect.dependency in live or effect.preset in live:
                self.progress.not_required.add(index)

    def stand_in_for(self, path: str, type_name: str) -> Any:
        """A stand-in for the placeholder at a path of the target's arguments."""
        value = make_stand_in(type_name, path, self.method_of)
        self.handles.add(value, path=path)
        return value

    def excuse(self, receivers: set[str], objects: Iterable[object]) -> None:
        """Serve nothing on objects that the test supplies, and require none of the calls recorded on them.

        The same is true of the handles that those calls returned.
        """
        self._supplied.update(map(id, objects))
        for index, effect in self.effects.items():
            if effect.receiver in receivers:
                self.progress.not_required.add(index)
                receivers = receivers | {f"effect {index}"}

    def method_of(self, real: type, name: str) -> Callable[..., Any] | None:
        """What serves the method `name` of a class, to be called with the instance first; None where nothing does."""
        for base in real.__mro__:
            if name in vars(base):
                dependency = self._dependencies.get(f"{base.__module__}:{base.__qualname__}.{name}")
                dependency = dependency or self._functions.get(id(unwrap(vars(base)[name])))
                if dependency is None:
                    return None
                served = functools.partial(self._answer_on, dependency)
                return ReadAttribute(served) if dependency.flavor == ATTRIBUTE else served
        return None

    def _answer_on(self, dependency: Dependency, /, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return self.answer(dependency, dependency.function, args, kwargs)

    # ---- a call

    def answer(self, dependency: Dependency, twin: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the program gets for its call of a dependency. Raises what was recorded, or EffectNotRecorded."""
        __tracebackhide__ = True
        if serving.get() is not self:  # another thread of the test process, or a replay inside this one
            return twin(*args, **kwargs)
        if dependency.has_instance and args and id(args[0]) in self._supplied:
            return twin(*args, **kwargs)
        if dependency.name in self._live:
            self.progress.count("let through")
            return twin(*args, **kwargs)
        if dependency.operation is not None and dependency.operation.unrecorded:
            self._raise(EffectNotRecorded(dependency.name, dependency.name, dependency.operation.unrecorded))
        live = self._live_effect(dependency, args, kwargs)
        if dependency.flavor == COROUTINE:
            return self._awaited(live)
        if dependency.flavor == GENERATOR:
            return self._items(live)
        if dependency.flavor == ASYNC_GENERATOR:
            return self._aitems(live)
        try:
            index = self._take(live)
        except Overlaid as overlaid:
            return overlaid.answer(*args, **kwargs)
        if index is None:
            return new_value(dependency, self.header, self._next_new(), live.args, live.kwargs)
        return self._outcomes.ended(index, live)

    def _live_effect(self, dependency: Dependency, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveEffect:
        instance, rest = (args[0], args[1:]) if dependency.has_instance and args else (None, args)
        handle = self.handles.find(instance)
        own_args, own_kwargs = rest, kwargs
        if dependency.operation is not None:
            described = dependency.operation.describe(args, kwargs)
            parameters = Parameters(tuple((name, KEYWORD_ONLY) for name in described.arguments))
            dependency = dependency.replace(role=described.role, parameters=parameters)
            own_args, own_kwargs = (), described.arguments
        return LiveEffect(dependency, instance, own_args, own_kwargs, args, kwargs, handle)

    def _take(self, live: LiveEffect) -> int | None:
        """Choose the effect that answers, and mark it used. None for a value that is made anew."""
        __tracebackhide__ = True
        self._calls += 1
        made = self._made(live)
        match = find_match(self.effects, self.progress.used, made)
        arguments = LiveArguments(live.dependency, live.args, live.kwargs)
        if match is None or match.how == DIFFERENT:
            alike = match_by_derived_moments(self.effects, self.progress.used, made, arguments, self.readings())
            match = alike or match
        if match is None:
            if live.dependency.preset == "uuid":
                self.progress.count("new")
                return None
            self._try_overlay(live)
            self._raise(describe_miss(self._miss(live, made)))
        differences: tuple[Difference, ...] = ()
        if match.how == DIFFERENT:
            effect = self.effects[match.index]
            differences = argument_differences(match.index, effect, arguments, self.readings())
            self.progress.remade[match.index] = as_made(
                effect, live.dependency, made, self._frozen(live, live.dependency.exclude)
            )
        self.progress.take(match, differences)
        self.handles.settle(live.handle, self._settles(match, made, live))
        return match.index

    def _try_overlay(self, live: LiveEffect) -> None:
        """Raise Overlaid when the test has an answer beyond the tape. Operations of presets and handles have none."""
        dependency = live.dependency
        if dependency.operation is not None or live.handle is not None or dependency.flavor not in (PLAIN, COROUTINE):
            return
        answer = overlay_for(dependency.name)
        if answer is not None:
            self.progress.count("from the overlay")
            raise Overlaid(answer)

    def _settles(self, match: Match, made: MadeCall, live: LiveEffect) -> str | None:
        """The receiver that this call proves; None while a handle that it returns may stem from several."""
        effect = self.effects[match.index]
        if effect.kept != HANDLE:
            return effect.receiver
        alike = {other.receiver for other in self.effects.values() if is_equal_call(other, made)}
        return effect.receiver if len(alike) == 1 else None

    def _made(self, live: LiveEffect) -> MadeCall:
        dependency = live.dependency
        bound = self._bound(live)
        receivers: frozenset[str | None] = live.handle.receivers if live.handle is not None else frozenset([None])
        keys = {receiver: effect_key(dependency.name, receiver, bound) for receiver in receivers}
        shape = next((one.shape for one in self.effects.values() if self._is_shape(one, dependency)), dependency.name)
        if dependency.operation is not None:
            shape = dependency.operation.describe(live.raw_args, live.raw_kwargs).shape
        return MadeCall(dependency.name, keys, self._path(dependency), dependency.role, shape)

    def _path(self, dependency: Dependency) -> tuple[str, ...]:
        """From the caller of the dependency up to the target; at the first step of a coroutine or generator."""
        library = library_of(dependency.operation.module) if dependency.operation is not None else ""
        return names_of(calling_codes(1, None, library), self._code)

    def _is_shape(self, effect: StoredEffect, dependency: Dependency) -> bool:
        return effect.dependency == dependency.name and dependency.operation is None

    def _bound(self, live: LiveEffect) -> dict[str, Any]:
        """The arguments by name as inert graphs, redacted, without clock readings: what keys are made of."""
        dependency, raw = live.dependency, self._frozen(live)
        opened = OpenedCall(dependency.parameters, False, raw.call, raw.defaults)
        opened.redact(self._redactor)
        bound = {name: value for name, value in opened.bound().items() if name not in dependency.exclude}
        return without_clock_readings(bound, Interval(self._started, time.time()))

    def _frozen(self, live: LiveEffect, excluded: tuple[str, ...] = ()) -> RawCall:
        """The arguments as bytes, without those at the paths `excluded`."""
        dependency = live.dependency
        args = tuple(self._storable(value) for value in live.args)
        kwargs = {name: self._storable(value) for name, value in live.kwargs.items()}
        call = LiveCall(dependency.name, dependency.parameters, dependency.defaults, args, kwargs)
        return freeze_live_call(call, excluded, self._settings.replace(exclude=()))

    def _storable(self, value: Any) -> Any:
        """A stand-in as the placeholder that stands for it on the tape."""
        handle = self.handles.find(value)
        return value if handle is None else value.__reduce_ex__(5)[0](*value.__reduce_ex__(5)[1])

    def _miss(self, live: LiveEffect, made: MadeCall) -> Miss:
        return Miss(
            header=self.header,
            effects=self.effects,
            used=dict(self.progress.used),
            problems=self._problems,
            made=made,
            dependency=live.dependency,
            args=live.args,
            kwargs=live.kwargs,
            number=self._calls,
            readings=self.readings(),
        )

    def _raise(self, error: SnapagentError) -> NoReturn:
        __tracebackhide__ = True
        self.progress.missed(error)
        raise error

    def readings(self) -> ClockReadings:
        """Recognises readings of the clock, in the captured call and in this replay so far."""
        return readings_of(self.header, Span(self._started, time.time()))

    def _next_new(self) -> int:
        self._new_values += 1
        return self._new_values

    # ---- its outcome

    def _handle(self, index: int, live: LiveEffect) -> Any:
        """What stands for a live object that the call returned: of the library's own class, or a stand-in."""
        effect = self.effects[index]
        library_object = self._objects.make(effect.result_type)
        if library_object is not None:
            return library_object
        made = self._made(live)
        candidates = {
            other for other, each in self.effects.items() if each.kept == HANDLE and is_equal_call(each, made)
        }
        value = make_stand_in(effect.result_type, f"effects[{index}].result", self.method_of)
        self.handles.add(value, None, candidates | {index}, index, live.handle)
        return value

    def _refuse(self, live: LiveEffect, reason: str) -> NoReturn:
        __tracebackhide__ = True
        wanted = call_text(live.dependency.name, live.dependency.parameters, live.args, live.kwargs)
        self._raise(EffectNotRecorded(live.dependency.name, wanted, reason))

    async def _awaited(self, live: LiveEffect) -> Any:
        __tracebackhide__ = True
        try:
            index = self._take(live)
        except Overlaid as overlaid:
            return await overlaid.answer(*live.raw_args, **live.raw_kwargs)
        if index is None:
            return new_value(live.dependency, self.header, self._next_new(), live.args, live.kwargs)
        self._gate.begin(index)
        try:
            await self._gate.wait(index)
        finally:
            self._gate.end(index)
        return self._outcomes.ended(index, live)

    def _items(self, live: LiveEffect) -> Iterator[Any]:
        __tracebackhide__ = True
        index = self._take(live)
        assert index is not None
        items, error, ended = self._outcomes.items_of(index, live)
        yield from items
        self._outcomes.finish(live, error, ended, len(items))

    async def _aitems(self, live: LiveEffect) -> AsyncIterator[Any]:
        __tracebackhide__ = True
        index = self._take(live)
        assert index is not None
        items, error, ended = self._outcomes.items_of(index, live)
        for item in items:
            yield item
        self._outcomes.finish(live, error, ended, len(items))


serving: ContextVar[Server | None] = ContextVar("snapagent_serving", default=None)
