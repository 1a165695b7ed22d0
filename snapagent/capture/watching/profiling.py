"""Watches with `sys.setprofile`, where there is no `sys.monitoring` (Python 3.11): each call of the program costs.

A program that sets a profile function of its own is counted up to then.
"""

from __future__ import annotations

import sys
import threading
from opcode import opmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from .watcher import Watcher

_RETURN = opmap["RETURN_VALUE"]  # other "return" events are exceptions, and generators that pause


def attach(watcher: Watcher) -> None:
    """Count from now on, in this thread and in those that start later."""
    own = watcher.own
    functions, points, builtin_of = watcher.functions, watcher.points, watcher.call_points.of_builtin
    others: dict[int, object] = {}  # code that is of no interest, kept so that its identity stays its own

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        try:
            if event == "c_call":
                word = builtin_of(arg) if id(frame.f_code) in own else None
                if word is not None:
                    watcher.reach(word, frame)
                return
            if event not in ("call", "return") or id(frame.f_code) in others:
                return
            code = frame.f_code
            function = functions.get(id(code))
            if event == "return":
                if function is not None and function.samples_left > 0 and _has_returned(frame):
                    watcher.returned(function, arg)
                return
            if function is None:
                if id(code) not in points:
                    function = watcher.meet(code, frame)
                if id(code) in points:
                    watcher.reach(points[id(code)], frame.f_back)
                    return
                if function is None:
                    others[id(code)] = code
                    return
            if _has_just_begun(frame):
                watcher.entered(function, frame)
        except Exception as error:
            watcher.failed(frame.f_code, frame, error)

    threading.setprofile(profile)
    sys.setprofile(profile)


def _has_just_begun(frame: FrameType) -> bool:
    """Whether this is the start of a call. A generator or coroutine that goes on has another argument of RESUME."""
    return frame.f_code.co_code[frame.f_lasti + 1] == 0


def _has_returned(frame: FrameType) -> bool:
    return frame.f_code.co_code[frame.f_lasti] == _RETURN
