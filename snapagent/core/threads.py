"""The threads of this process that run Python."""

from __future__ import annotations

import _thread
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set

_INTERPRETERS = ("_interpreters", "_xxsubinterpreters")  # from Python 3.13 on, and before


def idents() -> Set[int] | None:
    """Of each thread its number; None where they cannot be asked for.

    Python answers with the frames of the threads of all interpreters. Where another interpreter has a lock of its own,
    as those of `concurrent.interpreters` have, that would make objects in its memory while it runs, and crash.

    A frame keeps its function's values alive, and this function's own frame would be in a cycle with what holds it. So
    C drops the frames before any other thread can run: no bytecode stands between the question and the answer.
    """
    return None if _has_other_interpreters() else next(map(frozenset, iter(sys._current_frames, None)))


def _has_other_interpreters() -> bool:
    is_main = getattr(_thread, "_is_main_interpreter", None)
    if is_main is None:  # before Python 3.12: all interpreters have one lock
        return False
    if not is_main():
        return True
    made_by = [sys.modules[name] for name in _INTERPRETERS if name in sys.modules]
    return any(len(module.list_all()) > 1 for module in made_by)
