"""Lets awaited effects complete in their recorded order, so that `as_completed` and queues see what staging saw.

Threads are not held back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ...dependencies.tape import StoredEffect

_ROUNDS = 20  # of the event loop that an effect waits for others to begin which ended before it


class CompletionGate:
    """Holds an effect back until every effect that has begun, and ended earlier in staging, has ended here too."""

    def __init__(self, effects: Mapping[int, StoredEffect]) -> None:
        self._ends = {index: effect.end for index, effect in effects.items() if effect.end is not None}
        self._running: set[int] = set()
        self._ended: set[int] = set()

    def begin(self, index: int) -> None:
        self._running.add(index)

    def end(self, index: int) -> None:
        self._running.discard(index)
        self._ended.add(index)

    async def wait(self, index: int) -> None:
        """Return when the effect may complete; at once where no asyncio loop runs."""
        own = self._ends.get(index)
        if own is None or asyncio._get_running_loop() is None:
            return
        earlier = {other for other, end in self._ends.items() if end < own and other != index}
        for _ in range(_ROUNDS):
            if not earlier - self._ended:
                break
            await asyncio.sleep(0)
        while earlier & self._running:
            await asyncio.sleep(0)
