"""Bundles with effects, made without the recorder: the dependencies are swapped, and each call becomes an effect."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bundles import NOON, Shop

from snapagent import Bundle, load_capture
from snapagent.bundle import EFFECTS, FORMAT_WITH_EFFECTS, Part
from snapagent.config.targets import Target
from snapagent.core.paths import parse_path
from snapagent.core.signature import Parameters, defaults_of
from snapagent.core.type_facts import type_name
from snapagent.dependencies.callers import calling_codes, names_of
from snapagent.dependencies.keys import Interval, key_of_call
from snapagent.dependencies.swapping import restore, swap
from snapagent.dependencies.tape import (
    AFTER,
    CALL,
    HANDLE,
    OUTCOME,
    RAISED,
    RETURNED,
    WRITE,
    StoredEffect,
    Summary,
    encode_effects,
)
from snapagent.replay import clock
from snapagent.sealing.opened_call import OpenedCall
from snapagent.sealing.raw_call import RawCall
from snapagent.sealing.redaction.rules import Redactor
from snapagent.sealing.seal import SealRules, seal
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call, freeze_outcome

REDACTOR = Redactor((), (), b"key of the tests")


class Taping:
    """Records the calls of dependencies while a function runs once."""

    def __init__(self, dependencies: Mapping[str, str], target: Callable[..., Any], **options: Any) -> None:
        self.effects: list[StoredEffect] = []
        self.results: dict[int, int] = {}  # id of a result -> effect
        self.kept: list[Any] = []
        self._dependencies = dependencies
        self._handles: Sequence[str] = options.get("handles", ())
        self._repeat: Mapping[str, str] = options.get("repeat", {})
        self._receivers: dict[int, str] = {id(value): path for path, value in options.get("receivers", {}).items()}
        self._code = target.__code__
        self._ends = 0
        self.interval = Interval(NOON, NOON + 5)

    def run(self, function: Callable[[], Any]) -> tuple[Any, bool]:
        swapped = []
        try:
            for name, role in self._dependencies.items():
                swapped.append(self._swap(name, role))
            value = function()
            return (asyncio.run(value) if inspect.iscoroutine(value) else value), False
        except Exception as error:
            return error, True
        finally:
            for each in swapped:
                restore(each)

    def _swap(self, name: str, role: str) -> Any:
        module, _, qualname = name.partition(":")
        owner: Any = importlib.import_module(module)
        *above, last = qualname.split(".")
        for step in above:
            owner = getattr(owner, step)
        raw = inspect.getattr_static(owner, last)
        function = getattr(raw, "__func__", raw)
        is_method = bool(above) and not isinstance(raw, staticmethod)

        def call(twin: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return self._call(name, role, is_method, twin, args, kwargs)

        swap(function, call)
        return function

    def _call(self, name: str, role: str, is_method: bool, twin: Any, args: Any, kwargs: Any) -> Any:
        index = self._begin(name, role, is_method, twin, args, kwargs)
        if inspect.iscoroutinefunction(twin):

            async def awaited() -> Any:
                try:
                    value = await twin(*args, **kwargs)
                except Exception as error:
                    self._end(index, error, RAISED, args[is_method:], kwargs)
                    raise
                return self._end(index, value, RETURNED, args[is_method:], kwargs)

            return awaited()
        try:
            value = twin(*args, **kwargs)
        except Exception as error:
            self._end(index, error, RAISED, args[is_method:], kwargs)
            raise
        if inspect.isgenerator(value):
            return self._items(index, value)
        return self._end(index, value, RETURNED, args[is_method:], kwargs)

    def _items(self, index: int, items: Any) -> Any:
        taken: list[Any] = []
        ended = "closed"
        try:
            for item in items:
                taken.append(item)
                yield item
            ended = "complete"
        finally:
            self._end(index, taken, RETURNED, (), {}, ended)

    def _begin(self, name: str, role: str, is_method: bool, twin: Any, args: Any, kwargs: Any) -> int:
        rules = FreezeRules()
        parameters = Parameters.of(twin)
        defaults = dict(defaults_of(twin))
        receiver = self._receivers.get(id(args[0])) if is_method else None
        if is_method:
            parameters = Parameters(parameters.items[1:])
            args = args[1:]
        call = freeze_call(None, args, kwargs, parameters, rules).data
        opened = OpenedCall(parameters, False, call, pickle.dumps(defaults) if defaults else None)
        key = key_of_call(name, receiver, opened, REDACTOR, self.interval)
        self.effects.append(
            StoredEffect(
                dependency=name,
                role=role,
                repeat=self._repeat.get(name, "steady"),
                flavor="coroutine" if inspect.iscoroutinefunction(twin) else "plain",
                receiver=receiver,
                path=names_of(calling_codes(4), self._code),
                start=len(self.effects),
                key=key,
                shape=name,
                parameters=parameters.items,
                blobs={CALL: call},
            )
        )
        return len(self.effects) - 1

    def _end(self, index: int, value: Any, outcome: str, args: Any, kwargs: Any, ended: str = "complete") -> Any:
        effect = self.effects[index]
        changes: dict[str, Any] = {"outcome": outcome, "end": self._ends, "ended": ended}
        self._ends += 1
        blobs = dict(effect.blobs)
        after = freeze_call(None, args, kwargs, Parameters(effect.parameters), FreezeRules()).data
        if after != blobs[CALL] and (args or kwargs):
            blobs[AFTER] = after
        names = [name for name, _ in effect.parameters]
        same = next((name for name, one in zip(names, args, strict=False) if one is value and value is not None), None)
        if effect.dependency in self._handles and outcome == RETURNED:
            self._receivers[id(value)] = f"effect {index}"
            changes |= {"kept": HANDLE, "result_type": f"{type(value).__module__}:{type(value).__qualname__}"}
        elif same is not None and isinstance(value, list | dict):
            changes["is_argument"] = same
        elif id(value) in self.results and isinstance(value, list | dict):
            changes["same_as"] = self.results[id(value)]
        else:
            blobs[OUTCOME] = freeze_outcome(value, outcome == RAISED, FreezeRules()).data
            self.results[id(value)] = index
        if outcome == RAISED:
            changes["exception"] = type_name(type(value))
        self.kept.append(value)
        self.effects[index] = effect.replace(blobs=blobs, **changes)
        return value


def taped(
    shop: Shop,
    target: str,
    function: Callable[..., Any],
    *args: Any,
    dependencies: Mapping[str, str] | Sequence[str],
    instance: Any = None,
    exclude: tuple[str, ...] = (),
    summary: Mapping[str, Any] | None = None,
    change: Callable[[list[StoredEffect]], list[StoredEffect]] = list,
    when: float = NOON,
    **options: Any,
) -> Bundle:
    """Call `function` with its real dependencies, store the call with its tape, and load it.

    `dependencies` are names, with roles where they are not writes; `change` may alter the tape.
    """
    roles = dependencies if isinstance(dependencies, Mapping) else dict.fromkeys(dependencies, WRITE)
    taping = Taping(roles, function, **options)
    parameters = Parameters.of(function)  # type: ignore[arg-type]
    rules = FreezeRules(exclude=tuple(parse_path(path) for path in exclude))
    call = freeze_call(instance, args, {}, parameters, rules)
    positional = args if instance is None else (instance, *args)
    from datetime import UTC, datetime

    with clock.clock_at(datetime.fromtimestamp(when, UTC)):
        value, raised = taping.run(lambda: function(*positional))
    outcome = freeze_outcome(value, raised, rules)
    raw = RawCall(
        target=Target.parse(target),
        kind="function" if instance is None else "method",
        flavor="coroutine" if inspect.iscoroutinefunction(function) else "plain",
        parameters=parameters,
        call=call.data,
        outcome=outcome.data,
        raised=raised,
        started=when,
        duration=0.01,
        call_notes=call.notes,
        outcome_notes=outcome.notes,
        exception=type_name(type(value)) if raised else None,
    )
    header, payload = seal(raw, SealRules(b"key of the tests"))
    effects = change(taping.effects)
    part = encode_effects(effects)
    fields = Summary(count=len(effects), seconds=0.02).as_dict()
    header = header.replace(
        effects={**fields, **(summary or {})},
        parts=(*header.parts, Part(EFFECTS, "tape", "none", len(part), len(part))),
        format=FORMAT_WITH_EFFECTS,
    )
    shop.store.publish(target, header, {**payload, EFFECTS: part}, when=when)
    return load_capture(target, base_path=shop.base_path)
