"""Says that this process replays a bundle at the moment. What a replay calls is not captured.

The test half enters `REPLAYING`, the runtime half listens: neither imports the other.
"""

from __future__ import annotations

import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Replaying:
    """A context that may be entered several times, also by several threads.

    Each of `listeners` is called with True when the first replay begins, and with False when the last one has ended.
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[bool], None]] = []
        self._depth = 0
        self._lock = _thread.allocate_lock()

    @property
    def active(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._tell(True)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._tell(False)

    def _tell(self, active: bool) -> None:
        for listener in self.listeners:
            listener(active)


REPLAYING = Replaying()
