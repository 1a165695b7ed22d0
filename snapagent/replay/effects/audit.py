"""Watches what a replayed call does to the outside world, through Python's audit events.

An audit hook cannot be removed, so one hook is added when it is first needed. It asks the watcher of the current
context, and does nothing where there is none.
"""

from __future__ import annotations

import os
import socket
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


def is_address(host: object) -> bool:
    """Whether a host needs no look-up, because it is an address or missing; the connection is an event of its own."""
    text = os.fsdecode(host) if isinstance(host, str | bytes) else ""
    if not text:
        return True
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text.partition("%")[0])
            return True
        except (OSError, ValueError):
            continue
    return False


def database_file(path: str) -> str | None:
    """The file that `sqlite3.connect` opens for this path or URI; None for a database in memory, or a temporary one."""
    if path.startswith("file:"):
        path, _, options = path.removeprefix("file:").partition("?")
        if "mode=memory" in options:
            return None
    return None if path in ("", ":memory:") else path


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    present = watcher.get()
    if present is not None:
        present(event, arguments)
