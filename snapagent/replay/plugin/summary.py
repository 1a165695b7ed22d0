"""The last words of a run: how many side effects were recorded, and which recordings of its tests nothing used."""

from __future__ import annotations

import os
from typing import Any

UNUSED = "snapagent_unused"  # on the report of a test's end: paths of recordings that nothing asked for
WRITTEN = "snapagent_written"  # how many it recorded

SHOWN = 20


def summarize(terminal: Any) -> None:
    """Print it, when there is something to say."""
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
