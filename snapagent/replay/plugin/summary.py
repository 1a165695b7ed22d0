"""The summary at the end of a run: the number of recorded side effects, and the unused recordings of its tests.

A file of its own, since every pytest run prints summaries: it imports nothing else of the plugin.
"""

from __future__ import annotations

import os
import sys
from typing import Any

UNUSED = "snapagent_unused"  # attribute of a teardown report: paths of unused recordings
WRITTEN = "snapagent_written"  # the number of recordings that the test wrote

SHOWN = 20


def print_summary(terminal: Any) -> None:
    """Print the section `side effects`, unless it would be empty."""
    clock = sys.modules.get("snapagent.replay.clock")
    if clock is not None and clock.was_missing():
        terminal.section("snapagent")
        terminal.line(clock.MISSING)
    reports = [report for reports in terminal.stats.values() for report in reports]
    written = sum(getattr(report, WRITTEN, 0) for report in reports)
    unused = sorted({path for report in reports for path in getattr(report, UNUSED, ())})
    if not written and not unused:
        return
    terminal.section("side effects")
    if written:
        terminal.line(f"{written} recorded")
    if unused:
        many = f"{len(unused)} recordings were not used by their tests"
        terminal.line(f"{'1 recording was not used by its test' if len(unused) == 1 else many}, which passed:")
        for path in unused[:SHOWN]:
            terminal.line(f"  {os.path.relpath(path)}")
        if len(unused) > SHOWN:
            terminal.line(f"  ... and {len(unused) - SHOWN} more")
