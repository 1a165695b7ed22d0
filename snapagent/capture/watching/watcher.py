"""Counts the calls of a program's own functions, samples the first ones, and notes which libraries they reach.

How events come in (`monitoring`, `profiling`) is not decided here. A function is known by its code object.
"""

from __future__ import annotations

import os
from itertools import count

from ...core.functions import flavor_of_code
from ...core.type_facts import instance_dict
from ..writing import process_life
from .samples import arguments_lacking, kind_of_result, result_lacking, why_untried

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any

    from ...dependencies.call_points import CallPoints
    from .journal import Journal

SAMPLES = 3  # calls of a function that are looked at closely; afterwards its count is noted at each power of two
_OPTIMIZED = 0x1  # inspect.CO_OPTIMIZED: a function's code, and not that of a class or module
_DEEPEST = 300  # frames in search of the functions that reach a library


class WatchedFunction:
    """One function of the program while it is watched."""

    __slots__ = ("calls", "code", "entry", "gives_items", "noted", "reached", "samples_left", "target")

    def __init__(self, target: str, code: CodeType, flavor: str) -> None:
        self.target = target
        self.code = code
        self.calls = count(1)  # its next number is one step of the interpreter, in threads too
        self.noted = 0
        self.samples_left = SAMPLES
        self.reached: set[str] = set()
        self.gives_items = flavor.endswith("generator")
        self.entry: dict[str, Any] = {"target": target, "line": code.co_firstlineno, "file": code.co_filename}
        if flavor != "plain":
            self.entry["flavor"] = flavor

    def restart(self) -> None:
        self.calls = count(1)
        self.noted = 0


class Watcher:
    """The functions that were called so far, by the identity of their code."""

    def __init__(self, packages: tuple[str, ...], call_points: CallPoints, journal: Journal) -> None:
        self.functions: dict[int, WatchedFunction] = {}
        self.points: dict[int, str] = {}  # code of libraries -> preset
        self.own: set[int] = set()  # code of the program, also what counts as no function: its calls are looked at
        self.call_points = call_points
        self._journal = journal
        self._packages = packages
        self._prefixes = tuple(f"{name}." for name in packages)
        self._kept: list[object] = []  # code that must outlive its identity
        self._failed: set[int] = set()
        process_life.register(self)

    def meet(self, code: CodeType, frame: FrameType) -> WatchedFunction | None:
        """Called for code that is seen for the first time: the program's own function, or None for other code."""
        module = frame.f_globals.get("__name__")
        if not isinstance(module, str):
            return None
        if not self._is_own(module):
            word = self.call_points.of_function(module, code.co_qualname)
            if word is not None:
                self._kept.append(code)
                self.points[id(code)] = word
            return None
        if module == "__main__" and not os.path.exists(code.co_filename):
            return None
        self._kept.append(code)
        self.own.add(id(code))
        if not _is_function(code):
            return None
        function = WatchedFunction(f"{module}:{code.co_qualname}", code, flavor_of_code(code))
        return self.functions.setdefault(id(code), function)

    def _is_own(self, module: object) -> bool:
        if not isinstance(module, str):
            return False
        return module in self._packages or module.startswith(self._prefixes) or module == "__main__"

    def entered(self, function: WatchedFunction, frame: FrameType) -> None:
        """A call of one of the program's functions has begun."""
        number = next(function.calls)
        if number > SAMPLES and number & (number - 1):
            return
        entry: dict[str, Any] = {}
        if number <= SAMPLES:
            try:
                entry["lacking"] = arguments_lacking(function.code, frame.f_locals)
            except Exception as error:
                entry["problem"] = why_untried(error)
        entry["importing"] = _is_being_imported(frame)
        self._note(function, number, entry)

    def returned(self, function: WatchedFunction, value: object) -> bool:
        """A call has returned. False when no more results of this function are wanted."""
        if function.gives_items:
            return False
        function.samples_left -= 1
        entry: dict[str, Any] = {"result": kind_of_result(value)}
        try:
            entry["result_lacking"] = result_lacking(value)
        except Exception as error:
            entry["result_lacking"] = [["result", entry["result"], f"could not be tried: {why_untried(error)}"]]
        self._note(function, function.noted, entry)
        return function.samples_left > 0

    def reach(self, word: str, frame: FrameType | None) -> None:
        """A library was reached below `frame`: by all functions of the program that are running there."""
        left = _DEEPEST
        while frame is not None and left:
            function = self.functions.get(id(frame.f_code))
            if function is not None and word not in function.reached:
                function.reached.add(word)
                self._note(function, function.noted, {"reaches": word})
            frame, left = frame.f_back, left - 1

    def failed(self, code: CodeType, frame: FrameType, error: Exception) -> bool:
        """Looking at this code raised: report it once, if it is a function of the program. Raises nothing.

        False where the program itself was at the end of its stack or memory, so that its next calls can be looked at.
        """
        if isinstance(error, (RecursionError, MemoryError)):
            return False
        try:
            module = frame.f_globals.get("__name__")
            if id(code) in self._failed or not _is_function(code) or not self._is_own(module):
                return True
            self._failed.add(id(code))
            self._kept.append(code)
            function = self.functions.get(id(code)) or WatchedFunction(f"{module}:{code.co_qualname}", code, "plain")
            self._note(function, function.noted, {"failed": why_untried(error)})
        except Exception:
            return True  # the module's namespace, or the interpreter, is broken
        return True

    def _note(self, function: WatchedFunction, number: int, entry: dict[str, Any]) -> None:
        function.noted = max(function.noted, number)
        self._journal.write({**function.entry, "calls": function.noted, **entry})

    # -- as `process_life` calls them ------------------------------------------------------------------------------

    def restart(self) -> None:
        """This is a forked child: its counts begin anew."""
        self._journal.restart()
        for function in list(self.functions.values()):
            function.restart()

    def end(self) -> None:
        """The process ends: note the exact counts."""
        for function in list(self.functions.values()):
            called = next(function.calls) - 1
            function.calls = count(called + 1)
            if called > function.noted:
                self._note(function, called, {})


def _is_function(code: CodeType) -> bool:
    """Whether a target could name this code: neither a class nor a module, a lambda or a function inside another."""
    return bool(code.co_flags & _OPTIMIZED) and "<" not in code.co_qualname


def _is_being_imported(frame: FrameType) -> bool:
    """Whether the function's module is not imported to its end yet: capture wraps it only then."""
    state = instance_dict(frame.f_globals.get("__spec__"))  # not by getattr: a loader may set an object of its own
    return state is not None and state.get("_initializing") is True
