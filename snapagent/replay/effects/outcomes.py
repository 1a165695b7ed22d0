"""What the program gets for a call once it is known which effect answers: a value, an exception, or items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from ...bundle import CANCELLED, CAPPED, CLOSED
from ...dependencies.tape import HANDLE, ITEMS, PENDING, RAISED, SKIPPED, StoredEffect
from ...errors import SnapagentError
from ...placeholder import UNSTORABLE, restore_placeholder
from ...serializer.thawing.load import thaw
from . import audit
from .changed_arguments import apply_changes
from .live_effect import LiveEffect

_ENDED_EARLY = (CLOSED, CAPPED, CANCELLED)


class Outcomes:
    """The outcomes on one tape. `handle` gives what stands for a live object, `refuse` raises for a reason."""

    def __init__(
        self,
        target: str,
        effects: Mapping[int, StoredEffect],
        handle: Callable[[int, LiveEffect], Any],
        refuse: Callable[[LiveEffect, str], NoReturn],
    ) -> None:
        self._target = target
        self._effects = effects
        self._handle = handle
        self._refuse = refuse
        self._results: dict[int, Any] = {}  # the objects that were served, by effect: for `same_as`

    def ended(self, index: int, live: LiveEffect) -> Any:
        """Return or raise as recorded."""
        __tracebackhide__ = True
        effect = self._effects[index]
        if effect.outcome == PENDING:
            self._refuse(live, "had not ended when the target returned")
        if effect.after is not None:
            _, args, kwargs = self._load(index, effect.after, live)
            apply_changes(live.args, live.kwargs, args, kwargs)
        if effect.outcome == RAISED:
            error = self._load(index, effect.result, live)
            operation = live.dependency.operation
            remade = operation.rebuild_error if operation is not None else None
            raise error if remade is None else remade(error, live.raw_args, live.raw_kwargs)
        value = self._results[index] = self._value(index, live)
        return value

    def items_of(self, index: int, live: LiveEffect) -> tuple[list[Any], BaseException | None, str]:
        """The recorded items of a generator, what it raised after them, and how it ended: for `finish`."""
        __tracebackhide__ = True
        effect = self._effects[index]
        value = self._load(index, effect.result, live)
        if effect.outcome == RAISED:
            items, error = value if isinstance(value, tuple) else ([], value)
            return items, error, effect.ended
        return value or [], None, CLOSED if effect.outcome == PENDING else effect.ended

    def finish(self, live: LiveEffect, error: BaseException | None, ended: str, taken: int) -> None:
        """End as the generator did, after so many items. Raises EffectNotRecorded where more items are wanted."""
        __tracebackhide__ = True
        if error is not None:
            raise error
        if ended in _ENDED_EARLY:
            self._refuse(live, f"was recorded up to item {taken} only, and more were asked for")

    def _value(self, index: int, live: LiveEffect) -> Any:
        effect = self._effects[index]
        if effect.is_argument is not None:
            return _argument(effect.is_argument, live)
        if effect.same_as is not None:
            if effect.same_as not in self._results:
                self._results[effect.same_as] = self._value(effect.same_as, live)
            return self._results[effect.same_as]
        if effect.kept == HANDLE:
            return self._handle(index, live)
        if effect.kept == ITEMS:
            items, is_complete = self._load(index, effect.result, live)
            return self._recorded_items(items, is_complete, live)
        if effect.kept == SKIPPED or effect.result is None:
            return restore_placeholder(f"effects[{index}].result", UNSTORABLE, effect.result_type, "result: skip")
        stored = self._load(index, effect.result, live)
        operation = live.dependency.operation
        if operation is None or operation.rebuild is None:
            return stored
        with audit.watched(None):  # a preset may use a database in memory
            return operation.rebuild(stored, live.raw_args, live.raw_kwargs)

    def _recorded_items(self, items: list[Any], is_complete: bool, live: LiveEffect) -> Iterator[Any]:
        yield from items
        self.finish(live, None, "" if is_complete else CLOSED, len(items))

    def _load(self, index: int, data: bytes | None, live: LiveEffect) -> Any:
        __tracebackhide__ = True
        try:
            return thaw(data or b"N.", target=f"effects[{index}] of {self._target}")
        except SnapagentError as error:
            self._refuse(live, f"was recorded (effect {index}), but cannot be loaded here: {error}")


def _argument(path: str, live: LiveEffect) -> Any:
    """The argument that the call returned."""
    if path == "self":
        return live.instance
    bound = live.dependency.parameters.bind(live.args, live.kwargs)
    name, bracket, rest = path.partition("[")
    value = bound.get(name)
    if not bracket:
        return value
    key = rest.rstrip("]")
    return value[int(key)] if key.isdigit() else value[key.strip("'\"")]  # type: ignore[index]
