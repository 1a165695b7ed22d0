"""Watches what a replayed call does to the outside world, through Python's audit events.

An audit hook cannot be removed, so one hook is added when it is first needed. It asks the watcher of the current
context, and does nothing where there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[str, tuple[object, ...]], None]  # audit event and its arguments; may raise to refuse

_watcher: ContextVar[Watcher | None] = ContextVar("snapagent_io_watcher", default=None)
_is_hooked = False


@contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Show `watcher` each audit event of this context; None for no watcher, also inside a watched one."""
    global _is_hooked
    if watcher is not None and not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_hook)
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    watcher = _watcher.get()
    if watcher is not None:
        watcher(event, arguments)
