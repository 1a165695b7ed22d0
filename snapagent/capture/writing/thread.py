"""A thread of the operating system that no bookkeeping of Python knows of.

`threading.Thread.start` takes locks that a signal handler, a finaliser or a fork may find taken, and waits until the
thread runs. What is started here takes none, is a daemon, and stays a real thread where gevent or eventlet have
replaced `_thread`.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable

_STACK = 16 * 1024 * 1024  # bytes of address space: what the program chose for its threads may be too small


def start(function: Callable[[], None]) -> bool:
    """Run `function` in a thread of its own. False when this process cannot have threads, now or at all."""
    if sys.is_finalizing() or _is_without_threads():
        return False
    import threading  # noqa: F401 - imported by the new thread first, it would take that one for the main thread

    try:
        before = _thread.stack_size(_STACK)
    except (ValueError, RuntimeError):  # a system that does not let us choose
        before = None
    try:
        _starter()(function, ())
    except RuntimeError:  # the system has no more threads, or the interpreter is shutting down
        return False
    finally:
        if before is not None:
            _thread.stack_size(before)
    return True


def _starter() -> Callable[..., int]:
    if "gevent.monkey" in sys.modules:
        original: Callable[..., int] = sys.modules["gevent.monkey"].get_original("_thread", "start_new_thread")
        return original
    if "eventlet.patcher" in sys.modules:
        original = sys.modules["eventlet.patcher"].original("_thread").start_new_thread
        return original
    return _thread.start_new_thread


def _is_without_threads() -> bool:
    """Whether this is uWSGI without `enable-threads`: a thread would start there and never run."""
    options = getattr(sys.modules.get("uwsgi"), "opt", None)
    if not isinstance(options, dict):
        return False
    return not any(options.get(name) or options.get(name.encode()) for name in ("enable-threads", "threads"))
