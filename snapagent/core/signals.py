"""Tells exceptions raised by a signal handler of the program from those raised by the hooks of an object.

A time limit (`signal.setitimer`, a server's worker timeout, a task queue's soft limit) may fire while a call is being
captured. It is often a plain `Exception`, so only its traceback tells: a frame in it runs the code of a Python signal
handler that is installed now. What `PyThreadState_SetAsyncExc` raises has no such frame and cannot be told apart.
"""

from __future__ import annotations

from .functions import own_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterator
    from types import CodeType
else:
    import _signal  # inside the interpreter: `signal` is a file, which cannot be opened without a descriptor


def belongs_to_program(error: BaseException) -> bool:
    """Whether `error`, raised during a capture, belongs to the program: Ctrl-C, exit, or from a signal handler."""
    return isinstance(error, (KeyboardInterrupt, SystemExit)) or raised_by_signal_handler(error)


def raised_by_signal_handler(error: BaseException) -> bool:
    """Whether the traceback of `error` goes through a Python signal handler that is installed now."""
    codes = set(_handler_codes())
    frame = error.__traceback__
    while frame is not None and codes:
        if frame.tb_frame.f_code in codes:
            return True
        frame = frame.tb_next
    return False


def _handler_codes() -> Iterator[CodeType]:
    for number in _signal.valid_signals():
        handler = _signal.getsignal(number)
        if handler is None or isinstance(handler, int):
            continue
        while type(handler).__name__ == "partial" and hasattr(handler, "func"):
            handler = handler.func
        if not hasattr(handler, "__code__"):
            handler = getattr(type(handler), "__call__", None) if not hasattr(handler, "__func__") else handler  # noqa: B004 - its code is wanted
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        if code is not None:
            yield own_code(code)
