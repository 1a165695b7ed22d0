"""The nodes of an inert graph: their types, what is inside them, and all of them."""

from __future__ import annotations

from collections.abc import Iterator

from .stand_ins import Inert, StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ATOM_TYPES = frozenset({type(None), bool, int, float, str, bytes, bytearray})


def is_atom(value: object) -> bool:
    """Whether nothing can be inside `value`."""
    return type(value) in ATOM_TYPES


def inert_type_name(value: object) -> str:
    """The type that an inert value stands for: `module.qualname`, or the bare name for built-in types."""
    return type(value).name.replace(":", ".") if isinstance(value, Inert) else type(value).__name__


def inside(node: Any) -> Iterator[Any]:
    """The children of one node of a graph, atoms and containers, keys before their values."""
    kind = type(node)
    if kind is dict:
        for key, value in node.items():
            yield key
            yield value
    elif kind in (list, tuple, set, frozenset):
        yield from node
    elif isinstance(node, Inert):
        yield from (kind, node.args)
        yield from (node.callee, node.kwargs, node.state, node.listed, node.pairs)
        yield from node.effects or ()
    elif isinstance(node, StandIn) and node.origin is not None:
        yield node.origin


def nodes_of(graph: object) -> Iterator[Any]:
    """Every node of a graph but atoms, each once. Iterative, so depth does not matter."""
    seen: set[int] = set()
    rest = [graph]
    while rest:
        node = rest.pop()
        if type(node) in ATOM_TYPES or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        rest.extend(inside(node))


def names_called(graph: object) -> frozenset[str]:
    """The globals that loading the graph's stream would call or make objects of, by-value code included."""
    return frozenset(type(node).name for node in nodes_of(graph) if isinstance(node, Inert))
