"""Canonical texts of values whose cycles are too tangled for one walk: by colour refinement.

A walk numbers the nodes of a cycle in the order in which it meets them. Where a set lies in the cycle, or two cycles
share nodes, that order depends on the hash seed, or there is no number at all. Refinement needs no order: every node
begins with the same colour, and in each round takes the digest of its own text, with the colours of its children in
their places. Nodes that differ get different colours after some rounds; values with equal shape never do. This is the
test for bisimilarity of Kanellakis and Smolka, in the form known as the Weisfeiler-Lehman algorithm.
"""

from __future__ import annotations

from hashlib import sha256
from os import urandom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from .atoms import TextWriter

    WriteNode = Callable[[TextWriter, Any], str]  # the text of a container or object, from those of its children
    WriteAtOnce = Callable[[Any], str | None]  # the text of a value that needs no walk; None for any other

MOST_WRITES = 50_000  # node texts written for one value: about a quarter of a second
_LEAST_ROUNDS = 6
_DIGITS = 32  # hexadecimal digits of a colour


class Refinement:
    """The colours of one value's nodes; the parts of `Canonical` that functions for single types use.

    The text of a node is written once, with marks in the places of its children, and each round fills in their colours.
    Only a node with members that have no order is written anew in each round: their colours decide over the order.
    """

    def __init__(self, write_node: WriteNode, write_at_once: WriteAtOnce) -> None:
        self.opaque: list[tuple[object, str]] = []
        self.has_newer = False
        self._write_node = write_node
        self._write_at_once = write_at_once
        self._nodes: dict[int, Any] = {}
        self._pieces: dict[int, list[Any]] = {}  # of an ordered node: text, id of a child, text, id, ..., text
        self._parents: dict[int, list[int]] = {}  # ids of the nodes that a node is in
        self._colours: dict[int, str] = {}
        self.near: dict[int, str] = {}  # the colours after `_LEAST_ROUNDS`: how a node looks so many steps away
        self._found: list[Any] = []  # nodes whose children are not known yet
        self._mark: str | None = f"\0{urandom(16).hex()}:"  # before the id of a child; None when colours are written
        self._kinds: list[str] = []  # the colours at the end
        self._is_ordered = True
        self._in_made = False

    def text(self, value: Any) -> str:
        """The canonical text of a value that is in a cycle or holds one."""
        self.of(value)
        self._read_nodes()
        opaque = list(self.opaque)
        self._refine()
        self.opaque[:] = opaque
        self._kinds = sorted(set(self._colours.values()))
        return self._text(id(value))

    def texts(self, value: Any) -> dict[int, str]:
        """The same, by id, for all values that refer to each other, and `value` among them.

        Each leads to all nodes that the others lead to, and to no more, so one refinement does for them.
        """
        texts = {id(value): self.text(value)}
        rest = [id(value)]
        while rest:
            for parent in self._parents.get(rest.pop(), ()):
                if parent not in texts:
                    texts[parent] = self._text(parent)
                    rest.append(parent)
        return texts

    def _text(self, identity: int) -> str:
        # All colours together say how the kinds of nodes refer to each other. That of the value alone would say how it
        # looks up to as many steps away as there were rounds.
        return f"%{_digest(''.join([self._colours[identity], *self._kinds]))}"

    def _read_nodes(self) -> None:
        """Find all nodes, and split the texts of those that are ordered at the places of their children."""
        mark = self._mark
        while self._found:
            node = self._found.pop()
            self._is_ordered = True
            first, *rest = self._write_node(self, node).split(mark)
            pieces: list[Any] = [first]
            for part in rest:
                child, _, text = part.partition(";")
                pieces += [int(child), text]
                self._parents.setdefault(int(child), []).append(id(node))
            if self._is_ordered:
                self._pieces[id(node)] = pieces
        self._mark = None

    def _refine(self) -> None:
        """Rounds until no more nodes can be told apart, or as many as there is time for."""
        kinds = 1
        for number in range(max(MOST_WRITES // len(self._nodes), _LEAST_ROUNDS)):
            self._colours = {identity: _digest(self._text_of(identity, node)) for identity, node in self._nodes.items()}
            before, kinds = kinds, len(set(self._colours.values()))
            if number + 1 == _LEAST_ROUNDS:
                self.near = self._colours
            if kinds == before and self.near:
                return

    def _text_of(self, identity: int, node: Any) -> str:
        pieces = self._pieces.get(identity)
        if pieces is None:
            return self._write_node(self, node)
        colours = self._colours
        filled = pieces.copy()
        filled[1::2] = [colours[child] for child in pieces[1::2]]
        return "".join(filled)

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
        return self._colours[identity] if self._mark is None else f"{self._mark}{identity};"

    def of_made(self, value: Any) -> str:
        """A temporary value is written in its place: it is another object in each round. So are tuples in it."""
        text = self._write_at_once(value)
        return text if text is not None else self._inline(value, in_made=True)

    def unordered(self, members: Collection[Any], items: Mapping[Any, Any] | None = None) -> list[str]:
        self._is_ordered = False
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
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
