"""Leaves values out by path or by identity: placeholders in copies of the containers that lead to them.

The C pickler writes built-in containers without calling `reducer_override`. So containers that may hold a value to
leave out are copied before: along the paths that a pattern can still match, or everywhere when objects are left out by
identity. Objects are never copied: their parts are left out of their pickle form, when the pickler meets them.
"""

from __future__ import annotations

from ...bundle import Note
from ...core.paths import format_keys
from ...core.records import Record
from ...core.type_facts import type_name
from ...placeholder import EXCLUDED, Placeholder
from ..exceptions import rebuild_exception
from ..rebuild import start_anew
from .children import ATOMS
from .object_handlers import is_left_to_pickler
from .pickler import Freezer
from .reduce import Unstorable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ...core.paths import PathPattern
    from .freeze import FreezeRules

    Keys = tuple[object, ...]
    States = tuple[int, ...]


_SIZED = frozenset({dict, list, tuple, set, frozenset, str, bytes, bytearray})


class LeftOut(Record):
    """Why one object is left out, wherever it occurs; `value` keeps it alive, so that no other object gets its id."""

    value: object
    kind: str
    reason: str
    detail: str = ""
    path: str = ""


class Pruner(Freezer):
    """A freezer that leaves out what `patterns` name, and the objects in `left_out`, by id."""

    def __init__(self, rules: FreezeRules, patterns: tuple[PathPattern, ...], left_out: Mapping[int, LeftOut]) -> None:
        super().__init__(rules)
        self._patterns = patterns
        self._left_out = left_out
        self._placeholders: dict[int, Placeholder] = {}
        self._copies: dict[tuple[int, States], Any] = {}
        self._alive: list[object] = []
        self._places: dict[int, tuple[Keys, States]] = {}  # by id of an object that the pickler will meet: its path

    @property
    def start(self) -> States:
        return tuple(pattern.start for pattern in self._patterns)

    # The path of an object is recorded when its container is copied, and used here when the pickler gets to the object.
    # That happens once: later occurrences are references to the memo. A plain object (NotImplemented) would be written
    # in C together with the parts to leave out, so its pickle form is made here and edited.
    def reducer_override(self, value: Any) -> Any:
        instead = self.left_out_form(value)
        if instead is not None:
            return instead
        form = super().reducer_override(value)
        place = self._places.pop(id(value), None)
        if place is None and not self._left_out:
            return form
        keys, states = place if place is not None else ((), (0,) * len(self._patterns))
        if form is NotImplemented and is_left_to_pickler(self.handler_of(value)):
            try:
                form = self.reduce_once(value)
            except Unstorable:
                return NotImplemented
        return self._pruned_form(form, keys, states) if type(form) is tuple else form

    @property
    def leaves_out(self) -> bool:
        return bool(self._left_out)

    def left_out_form(self, value: object) -> Any:
        why = self._left_out.get(id(value))
        return super().left_out_form(value) if why is None else self._placeholder_of(value, why).__reduce_ex__(5)

    def pruned(self, value: Any, keys: Keys, states: States) -> Any:
        """`value`, or its copy or placeholder at the path `keys`; `states` are those of the patterns there."""
        if type(value) is Placeholder:
            return value
        if self._left_out and id(value) in self._left_out:
            return self._placeholder_of(value, self._left_out[id(value)], keys)
        if states and any(pattern.ends(state) for pattern, state in zip(self._patterns, states, strict=True)):
            return self._excluded(value, keys)
        if type(value) in ATOMS or not (self._left_out or any(states)):
            return value
        kind = type(value)
        if kind is dict or kind is list or kind is tuple:
            return self._copy(value, keys, states)
        if kind is not set and kind is not frozenset:
            self._alive.append(value)
            self._places.setdefault(id(value), (keys, states))
        return value

    def advanced(self, states: States, key: object) -> States:
        """The states of the patterns after one more step."""
        return states and tuple(
            pattern.advance(state, key) if state else 0 for pattern, state in zip(self._patterns, states, strict=True)
        )

    def _child(self, value: Any, keys: Keys, states: States, key: object) -> Any:
        if not states and type(value) in ATOMS and id(value) not in self._left_out:
            return value  # the usual case where only single objects are left out
        return self.pruned(value, (*keys, key), self.advanced(states, key))

    # One copy for each container and each state of the patterns: shared containers stay shared, and one that stands at
    # an excluded path and at another one is copied differently for each. Lists and dicts are entered before their items
    # are copied, so that cycles lead to the copy; a tuple cannot be, and a cycle through it leads to the original.
    def _copy(self, value: Any, keys: Keys, states: States) -> Any:
        known = self._copies.get((id(value), states))
        if known is not None:
            return known
        self._alive.append(value)
        if type(value) is tuple:
            self._copies[id(value), states] = value  # met again inside itself
            made: Any = tuple(self._child(item, keys, states, index) for index, item in enumerate(value))
        elif type(value) is list:
            made = self._copies[id(value), states] = []
            made += [self._child(item, keys, states, index) for index, item in enumerate(value)]
        else:
            made = self._copies[id(value), states] = {}
            made.update({key: self._child(item, keys, states, key) for key, item in list(value.items())})
        self._copies[id(value), states] = made
        return made

    def _pruned_form(self, form: tuple[Any, ...], keys: Keys, states: States) -> tuple[Any, ...]:
        made_by, args, *rest = form
        if made_by is rebuild_exception:
            pruned_args: tuple[Any, ...] = (args[0], self._child(args[1], keys, states, "args"))
        elif made_by is start_anew:
            kind, function, named, others, keywords = args
            function = self._child(function, keys, states, "__func__")
            others = self._child(others, keys, states, "args")
            pruned_args = (
                kind,
                function,
                self._copy(named, keys, states),
                others,
                self._copy(keywords, keys, states),
            )
        else:
            pruned_args = tuple(self._child(arg, keys, states, index) for index, arg in enumerate(args))
        if rest and rest[0] is not None:
            rest[0] = self._pruned_state(rest[0], keys, states)
        if len(rest) > 1 and rest[1] is not None:
            rest[1] = self._pruned_items(enumerate(rest[1]), keys, states, pairs=False)
        if len(rest) > 2 and rest[2] is not None:
            rest[2] = self._pruned_items(rest[2], keys, states, pairs=True)
        return (made_by, pruned_args, *rest)

    def _pruned_state(self, state: Any, keys: Keys, states: States) -> Any:
        """Attributes: a dict, or a pair of dicts where the class has slots. Anything else has no names in it."""
        if type(state) is tuple and len(state) == 2 and all(type(part) in (dict, type(None)) for part in state):
            return tuple(part and self._copy(part, keys, states) for part in state)
        if type(state) is dict:
            return self._copy(state, keys, states)
        return self._child(state, keys, states, None) if self._left_out else state

    def _pruned_items(self, items: Any, keys: Keys, states: States, pairs: bool) -> Iterator[Any]:
        for key, item in items:
            child = self._child(item, keys, states, key)
            yield (key, child) if pairs else child

    def _excluded(self, value: object, keys: Keys) -> Placeholder:
        note = Note(format_keys(keys), EXCLUDED, type_name(type(value)), "its path is excluded", shape_of(value))
        self.notes.append(note)
        self.has_details = True
        self._alive.append(value)
        return Placeholder(note)

    def _placeholder_of(self, value: object, why: LeftOut, keys: Keys = ()) -> Placeholder:
        known = self._placeholders.get(id(value))
        if known is None:
            path = why.path or (format_keys(keys) if keys else self.path_of(value))
            note = Note(path, why.kind, type_name(type(value)), why.reason, why.detail)
            self.notes.append(note)
            known = self._placeholders[id(value)] = Placeholder(note)
        return known


def shape_of(value: Any) -> str:
    """Length or shape, of exact built-in types and numpy arrays; "" for others."""
    kind = type(value)
    if kind in _SIZED:
        return f"length {len(value)}"
    if type_name(kind) == "numpy.ndarray":
        return f"shape {value.shape}, {value.dtype}"
    return ""
