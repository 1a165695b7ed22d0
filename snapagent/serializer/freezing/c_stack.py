"""The C stack size of the running thread: a pickler that recurses deep on a small stack crashes the process.

`threading.stack_size()` does not give it: it is the size for new threads, and calling it resets that. So the thread
itself is measured, once.
"""

from __future__ import annotations

import _thread
import sys
import threading
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENOUGH = 4 * 1024 * 1024  # bytes: with this much, the interpreter's recursion limit is reached first
# With the usual stack of 8 MiB. Later versions count the levels in C on their own.
_SAFE_RECURSION_LIMIT = 4000 if sys.version_info < (3, 12) else sys.maxsize
recursion_limit = sys.getrecursionlimit
# Of this thread, once measured: `small` is the bytes of its stack when they are less than enough, otherwise 0, and
# `safe_recursion_limit` the limit up to which the interpreter stops the pickler in time.
this_thread = _thread._local()


def may_overflow() -> bool:
    """Whether the C stack may end before the interpreter stops the pickler."""
    small_stack()
    safe: int = this_thread.safe_recursion_limit
    return recursion_limit() > safe


def small_stack() -> int:
    """The bytes of this thread's stack when they are less than enough, otherwise 0."""
    try:
        known: int = this_thread.small
    except AttributeError:
        size = _stack_bytes()
        known = size if 0 < size < ENOUGH else 0
        this_thread.safe_recursion_limit = 0 if known else _SAFE_RECURSION_LIMIT
        this_thread.small = known
    return known


def _stack_bytes() -> int:
    """0 where it cannot be found out."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        if _thread.get_ident() == threading.main_thread().ident:
            return _main_stack_bytes()
        return _thread_stack_bytes()
    except Exception:  # no ctypes, no such function: sandboxes and odd C libraries
        return 0


def _main_stack_bytes() -> int:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return max(soft, 0)  # -1 is unlimited


@cache
def _c_library() -> Any:
    import ctypes

    library = ctypes.CDLL(None)
    library.pthread_self.restype = ctypes.c_void_p
    return library


def _thread_stack_bytes() -> int:
    import ctypes

    library = _c_library()
    attributes = ctypes.create_string_buffer(256)  # a pthread_attr_t has 56 bytes on 64-bit systems
    if library.pthread_getattr_np(ctypes.c_void_p(library.pthread_self()), attributes):
        return 0
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    failed = library.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    library.pthread_attr_destroy(attributes)
    return 0 if failed else size.value
