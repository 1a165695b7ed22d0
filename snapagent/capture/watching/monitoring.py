"""Watches with `sys.monitoring` (Python 3.12): code of others costs one event at each place, and nothing afterwards."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from .watcher import Watcher

_TOOLS = (4, 3, 0, 2)  # free numbers first, then those that are for debuggers and profilers
_NAME = "snapagent init --watch"
_FEW = 200  # events of a place that reaches a library: later callers are found by then


def attach(watcher: Watcher) -> None:
    """Count from now on, in all threads. Raises RuntimeError when other tools have taken all numbers."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined]  # mypy is run for Python 3.11
    tool = next((number for number in _TOOLS if monitoring.get_tool(number) is None), None)
    if tool is None:
        raise RuntimeError("all tools of sys.monitoring are in use")
    monitoring.use_tool_id(tool, _NAME)
    events, disable = monitoring.events, monitoring.DISABLE
    functions, points, builtin_of = watcher.functions, watcher.points, watcher.call_points.of_builtin
    seen: dict[object, int] = {}

    def few(place: object) -> Any:
        seen[place] = seen.get(place, 0) + 1
        return None if seen[place] < _FEW else disable

    def started(code: CodeType, offset: int) -> Any:
        try:
            function = functions.get(id(code))
            if function is None:
                word = points.get(id(code))
                if word is None:
                    function = watcher.meet(code, sys._getframe(1))
                    word = points.get(id(code))
                if word is not None:
                    watcher.reach(word, sys._getframe(1).f_back)
                    return few(id(code))
                if id(code) in watcher.own:
                    monitoring.set_local_events(tool, code, events.CALL)
                if function is None:
                    return disable
            watcher.entered(function, sys._getframe(1))
        except Exception as error:
            return disable if watcher.failed(code, sys._getframe(1), error) else None

    def returned(code: CodeType, offset: int, value: object) -> Any:
        try:
            function = functions.get(id(code))
            if function is None or not watcher.returned(function, value):
                return disable
        except Exception as error:
            return disable if watcher.failed(code, sys._getframe(1), error) else None

    def called(code: CodeType, offset: int, function: object, first: object) -> Any:
        try:
            word = builtin_of(function)
            if word is None:
                return disable
            watcher.reach(word, sys._getframe(1))
            return few((id(code), offset))
        except Exception as error:
            return disable if watcher.failed(code, sys._getframe(1), error) else None

    for event, callback in ((events.PY_START, started), (events.PY_RETURN, returned), (events.CALL, called)):
        monitoring.register_callback(tool, event, callback)
    monitoring.set_events(tool, events.PY_START | events.PY_RETURN)
