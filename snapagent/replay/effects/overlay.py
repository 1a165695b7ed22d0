"""What answers a call that the tape does not: recordings of the test, made and kept while side effects are recorded.

The pytest plugin says what they are; outside of it there is no overlay.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

Answer = Callable[..., Any]  # called as the dependency is, the instance first
overlay: ContextVar[Callable[[str], Answer | None] | None] = ContextVar("snapagent_overlay", default=None)


class Overlaid(BaseException):
    """Inside the server only: `answer` is called in place of the tape."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def overlay_for(dependency: str) -> Answer | None:
    """What answers the calls of `module:qualname` beyond the tape; None where they are misses."""
    find = overlay.get()
    return find(dependency) if find is not None else None
