"""Logs internal errors once, so that they never reach the program that is being captured.

Errors of snapagent, and of hooks of the program's objects, are counted and logged once per cause. Exceptions that a
signal handler of the program raises during a capture (a time limit, Ctrl-C, a server's stop) belong to the program and
are raised: see `core.signals.belongs_to_program`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_logged: set[tuple[str, str]] = set()
_MOST_LOGGED = 1000


def log_once(where: str, cause: str, advice: str = "") -> None:
    """One warning per place and cause in this process; never raises, whatever state logging is in."""
    key = (where, cause)
    if key in _logged or len(_logged) >= _MOST_LOGGED or sys.is_finalizing():
        return
    _logged.add(key)
    try:
        import logging

        text = f"{where}: {cause}; the program is not affected" + (f"; {advice}" if advice else "")
        logging.getLogger("snapagent").warning(text)
    except Exception:  # the program's logging may be closed, broken or raising
        return


def log_unreachable(target: object, reason: str) -> None:
    """Log why a function that the configuration names cannot be captured, or not by every reference."""
    log_once(f"target {target}", reason, "run 'snapagent check' for details")


def describe(error: BaseException) -> str:
    """Type and place of an internal error, without its text, which may hold the program's values."""
    last: TracebackType | None = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = ""
    if last is not None:
        code = last.tb_frame.f_code
        place = f" at {code.co_filename.rpartition('/')[2]}:{last.tb_lineno}"
    missing = f" (no module {error.name!r})" if isinstance(error, ModuleNotFoundError) and error.name else ""
    return type(error).__name__ + missing + place
