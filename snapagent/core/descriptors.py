"""Opens files under descriptor numbers that a program does not expect to get.

The system gives each file that is opened the lowest free number, and programs rely on it: after `os.close(0)` a daemon
opens `/dev/null` and has number 0. A file of the writer's thread must not take that number from it, nor may the program
write into a bundle by writing to a standard stream that it has closed. So each descriptor moves to a high number at
once. For the moment until then it has the lowest one: while a number below 3 is free, nothing is opened for a while,
and after that the free ones are filled first.
"""

from __future__ import annotations

from .clock import monotonic, sleep
from .system import fcntl, os

# A program that closes all numbers must not get one back that is in use here: few programs open as many files at once.
_LOWEST = 200
_STREAMS = 3  # numbers of the standard streams are below
_PATIENCE = 0.05  # seconds that a program may take to open a standard stream again; daemons do so at once
_POLL = 0.001
_FILLER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC  # reading and writing fail as if it were closed

_closed_for_good = False  # a standard stream stayed closed for longer than that


def open_high(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """The same as `os.open`, under a high number; closed in programs that this process executes.

    Usable as `opener` of `open`. Raises OSError.
    """
    flags |= os.O_CLOEXEC
    if wait_for_streams():
        return _moved(os.open(path, flags, mode, dir_fd=dir_fd))
    fillers: list[int] = []
    try:
        while (filler := os.open("/", _FILLER)) < _STREAMS:
            fillers.append(filler)
        os.close(filler)
        return _moved(os.open(path, flags, mode, dir_fd=dir_fd))
    finally:
        for filler in fillers:
            os.close(filler)


def read_all(path: str) -> bytes:
    """The bytes of a file whose size is not known, as of those in `/proc`. Raises OSError."""
    descriptor = open_high(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(descriptor, 65536), b""))
    finally:
        os.close(descriptor)


def _moved(descriptor: int) -> int:
    if descriptor >= _LOWEST:
        return descriptor
    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _LOWEST)
    except OSError:  # this process may open few files
        return descriptor
    os.close(descriptor)
    return moved


def wait_for_streams() -> bool:
    """Wait until no number of a standard stream is free, but only once where the program leaves one closed.

    False when one is free.
    """
    global _closed_for_good
    if _streams_are_open():
        _closed_for_good = False
        return True
    if not _closed_for_good:
        until = monotonic() + _PATIENCE
        while monotonic() < until:
            sleep(_POLL)
            if _streams_are_open():
                return True
        _closed_for_good = True
    return False


def _streams_are_open() -> bool:
    try:
        # It keeps the GIL, so no thread of Python can close a stream between this look and the call that opens.
        os.get_inheritable(0)
        os.get_inheritable(1)
        os.get_inheritable(2)
    except OSError:
        return False
    return True
