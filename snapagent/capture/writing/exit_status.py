"""Keeps the exit status of a program that an uncaught KeyboardInterrupt ends.

The interpreter notes such an end in a flag, and then ends as if by SIGINT (a shell shows status 130). Any source text
that is evaluated afterwards resets the flag, and the status becomes 1 (`run_eval_code_obj` in CPython's
Python/pythonrun.c). Libraries that the writer loads late evaluate text: named tuples and dataclasses are made so.
"""

from __future__ import annotations

import sys


def is_interrupted() -> bool:
    """True when an uncaught KeyboardInterrupt has ended the main module."""
    traceback = getattr(sys, "last_traceback", None)
    if getattr(sys, "last_type", None) is not KeyboardInterrupt or traceback is None:
        return False
    return traceback.tb_frame.f_back is None and not hasattr(sys, "ps1")


def set_interrupted() -> None:
    """Set the flag again, in the only way that Python code has: evaluate a text that raises the exception."""
    try:
        exec("raise KeyboardInterrupt", {})
    except KeyboardInterrupt:
        return
