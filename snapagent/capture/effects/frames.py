"""Which tapes record now: an immutable frame in one context variable, behind a list that says whether any is open.

`open_` is checked first, because reading a list is four times as fast as reading the variable. A frame is replaced by
value, never by token: an async generator may be closed in another context than the one it ran in.
"""

from __future__ import annotations

import os
from _contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .tape import Tape

open_: list[None] = []  # one item for each tape that exists
current: ContextVar[tuple[Tape, ...]] = ContextVar("snapagent_tapes", default=())
generation = [0]  # counts forks: a tape of another generation belongs to the parent process


def _after_fork() -> None:
    generation[0] += 1
    open_.clear()
    current.set(())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
