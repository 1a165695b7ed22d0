"""Chooses the values to leave out of a bundle that would exceed `max_bytes`, or that is nested too deep.

Sizes are estimates from `len` and `nbytes` of built-in and numpy types. The size of a long container is extrapolated
from its first items, so that the walk is short whatever the size.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count

from ...core.type_facts import descends
from ...placeholder import TOO_BIG, TOO_DEEP
from ..naming import lookup
from .children import ATOMS, children, container_of
from .prune import LeftOut, shape_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_SAMPLE = 200  # items visited in one container
_MOST_NODES = 3_000  # values visited: a budget that is divided equally among the parts of each value
_WIDE = 64  # a container with more items than this, none of which stands out, is left out as a whole
_STANDS_OUT = 1 / 16
_SMALL = 512  # bytes: a placeholder takes about as much, so that nothing is gained by leaving out less
_MOST_PARTS = 256  # values left out at most, roughly: a bundle of nothing but placeholders shows nothing
_TEXTS = frozenset({str, bytes, bytearray})
_ATOM_BYTES = {type(None): 1, bool: 1, int: 4, float: 9, complex: 30}
_OBJECT_BYTES = 20


class _Weighed:
    __slots__ = ("budget", "children", "count", "value", "weight")

    def __init__(self, value: object, budget: float) -> None:
        self.value = value
        self.budget = budget  # how many values may be visited in this subtree
        self.children: list[_Weighed] = []
        self.weight = 0.0
        self.count = 0


def largest_values(roots: Sequence[object], max_bytes: float) -> dict[int, LeftOut]:
    """The values to leave out, by id, so that the rest takes about `max_bytes`: few and large ones.

    A bundle with one large value missing is of more use than one in which every small value is a placeholder.
    """
    # Largest first: a node is left out as a whole, or replaced in the queue by its parts. A value whose parts are all
    # small goes as a whole, because its placeholders would take as many bytes as the parts and show no more.
    nodes = _weigh(roots)
    chosen: dict[int, LeftOut] = {}
    total = sum(node.weight for node in nodes)
    order = count()  # nodes do not compare
    largest = [(-node.weight, next(order), node) for node in nodes]
    heapify(largest)
    small = max(_SMALL, max_bytes / _MOST_PARTS)
    while largest and total > max_bytes:
        node = heappop(largest)[2]
        if _goes_as_a_whole(node, small):
            total -= node.weight
            reason = f"about {int(node.weight)} bytes: max_bytes would be exceeded"
            chosen[id(node.value)] = LeftOut(node.value, TOO_BIG, reason, shape_of(node.value))
        else:
            for child in node.children:
                heappush(largest, (-child.weight, next(order), child))
    return chosen


def _weight(node: _Weighed) -> float:
    return node.weight


def _goes_as_a_whole(node: _Weighed, small: float) -> bool:
    """Whether no part of it is large enough (`small` bytes) to be left out alone, or stands out from the others."""
    if not node.children:
        return True
    largest = max(map(_weight, node.children))
    return (
        largest < small or (node.count > _WIDE and largest < node.weight * _STANDS_OUT) or largest < node.weight * 0.01
    )


def _weigh(roots: Iterable[object]) -> list[_Weighed]:
    """The nodes of the roots with the estimated sizes of their subtrees; shared values count where they are met first.

    Each root and each part gets an equal share of the node budget, so that a long first argument does not leave the
    others unweighed. A container of which only some items were visited counts them in proportion to its length.
    """
    values = list(roots)
    tops = [_Weighed(value, _MOST_NODES / len(values)) for value in values]
    order: list[_Weighed] = []
    seen: set[int] = set()
    rest = list(reversed(tops))
    while rest and len(order) < 10 * _MOST_NODES:  # in a chain of single parts the budget is never divided
        node = rest.pop()
        order.append(node)
        if type(node.value) in ATOMS or id(node.value) in seen:
            node.weight = _own_bytes(node.value) if type(node.value) in ATOMS else 3
            continue
        seen.add(id(node.value))
        parts = list(children(node.value, min(_SAMPLE, max(int(node.budget), 1))))
        below = [_Weighed(child, node.budget / len(parts)) for _, child in parts]
        node.children, node.count = below, max(_length(node.value), len(below))
        node.weight = _own_bytes(node.value)
        rest += reversed(below)
    for node in reversed(order):
        inside = sum(map(_weight, node.children))
        share = node.count / len(node.children) if node.children else 1
        node.weight += inside * share
    return tops


def _length(value: Any) -> int:
    container = container_of(type(value))
    return container.__len__(value) if container is not None else 0


def _own_bytes(value: Any) -> float:
    kind = type(value)
    if kind in _TEXTS:
        return len(value) + 4
    if kind in _ATOM_BYTES:
        return _ATOM_BYTES[kind]
    ndarray: Any = lookup("numpy", "ndarray")
    if ndarray is not None and descends(kind, ndarray):
        return float(ndarray.nbytes.__get__(value)) + 100
    if container_of(kind) is dict:
        return 5 + 8.0 * _length(value)  # keys
    return _OBJECT_BYTES if container_of(kind) is None else 3


def deepest_values(roots: Sequence[object], limit: int) -> dict[int, LeftOut]:
    """The values that lie more than `limit` steps below the roots, in the order in which a pickler goes down."""
    chosen: dict[int, LeftOut] = {}
    seen: set[int] = set()
    rest = [(value, 1) for value in reversed(roots)]
    while rest:
        value, depth = rest.pop()
        if type(value) in ATOMS or id(value) in seen:
            continue
        seen.add(id(value))
        if depth > limit:
            chosen[id(value)] = LeftOut(value, TOO_DEEP, f"it is nested more than {limit} levels deep")
            continue
        below = [(child, depth + 1) for _, child in children(value) if type(child) not in ATOMS]
        below.reverse()
        rest += below
    return chosen
