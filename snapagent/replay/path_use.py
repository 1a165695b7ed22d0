"""Which paths of `ignore` and `unordered` fitted something in the latest checks, for the summary of a test run."""

from __future__ import annotations

from collections import deque

from ..compare.outcomes import Verdict
from ..compare.walking import Options

_used: deque[tuple[str, bool]] = deque(maxlen=1000)  # a script that nobody asks must not fill the memory


def note_use(options: Options, verdict: Verdict) -> None:
    """Record for each path of a check whether it fitted a place in one of the two outcomes."""
    for path in map(str, (*options.ignore, *options.unordered)):
        _used.append((path, path not in verdict.unused))


def take_use() -> list[tuple[str, bool]]:
    """(path, whether it fitted) of each check since the last time."""
    found = list(_used)
    _used.clear()
    return found
