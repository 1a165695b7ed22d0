"""Keeps what depends on the length of a body true after redaction: `Content-Length`, limits, positions in streams.

A pseudonym has another length than the secret that it replaces. A program that reads as many bytes as the header says
would read a part of the body.
"""

from __future__ import annotations

import re

from ...serializer.inert.stand_ins import Inert
from ...serializer.inert.walk import Roots, items_of, put, substitute, walk
from ..hashing.atoms import PSEUDONYM
from .requests import header_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_PSEUDONYM = re.compile(PSEUDONYM.pattern.encode())
_MEMORY = "_io:BytesIO"
_NAMES = frozenset({"contentlength", "limit"})


class BodyLengths:
    """The bytes of one call that a redaction has changed."""

    def __init__(self) -> None:
        self._lengths: dict[int, int] = {}  # before -> after
        self._streams: list[tuple[Inert, bytes]] = []

    def met(self, node: Any) -> None:
        """Remember the bytes of a stream in memory, before they change."""
        if isinstance(node, Inert) and type(node).name == _MEMORY and _bytes_of(node) is not None:
            self._streams.append((node, _bytes_of(node) or b""))

    def changed(self, old: Any, new: Any) -> None:
        """Note that `new` is in the place of `old`; only bytes count."""
        if type(old) in (bytes, bytearray) and len(old) != len(new):
            first = next((before for before, after in self._lengths.items() if after == len(old)), len(old))
            self._lengths[first] = len(new)

    def adjust(self, parts: Iterable[Roots]) -> None:
        """Set positions, limits and lengths anew."""
        for node, old in self._streams:
            new = _bytes_of(node)
            if new is not None and new != old:
                node.state = (new, _moved(node.state[1], old, new), *node.state[2:])
        for roots in parts if self._lengths else ():
            replaced: dict[int, tuple[Any, Any]] = {}
            for place in walk(roots):
                pair = _name_in_pair(place.node)
                changes = {
                    item.slot: new
                    for item in items_of(place)
                    if (new := self._adjusted(pair if item.slot == 1 else item.label, item.child)) is not None
                }
                if changes:
                    put(place, changes, replaced)
            substitute(roots, replaced)

    def _adjusted(self, label: object, value: Any) -> Any:
        name = label.decode("latin-1") if isinstance(label, bytes) else label
        if type(value) not in (str, bytes, int) or not isinstance(name, str) or header_name(name) not in _NAMES:
            return None
        if type(value) is not int and not value.isdigit():
            return None
        new = self._lengths.get(int(value))
        if new is None:
            return None
        return new if type(value) is int else str(new) if type(value) is str else str(new).encode()


def _bytes_of(node: Inert) -> bytes | None:
    state = node.state
    return state[0] if type(state) is tuple and len(state) == 3 and type(state[0]) is bytes else None


def _moved(position: Any, old: bytes, new: bytes) -> Any:
    """The position in the new bytes of what came next in the old ones: the text between pseudonyms is in both."""
    if type(position) is not int or position <= 0:
        return position
    if position >= len(old):
        return position - len(old) + len(new)
    at = begin = end = 0
    for match in (*_PSEUDONYM.finditer(new), None):
        kept = new[end : match.start() if match is not None else len(new)]
        found = old.find(kept, at)
        if found < 0 or position < found:  # inside of a secret: the next read begins after it
            return end
        begin, at = found, found + len(kept)
        if position <= at:
            return end + position - begin
        end = match.end() if match is not None else len(new)
    return len(new)


def _name_in_pair(node: Any) -> object:
    return node[0] if type(node) in (list, tuple) and len(node) == 2 else None
