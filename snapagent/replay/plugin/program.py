"""Finds the captured program for a test run, and reports in one line when it cannot be replayed here.

Imported in every pytest run that has captures, so it imports nothing else of the plugin.
"""

from __future__ import annotations

import os
from typing import Any


def find_packages() -> None:
    """Make captured packages importable for test files. Does nothing in projects without captures."""
    from ..captures_dir import base_folder, may_have_captures

    if not may_have_captures():
        return
    from ...errors import ConfigError

    try:
        if not os.path.isdir(base_folder()):
            return
        from ..application import add_captured_packages

        add_captured_packages()
    except ConfigError:
        return  # the tests that read bundles report it


def shorten(report: Any, error: BaseException) -> None:
    """Replace the traceback of a failing test by its reason, when a bundle cannot be replayed here.

    The frames would be those of the import system and of snapagent.
    """
    from ...errors import NotReplayableError

    if isinstance(error, NotReplayableError) and report.failed:
        file, line, _ = report.location
        report.longrepr = f"{type(error).__name__}: {error}\n{file}:{(line or 0) + 1}"
