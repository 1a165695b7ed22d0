"""Starts to watch this process. Nothing of it raises into the program."""

from __future__ import annotations

import os
import sys

from ...dependencies.call_points import CallPoints
from .journal import Journal
from .watcher import Watcher

PACKAGES = "packages"  # a file in the folder: the import names of the program's own packages and modules, a line each


def start(folder: str) -> None:
    """Count the calls of the packages that the folder names, and write reports into it."""
    try:
        with open(os.path.join(folder, PACKAGES), encoding="utf-8") as file:
            packages = tuple(file.read().split())
        watcher = Watcher(packages, CallPoints(), Journal(folder))
        if sys.version_info >= (3, 12):
            from .monitoring import attach
        else:
            from .profiling import attach
        attach(watcher)
    except Exception as error:
        sys.stderr.write(f"snapagent: the program runs unwatched: {error!r}\n")
