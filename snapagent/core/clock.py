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

_WAS_SET = 0.005  # seconds by which the two clocks move apart only where the system's clock was set
_AT_ONCE = 0.0005  # seconds within which both are read, unless the thread had to wait in between
_offset = time() - perf_counter()


def since_epoch(moment: float) -> float:
    """Seconds since 1970 at a moment of `perf_counter`. Moments keep their order, unless the clock is set meanwhile."""
    global _offset
    began, offset = perf_counter(), time() - perf_counter()
    if abs(offset - _offset) > _WAS_SET and perf_counter() - began < _AT_ONCE:
        _offset = offset
    return moment + _offset
