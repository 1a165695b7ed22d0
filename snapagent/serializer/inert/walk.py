"""Walks and edits inert graphs: the items of a container, their paths and names, and how to replace them.

An object's attributes and constructor arguments are items of the object itself: a path into a graph reads like a path
into the live value, `order.lines[0].card`, whatever containers the pickle uses in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...core.paths import format_keys, parameter_key
from ...placeholder import BY_VALUE, COMPILED_EXCEPTION, GO_BY_NAME, REBUILDS_EXCEPTION, SINGLETON, STARTS_ANEW
from ..attributes import inner_parts
from .class_facts import class_facts
from .nodes import is_atom
from .stand_ins import MAKES_FUNCTION, Inert, StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Link = tuple["Link | None", object]  # a path, last step first: (the link of the container, key)

NO_STEP = object()  # the key of an item that adds nothing to a path, such as the dict of an object's attributes


class Roots:
    """The values that a walk begins with, each with the keys of its path and the name that it goes by."""

    __slots__ = ("keys", "labels", "values")

    def __init__(
        self, keys: Iterable[tuple[object, ...]] = (), labels: Iterable[str | None] = (), values: Iterable[Any] = ()
    ) -> None:
        self.values = list(values)
        self.keys = list(keys)
        self.labels = list(labels)

    def add(self, keys: tuple[object, ...], label: str | None, value: object) -> None:
        self.keys.append(keys)
        self.labels.append(label)
        self.values.append(value)

    @classmethod
    def of(cls, bound: Mapping[str, object]) -> Roots:
        """Values by parameter name."""
        roots = cls()
        for name, value in bound.items():
            roots.add((parameter_key(name),), name, value)
        return roots


class Place:
    """A container on a walk. `labels` name items that it does not name itself.

    `rule` and `context` are inherited in redaction.
    """

    __slots__ = ("context", "labels", "link", "node", "rule")

    def __init__(
        self,
        node: Any,
        link: Link | None,
        labels: Sequence[Any],
        rule: str | None = None,
        context: str | None = None,
    ) -> None:
        self.node = node
        self.link = link
        self.labels = labels
        self.rule = rule
        self.context = context


class Item:
    """One item of a container: `slot` is for `put`, `key` is its step in a path, `label` its name, if it has one.

    `slot` is None for items that `put` cannot replace, such as keys; `labels` name the items of `child`.
    """

    __slots__ = ("child", "key", "label", "labels", "slot")

    def __init__(self, slot: Any, key: object, label: object, child: Any, labels: Sequence[Any] = ()) -> None:
        self.slot = slot
        self.key = key
        self.label = label
        self.child = child
        self.labels = labels


def items_of(place: Place) -> Iterator[Item]:
    """The items of one container, listed before the first is returned: the container may be changed meanwhile."""
    node = place.node
    kind = type(node)
    if kind is dict:
        found = [Item(key, key, key, child) for key, child in node.items()]
        return iter(found + [Item(None, key, None, key) for key in node if not is_atom(key)])
    if kind is list or kind is tuple:
        labels = place.labels
        if not labels:
            return iter([Item(index, index, None, child) for index, child in enumerate(node)])
        names = [*labels, *[None] * (len(node) - len(labels))]
        pairs = enumerate(zip(names, node, strict=False))
        return iter([Item(i, i if name is None else name, _label(name), child) for i, (name, child) in pairs])
    if kind is set or kind is frozenset:
        return iter([Item(child, index, None, child) for index, child in enumerate(node)])
    if kind is Roots:
        return iter([Item(i, keys, node.labels[i], node.values[i]) for i, keys in enumerate(node.keys)])
    return iter(_items_of_stand_in(node))


def _label(name: object) -> object:
    return None if name is NO_STEP else name


def _items_of_stand_in(node: Any) -> Iterator[Item]:
    if isinstance(node, StandIn):
        if node.origin is not None and type(node.origin).name not in GO_BY_NAME:  # a name must stay as it is
            yield Item(None, NO_STEP, None, node.origin)
        return
    cls: Any = type(node)
    if cls.origin is not None:
        yield Item(None, NO_STEP, None, cls)
    fields = class_facts(cls).fields if node.args or type(node.state) in (list, tuple) else ()
    if node.args:
        yield from _arguments(node, cls, fields)
    for slot in ("callee", "kwargs", "listed", "pairs"):
        value = getattr(node, slot)
        if value is not None:
            yield Item(slot, NO_STEP, None, value)
    if node.state is not None:
        yield from _state(node, fields)
    if node.effects is not None:
        yield Item("effects", NO_STEP, None, node.effects)


def _arguments(node: Inert, cls: StandIn, fields: Sequence[str]) -> Iterator[Item]:
    step: object = NO_STEP if fields or cls.name == BY_VALUE else "args"
    labels: Sequence[Any] = [NO_STEP] if cls.name == BY_VALUE else fields
    if (cls.name == REBUILDS_EXCEPTION and len(node.args) == 2) or cls.name == COMPILED_EXCEPTION:
        yield Item(None, "args", None, node.args[1])
        step = NO_STEP if cls.name == COMPILED_EXCEPTION else step
    if cls.name == SINGLETON:
        yield Item(None, NO_STEP, None, node.args[3])
        labels = [NO_STEP] * len(node.args)
        step = NO_STEP
    if cls.name == STARTS_ANEW and len(node.args) == 5:
        _, function, named, rest, keywords = node.args
        yield from (Item(None, NO_STEP, None, named), Item(None, NO_STEP, None, keywords))
        yield from (Item(None, "args", None, rest), Item(None, "__func__", None, function))
        step = NO_STEP
    if cls.name == MAKES_FUNCTION:
        yield from _function_parts(node)
        step = NO_STEP
    yield Item("args", step, None, node.args, labels)


def _function_parts(node: Inert) -> Iterator[Item]:
    """The defaults and cells of a function whose code is in the stream, under the names that the code gives them."""
    code = node.args[0]
    if not isinstance(code, Inert) or len(node.args) < 5:
        return
    tuples = [arg for arg in code.args if type(arg) is tuple]
    counts = [arg for arg in code.args if type(arg) is int]
    defaults, closure = node.args[3], node.args[4]
    if type(defaults) is tuple and counts and len(tuples) > 2:
        positional = tuples[2][: counts[0]]
        yield Item(None, NO_STEP, None, defaults, positional[len(positional) - len(defaults) :])
    if type(closure) is tuple:
        names = next((items for items in reversed(tuples) if items and len(items) == len(closure)), ())
        for name, cell in zip(names, closure, strict=False):
            if isinstance(cell, Inert):
                yield Item(None, NO_STEP, None, cell.args, [name])
                for effect in cell.effects or ():
                    yield Item(None, NO_STEP, None, effect.args, [None, None, name])


def _state(node: Inert, fields: Sequence[str]) -> Iterator[Item]:
    state = node.state
    for part in inner_parts(state):  # first, because the first path to a container is the one that names its items
        yield Item(None, NO_STEP, None, part)
    yield Item("state", NO_STEP if not is_atom(state) else "state", None, state, fields)


def extended(link: Link | None, key: object) -> Link | None:
    """The path of an item: `link` is the path of its container."""
    if key is NO_STEP:
        return link
    if link is None and type(key) is tuple:
        for step in key:
            link = (link, step)
        return link
    return (link, key)


def keys_of(link: Link | None) -> list[object]:
    keys = []
    while link is not None:
        link, key = link
        keys.append(key)
    return keys[::-1]


def path_of(link: Link | None) -> str:
    """The text of a path."""
    return format_keys(keys_of(link))


def walk(roots: Roots) -> Iterator[Place]:
    """Every container of a graph, each once. Values that the caller puts into the latest one are walked."""
    seen: set[int] = set()
    rest = [Place(roots, None, ())]
    while rest:
        place = rest.pop()
        if id(place.node) in seen:
            continue
        seen.add(id(place.node))
        yield place
        below = [
            Place(item.child, extended(place.link, item.key), item.labels)
            for item in items_of(place)
            if not is_atom(item.child)
        ]
        rest.extend(reversed(below))  # in order: the first path to a container is the one that names its items


def put(place: Place, changes: Mapping[Any, Any], replaced: dict[int, tuple[Any, Any]]) -> None:
    """Put values into a container by slot. Tuples and frozensets are immutable: `replaced` gets old and new, by id.

    What was put into such a container before stays in it.
    """
    node = place.node
    latest = replaced[id(node)][1] if id(node) in replaced else node
    kind = type(node)
    if kind is Roots:
        for index, value in changes.items():
            node.values[index] = value
    elif kind is list or kind is dict:
        for slot, value in changes.items():
            node[slot] = value
    elif kind is set:
        for member, value in changes.items():
            node.discard(member)
            node.add(value)
    elif kind is tuple:
        replaced[id(node)] = node, tuple(changes.get(index, value) for index, value in enumerate(latest))
    elif kind is frozenset:
        replaced[id(node)] = node, frozenset(changes.get(value, value) for value in latest)
    else:
        for slot, value in changes.items():
            setattr(node, slot, value)


def rekey(node: dict[Any, Any], changes: Mapping[Any, Any]) -> None:
    """Change keys of a dict and keep its order."""
    items = [(changes.get(key, key), value) for key, value in node.items()]
    node.clear()
    node.update(items)


def substitute(roots: Roots, replaced: dict[int, tuple[Any, Any]]) -> None:
    """Put new tuples and frozensets in the place of the old ones; those that contain them are made anew in turn."""
    while replaced:
        further: dict[int, tuple[Any, Any]] = {}
        for place in walk(roots):
            changes = {
                item.slot: replaced[id(item.child)][1]
                for item in items_of(place)
                if item.slot is not None and id(item.child) in replaced
            }
            if changes:
                put(place, changes, further)
            if type(place.node) is dict:
                keys = {key: replaced[id(key)][1] for key in place.node if id(key) in replaced}
                if keys:
                    rekey(place.node, keys)
        replaced = further


def paths_to(nodes: Iterable[object], bound: Mapping[str, object]) -> Iterator[str]:
    """The paths of some containers of a graph, by identity."""
    wanted = {id(node) for node in nodes}
    for place in walk(Roots.of(bound)):
        if id(place.node) in wanted:
            yield path_of(place.link)
