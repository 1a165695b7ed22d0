"""What child processes of the tests run; importable, so that `spawn` finds it."""

from __future__ import annotations

from capturing import Program

from snapagent.config.settings import Settings

_programs: dict[str, Program] = {}


def run(base: str, settings: Settings, sync: bool, calls: int) -> None:
    program = Program(base, settings, sync=sync)
    for number in range(calls):
        program.call(number)
    if settings.keep == float("inf"):
        program.writer.flush(60)  # on a busy machine the exit alone may not have the time for all


def work(base: str, number: int) -> None:
    """One job of a pool; the program lives as long as its worker."""
    if base not in _programs:
        _programs[base] = Program(base, Settings(keep=float("inf")))
    _programs[base].call(number)
