"""Which interpreters capture runs on."""

from __future__ import annotations

import sys

FREE_THREADED = "t"  # among `sys.abiflags`: PEP 703's build, whether or not its lock is switched on

_PROBLEM = (
    "capture needs the interpreter lock, and this is a free-threaded build of Python; "
    "run the program on the ordinary build of the same version"
)


def problem_with(abi_flags: str) -> str | None:
    """Why capture cannot run on an interpreter with these flags; None when it can.

    The queue, the quotas and the counts rely on steps that the interpreter lock makes atomic.
    """
    return _PROBLEM if FREE_THREADED in abi_flags else None


def problem_here() -> str | None:
    """Why capture cannot run in this process; None when it can."""
    return problem_with(getattr(sys, "abiflags", ""))  # not on Windows
