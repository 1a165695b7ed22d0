"""Inert graphs written as pickle streams, which build what the streams they were decoded from would have built."""

from __future__ import annotations

import io
import pickle
from itertools import chain, islice

from ...placeholder import BY_VALUE
from .stand_ins import Inert, StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_BATCH = 1000  # the number of the standard library's pickler


def encode(graph: object) -> bytes:
    """The stream of an inert graph, protocol 5. Recursive: the caller bounds the depth."""
    try:
        buffer = io.BytesIO()
        _PlainEncoder(buffer, 5).dump(graph)
        return buffer.getvalue()
    except _NotPlain:
        buffer = io.BytesIO()
        _Encoder(buffer, 5).dump(graph)
        return buffer.getvalue()


class _NotPlain(Exception):
    """The graph holds stand-ins, which the C pickler cannot write."""


class _PlainEncoder(pickle.Pickler):
    def reducer_override(self, _: object) -> Any:
        raise _NotPlain  # asked for everything but built-in atoms and containers


class _Encoder(pickle._Pickler):
    write: Any  # members that typeshed does not declare
    memo: Any
    framer: Any
    memoize: Any
    get: Any

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Inert):
            self._save_once(obj, obj)
        elif isinstance(obj, StandIn):
            if obj.origin is not None:
                self._save_once(obj, obj.origin)
            else:
                self._save_name(obj)
        else:
            pickle._Pickler.save(self, obj, save_persistent_id)  # type: ignore[attr-defined]

    def _save_once(self, identity: object, node: Inert) -> None:
        known = self.memo.get(id(identity))
        if known is not None:
            self.write(self.get(known[0]))
        else:
            self.framer.commit_frame()
            self._save_node(identity, node)

    def _save_name(self, cls: StandIn) -> None:
        known = self.memo.get(id(cls))
        if known is not None:
            self.write(self.get(known[0]))
            return
        self.save(cls.module)
        self.save(cls.qualname)
        self.write(pickle.STACK_GLOBAL)
        self.memoize(cls)

    def _save_node(self, identity: object, node: Inert) -> None:
        self._save_making(node)
        known = self.memo.get(id(identity))
        if known is not None:  # its own arguments lead back to it: it is there already
            self.write(pickle.POP + self.get(known[0]))
            return
        self.memoize(identity)
        for items in _batches(node.listed or ()):
            self._save_all(items, pickle.APPENDS)
        for pairs in _batches((node.pairs or {}).items()):
            self._save_all(chain.from_iterable(pairs), pickle.SETITEMS)
        if node.state is not None:
            self.save(node.state)
            self.write(pickle.BUILD)
        for effect in node.effects or ():
            self._save_making(effect)
            self.write(pickle.POP)

    def _save_all(self, members: Iterable[object], opcode: bytes) -> None:
        self.write(pickle.MARK)
        for member in members:
            self.save(member)
        self.write(opcode)

    def _save_making(self, node: Inert) -> None:
        args = node.args
        if node.raw is None and type(node).name == BY_VALUE:
            args = (encode(args[0]),)
        elif node.raw is not None:
            args = (node.raw,)
        self.save(node.callee if node.callee is not None else type(node))
        self.save(args)
        if node.called:
            self.write(pickle.REDUCE)
        elif node.kwargs:
            self.save(node.kwargs)
            self.write(pickle.NEWOBJ_EX)
        else:
            self.write(pickle.NEWOBJ)


def _batches(members: Iterable[object]) -> Iterator[list[Any]]:
    """Lists of at most as many members as the unpickler should hold on its stack at once."""
    rest = iter(members)
    while batch := list(islice(rest, _BATCH)):
        yield batch
