"""Which recorded handle a stand-in is. It stays open as long as the calls on it do not tell the candidates apart.

Numbering handles by the order in which they are made would fail as soon as one query moves. So a new stand-in may be
any recorded handle that the same call on the same object returned; the first call that was recorded on one of them
only decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dependencies.tape import StoredEffect
from .progress import Progress


class Handle:
    """The identity of one stand-in: a path of the target's arguments, or one of the effects that returned a handle."""

    def __init__(self, value: Any, path: str | None, candidates: set[int], taken: int | None, parent: Handle | None):
        self.value = value  # the stand-in, held so that its id stays its own
        self.path = path
        self.candidates = candidates
        self.taken = taken  # the effect that its making used up
        self.parent = parent

    @property
    def receivers(self) -> frozenset[str]:
        """What a recorded call on this object may have as its receiver."""
        return frozenset([self.path] if self.path is not None else [receiver_of(index) for index in self.candidates])


def receiver_of(index: int) -> str:
    """The receiver of calls on the handle that an effect returned."""
    return f"effect {index}"


class Handles:
    """All stand-ins of one replay."""

    def __init__(self, effects: Mapping[int, StoredEffect], progress: Progress) -> None:
        self._effects = effects
        self._progress = progress
        self._by_id: dict[int, Handle] = {}

    def find(self, value: object) -> Handle | None:
        """The identity of a stand-in; None for any other object."""
        return self._by_id.get(id(value))

    def add(
        self,
        value: Any,
        path: str | None = None,
        candidates: set[int] | None = None,
        taken: int | None = None,
        parent: Handle | None = None,
    ) -> None:
        settled = {handle.taken for handle in self._by_id.values() if len(handle.candidates) == 1}
        free = (candidates or set()) - settled | ({taken} if taken is not None else set())
        self._by_id[id(value)] = Handle(value, path, free, taken, parent)

    def settle(self, handle: Handle | None, receiver: str | None) -> None:
        """A call was answered by an effect with this receiver: the stand-in is that handle and no other one."""
        if handle is None or handle.path is not None or receiver is None:
            return
        meant = next((index for index in handle.candidates if receiver_of(index) == receiver), None)
        if meant is None:
            return
        if handle.taken is not None and handle.taken != meant:
            self._exchange(handle, meant)
        handle.candidates = {meant}
        for other in self._by_id.values():
            if other is not handle and other.taken != meant:
                other.candidates.discard(meant)
        self.settle(handle.parent, self._effects[meant].receiver)

    def _exchange(self, handle: Handle, meant: int) -> None:
        taken = handle.taken
        assert taken is not None
        self._progress.exchange(taken, meant)
        for other in self._by_id.values():
            if other is not handle and other.taken == meant:
                other.taken = taken
                other.candidates = (other.candidates | {taken}) - {meant}
        handle.taken = meant
