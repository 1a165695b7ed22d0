"""Random cyclic graphs of lists, dicts, sets and objects: built in any order, and compared by a slow reference."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

KINDS = ("list", "dict", "numbered", "set", "object", "bag", "keyed")
BY_ID = "by id"  # a dict whose keys are the ids of its values


class Thing:
    """An object with whatever attributes a graph gives it."""


class Bag(set[Any]):
    """A set that is pickled through `__reduce__`."""


class Node:
    """One value of a graph: its kind, its own number, and the numbers of the values inside it."""

    def __init__(self, kind: str, label: int, below: Sequence[int]) -> None:
        self.kind = kind
        self.label = label
        self.below = tuple(below)


Graph = list[Node]


def random_graph(chance: random.Random, kinds: Sequence[str] = KINDS) -> Graph:
    """Two to nine values; each may hold any, also itself. The first holds the others, directly or not."""
    size = chance.randint(2, 9)
    graph = []
    for index in range(size):
        kind = chance.choice(kinds)
        below = [chance.randrange(size) for _ in range(chance.randint(0, 3))]
        if index + 1 < size and chance.random() < 0.8:
            below.append(index + 1)
        graph.append(Node(kind, chance.randint(0, 1), below))
    for node in graph:  # only objects are hashable
        if node.kind in ("set", "bag", "keyed"):
            node.below = tuple(dict.fromkeys(one for one in node.below if graph[one].kind == "object"))
        elif node.kind == BY_ID:
            node.below = tuple(dict.fromkeys(node.below))
    return graph


def build(graph: Graph, chance: random.Random) -> Any:
    """The first value of a graph. Values are made, and dicts and sets are filled, in a random order."""
    makes: dict[str, Any] = {
        "list": list,
        "dict": dict,
        "numbered": dict,
        "set": set,
        "object": Thing,
        "bag": Bag,
        "keyed": dict,
        BY_ID: dict,
    }
    made: dict[int, Any] = {}
    for index in chance.sample(range(len(graph)), len(graph)):
        made[index] = makes[graph[index].kind]()
    for index in chance.sample(range(len(graph)), len(graph)):
        _fill(made[index], graph[index], [made[below] for below in graph[index].below], chance)
    return made[0]


def _fill(value: Any, node: Node, below: list[Any], chance: random.Random) -> None:
    if node.kind == "list":
        value.extend([node.label, *below])
        return
    if node.kind in ("set", "bag"):
        for item in chance.sample([node.label, *below], len(below) + 1):
            value.add(item)
        return
    items: list[tuple[Any, Any]] = [("label", node.label)]
    if node.kind == "keyed":
        items = [*((item, position % 2) for position, item in enumerate(below)), *items]
    elif node.kind == BY_ID:
        items += [(id(item), item) for item in below]
    elif node.kind == "numbered":
        items += enumerate(below)
    else:
        items += [(f"item{position}", item) for position, item in enumerate(below)]
    for key, item in chance.sample(items, len(items)):
        if node.kind == "object":
            setattr(value, key, item)
        else:
            value[key] = item


def are_alike(one: Graph, other: Graph) -> bool:
    """The slow reference: no sequence of steps from the first values tells the two graphs apart.

    Pairs of nodes are separated until no more can be: a pair is separated when kinds, labels or numbers of items
    differ, or when the items cannot be matched into pairs that are not separated.
    """
    nodes = one + other
    offset = len(one)
    below = [node.below for node in one] + [tuple(index + offset for index in node.below) for node in other]
    colours = [0] * len(nodes)
    while True:
        described = []
        for index, node in enumerate(nodes):
            items: Any = tuple(colours[child] for child in below[index])
            if node.kind in ("set", "bag", BY_ID):
                items = tuple(sorted(items))
            elif node.kind == "keyed":
                items = tuple(sorted((colour, position % 2) for position, colour in enumerate(items)))
            described.append((node.kind, node.label, items))
        numbers = {text: number for number, text in enumerate(sorted(set(described)))}
        refined = [numbers[text] for text in described]
        if len(set(refined)) == len(set(colours)):
            return refined[0] == refined[offset]
        colours = refined
