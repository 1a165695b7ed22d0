"""Starts a thread of the operating system without the `threading` module.

`threading.Thread.start` takes locks that a signal handler, a finaliser or a fork may find taken, and waits until the
thread runs. `start` takes none. Its thread is a daemon, and a real thread where gevent or eventlet have replaced
`_thread`.
"""

from __future__ import annotations

import _thread
import sys
from _queue import Empty, SimpleQueue
from collections.abc import Callable
from contextlib import suppress

from ...core.system import os
from ...core.threads import idents

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal  # inside the interpreter: `signal` is a file, and makes enums

running: set[int] = set()  # the threads of all writers in this process
_FAULTS = {_signal.SIGSEGV, _signal.SIGBUS, _signal.SIGFPE, _signal.SIGILL, _signal.SIGABRT}
_STACK = 16 * 1024 * 1024  # bytes of address space: the size that the program chose for its threads may be too small


def start(function: Callable[[], None]) -> bool:
    """Run `function` in a new thread. False when this process cannot have threads, now or at all."""
    if sys.is_finalizing() or _is_without_threads():
        return False
    # `threading` takes the thread that imports it for the main thread: the new thread must not be the first to do so.
    import threading  # noqa: F401

    # The thread inherits what is blocked here. A signal that all threads of the program block, to wait for it, would be
    # handled in one that does not; and a write beyond RLIMIT_FSIZE fails, where SIGXFSZ would end the process.
    blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())  # what blocks may raise: signal handlers run at its end
    try:
        _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals() - _FAULTS)
        return _start_with_large_stack(function)
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, blocked)


def _start_with_large_stack(function: Callable[[], None]) -> bool:
    try:
        before = _thread.stack_size(_STACK)
    except (ValueError, RuntimeError):  # this system does not let a program choose
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


def are_all() -> bool:
    """Whether no thread of the program is left, so that those of writers keep the process alive.

    A child that is forked in another thread than the main one, and an embedded interpreter, end when their last
    thread ends; no exit function runs then.
    """
    found = idents()
    return found is not None and running.issuperset(found)


def are_all_others() -> bool:
    """Whether the running thread is the only one of the program."""
    found = idents()
    return found is not None and len(found) == 1 + len(running)


def wait_until_gone(native: int) -> None:
    """Wait until the system has ended a thread that returns, a few milliseconds at most."""
    for _ in range(20):
        if not os.path.exists(f"/proc/self/task/{native}"):
            return
        with suppress(Empty):
            SimpleQueue[None]().get(True, 2e-4)  # in place of `time.sleep`, which gevent replaces
