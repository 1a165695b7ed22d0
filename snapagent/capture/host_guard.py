"""The one place that says: a fault of ours is never a fault of the program that we watch.

What our own code or a hook of the program's objects raises while a call is captured is counted and logged once per
cause. What a signal handler of the program raised meanwhile (its time limit, Ctrl-C, a server's stop) is the program's
own and passes through.
"""

from __future__ import annotations

import sys

from ..core.signals import raised_by_signal_handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_logged: set[tuple[str, str]] = set()
_MOST_LOGGED = 1000


def belongs_to_host(error: BaseException) -> bool:
    """Whether `error`, met while capturing, is the program's own and must reach it."""
    return isinstance(error, (KeyboardInterrupt, SystemExit)) or raised_by_signal_handler(error)


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
    except Exception:  # the program's logging may be closed, broken or raising: there is nobody left to tell
        return


def describe(error: BaseException) -> str:
    """Type and place of a fault of ours, without its text: that may hold the program's values."""
    last: TracebackType | None = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = ""
    if last is not None:
        code = last.tb_frame.f_code
        place = f" at {code.co_filename.rpartition('/')[2]}:{last.tb_lineno}"
    missing = f" (no module {error.name!r})" if isinstance(error, ModuleNotFoundError) and error.name else ""
    return type(error).__name__ + missing + place
