"""What a writer calls besides its store: the type of its periodic task, and what it does where nothing is given."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .backlog import CapturedCall

    class PeriodicTask(Protocol):
        """Work to be done now and then in the writer's thread, and at the end."""

        def run_if_due(self) -> None: ...
        def restart(self) -> None: ...
        def end(self) -> None: ...


def spend_nothing(seconds: float) -> None:
    """Default of `spent`."""


def settle_nothing(call: CapturedCall) -> float:
    """Default of `settle`."""
    return 0.0


def no_shape(call: CapturedCall) -> str:
    """Default of `shape_of`."""
    return ""
