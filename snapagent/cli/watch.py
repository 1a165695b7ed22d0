"""Runs a command for `init --watch`, with the counting of calls in it and in its children."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from ..config.environment import ENABLED, ENABLED_ALIAS, WATCH
from ..core.records import Record
from .launch import bootstrap_folder, environment_for
from .source.watched import Watched, read_reports

_PACKAGES = "packages"  # as capture/watching/start.py reads it


class WatchedRun(Record):
    """How the command ended, as a shell gives it, and the functions that it called."""

    code: int
    functions: list[Watched]


def watch(command: Sequence[str], packages: Sequence[str]) -> WatchedRun:
    """Run a command to its end. `packages` are the import names whose functions count. Raises OSError.

    Ctrl-C and SIGTERM are the command's own affair: this process goes on when it has ended.
    """
    with tempfile.TemporaryDirectory(prefix="snapagent-watch-") as folder:
        with open(os.path.join(folder, _PACKAGES), "w", encoding="utf-8") as file:
            file.write("\n".join(packages))
        process = subprocess.Popen(list(command), env=_environment(os.environ, folder))
        with _signals_for(process):
            code = process.wait()
        return WatchedRun(code if code >= 0 else 128 - code, read_reports(folder))


def _environment(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """The command's environment: capture is off, and the counting stands first on PYTHONPATH."""
    changed = environment_for({name: text for name, text in environ.items() if name not in (ENABLED, ENABLED_ALIAS)})
    counting = os.path.join(os.path.dirname(bootstrap_folder()), "watching", "bootstrap")
    return {**changed, "PYTHONPATH": os.pathsep.join([counting, changed["PYTHONPATH"]]), WATCH: folder}


@contextmanager
def _signals_for(process: subprocess.Popen[bytes]) -> Iterator[None]:
    def stay(number: int, frame: FrameType | None) -> None:
        """Ctrl-C reaches the whole group of processes, so the command has it too."""

    def hand_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {signal.SIGINT: signal.signal(signal.SIGINT, stay), signal.SIGTERM: signal.signal(signal.SIGTERM, hand_on)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
