"""The report of one watched process: a file with a line of JSON for each look at a function, appended at once.

A process that is killed leaves what it has written so far. The file is opened for each line, because a program may
close or reuse the numbers of files that it does not know.
"""

from __future__ import annotations

import sys
from json import dumps

from ...core.descriptors import open_high
from ...core.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUFFIX = ".jsonl"


class Journal:
    """Appends lines to the file of this process; a forked child gets a file of its own."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.abspath(folder)
        self._has_lost = False
        self.restart()

    def restart(self) -> None:
        """From now on write to another file: this is another process."""
        self._path = os.path.join(self._folder, f"{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}")

    def write(self, entry: dict[str, Any]) -> None:
        """Append one line. A folder that is gone or full loses it, which is said once."""
        try:
            descriptor = open_high(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, dumps(entry).encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            if not self._has_lost:
                self._has_lost = True
                sys.stderr.write(f"snapagent: calls of this program are missed: {error}\n")
