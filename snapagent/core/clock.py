"""The clocks of the system, whatever the program does to the module `time`.

A test library that freezes the time (freezegun) replaces the functions of `time` in every module that holds them.
Bundles would then be dated to the frozen moment, and the writer would wait for a clock that stands still. So these
functions come from a copy of the module that only this module has. Libraries that change the C functions themselves
(time-machine) reach them all the same.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def _own_copy() -> ModuleType:
    bootstrap = sys.modules["_frozen_importlib"]
    spec = bootstrap.BuiltinImporter.find_spec("time")
    module: ModuleType = bootstrap.module_from_spec(spec)
    bootstrap.BuiltinImporter.exec_module(module)
    return module


_time = _own_copy()
monotonic: Callable[[], float] = _time.monotonic
perf_counter: Callable[[], float] = _time.perf_counter
process_time: Callable[[], float] = _time.process_time
thread_time: Callable[[], float] = _time.thread_time
time: Callable[[], float] = _time.time
sleep: Callable[[float], None] = _time.sleep
