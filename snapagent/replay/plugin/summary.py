"""The summary at the end of a run: accepted changes, recorded side effects, and recordings that were not used.

A file of its own, since every pytest run prints summaries: it imports nothing else of the plugin.
"""

from __future__ import annotations

import os
import sys
from typing import Any

UNUSED = "snapagent_unused"  # attribute of a teardown report: paths of unused recordings
ACCEPTED = "snapagent_accepted"  # attribute of a report: descriptions of the changes that its test accepted
PATHS = "snapagent_paths"  # attribute of a report: (path of `ignore` or `unordered`, whether it fitted) for each check
WRITTEN = "snapagent_written"  # the number of recordings that the test wrote

SHOWN = 20


def print_summary(terminal: Any) -> None:
    """Print the section `side effects`, unless it would be empty."""
    clock = sys.modules.get("snapagent.replay.clock")
    if clock is not None and clock.was_missing():
        terminal.section("snapagent")
        terminal.line(clock.MISSING)
    reports = [report for reports in terminal.stats.values() for report in reports]
    _print_accepted(terminal, [text for report in reports for text in getattr(report, ACCEPTED, ())])
    _print_unused(terminal, reports)
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


def _print_accepted(terminal: Any, changes: list[str]) -> None:
    """Each change with its differences: what a person has to look at before it is committed."""
    if not changes:
        return
    terminal.section("accepted")
    for text in changes:
        for line in text.splitlines():
            terminal.line(line)
    many = "1 bundle has" if len(changes) == 1 else f"{len(changes)} bundles have"
    terminal.line(f"{many} today's outcome now: review them with git diff")


def _print_unused(terminal: Any, reports: list[Any]) -> None:
    """Paths of `ignore` and `unordered` that fitted nothing in any bundle of their test: misspelled, most likely."""
    fits: dict[tuple[str, str], bool] = {}
    for report in reports:
        for path, fitted in getattr(report, PATHS, ()):
            key = (report.nodeid.partition("[")[0], path)
            fits[key] = fits.get(key, False) or fitted
    unused = [key for key, fitted in fits.items() if not fitted]
    if unused:
        terminal.section("paths that fit nothing")
        for test, path in unused[:SHOWN]:
            terminal.line(f"{test}: {path}")
