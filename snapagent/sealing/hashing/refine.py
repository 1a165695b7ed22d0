"""Canonical texts of values whose cycles are too tangled for one walk: by colour refinement.

A walk numbers the nodes of a cycle in the order in which it meets them. Where a set lies in the cycle, or two cycles
share nodes, that order depends on the hash seed, or there is no number at all. Refinement needs no order: every node
begins with the same colour, and in each round takes the digest of its own text, with the colours of its children in
their places. Nodes that differ get different colours after some rounds; values with equal shape never do. This is the
test for bisimilarity of Kanellakis and Smolka, in the form known as the Weisfeiler-Lehman algorithm.
"""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from .atoms import TextWriter

    WriteNode = Callable[[TextWriter, Any], str]  # the text of a container or object, from those of its children
    WriteAtOnce = Callable[[Any], str | None]  # the text of a value that needs no walk; None for any other

MOST_WRITES = 200_000  # node texts written for one value: about a second
_LEAST_ROUNDS = 4
_DIGITS = 32  # hexadecimal digits of a colour


class Refinement:
    """The colours of one value's nodes; the parts of `Canonical` that functions for single types use."""

    def __init__(self, write_node: WriteNode, write_at_once: WriteAtOnce) -> None:
        self.opaque: list[tuple[object, str]] = []
        self.has_newer = False
        self._write_node = write_node
        self._write_at_once = write_at_once
        self._nodes: dict[int, Any] = {}
        self._colours: dict[int, str] = {}
        self._found: list[Any] = []  # nodes whose children are not known yet
        self._in_made = False

    def text(self, value: Any) -> str:
        """The canonical text of a value that is in a cycle or holds one."""
        self.of(value)
        while self._found:
            self._write_node(self, self._found.pop())
        self._refine()
        # All colours together say how the kinds of nodes refer to each other. That of `value` alone would say how it
        # looks up to as many steps away as there were rounds.
        colours = sorted(set(self._colours.values()))
        return f"%{_digest(''.join([self._colours[id(value)], *colours]))}"

    def _refine(self) -> None:
        """Rounds until no more nodes can be told apart, or as many as there is time for."""
        kinds = 1
        for _ in range(max(MOST_WRITES // len(self._nodes), _LEAST_ROUNDS)):
            self.opaque.clear()
            self._colours = {identity: _digest(self._write_node(self, node)) for identity, node in self._nodes.items()}
            before, kinds = kinds, len(set(self._colours.values()))
            if kinds == before:
                return

    def of(self, value: Any) -> str:
        text = self._write_at_once(value)
        if text is not None:
            return text
        if self._in_made and type(value) is tuple:
            return self._inline(value, in_made=False)
        identity = id(value)
        if identity not in self._nodes:
            self._nodes[identity] = value
            self._colours[identity] = ""
            self._found.append(value)
        return self._colours[identity]

    def of_made(self, value: Any) -> str:
        """A temporary value is written in its place: it is another object in each round. So are tuples in it."""
        text = self._write_at_once(value)
        return text if text is not None else self._inline(value, in_made=True)

    def unordered(self, members: Collection[Any], items: Mapping[Any, Any] | None = None) -> list[str]:
        if items is None:
            return sorted(map(self.of, members))
        return sorted([self.of(key) + self.of(items[key]) for key in members])

    def _inline(self, value: Any, *, in_made: bool) -> str:
        before, self._in_made = self._in_made, in_made
        try:
            return self._write_node(self, value)
        finally:
            self._in_made = before


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
