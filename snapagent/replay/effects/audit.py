"""Watches what a replayed call does to the outside world, through Python's audit events.

An audit hook cannot be removed, so one hook is added when it is first needed. It asks the watcher of the current
context, and does nothing where there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SERVED_EVENTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "sqlite3.connect"})
Watcher = Callable[[str, tuple[object, ...]], None]  # audit event and its arguments; may raise to refuse

watcher: ContextVar[Watcher | None] = ContextVar("snapagent_io_watcher", default=None)
_is_hooked = False


@contextmanager
def watched(by: Watcher | None) -> Iterator[None]:
    """Show `by` each audit event of this context; None for no watcher, also inside a watched one."""
    global _is_hooked
    if by is not None and not _is_hooked:
        _is_hooked = True
        sys.addaudithook(_hook)
    token = watcher.set(by)
    try:
        yield
    finally:
        watcher.reset(token)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    present = watcher.get()
    if present is not None:
        present(event, arguments)
