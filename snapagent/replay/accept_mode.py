"""Whether the checks of this process accept changes, as with `pytest --captures-accept`, and what they accepted."""

from __future__ import annotations

from collections.abc import Callable

from ..compare.outcomes import UNDECIDED, Verdict
from ..errors import SnapagentError

BY = "pytest --captures-accept"

_accepted: list[str] | None = None


def accept_changes() -> Callable[[], None]:
    """Accept changes from now on. Calling the result ends it."""
    global _accepted
    before, _accepted = _accepted, []

    def restore() -> None:
        global _accepted
        _accepted = before

    return restore


def accepts(verdict: Verdict, miss: SnapagentError | None) -> bool:
    """Whether a check with this verdict is to accept today's outcome. `miss` is a call without a recorded answer."""
    return _accepted is not None and miss is None and verdict.kind not in UNDECIDED


def record(text: str) -> None:
    """Keep the description of a change that was accepted, with its differences."""
    if _accepted is not None:
        _accepted.append(text)


def take_accepted() -> list[str]:
    """The descriptions since the last time."""
    found = list(_accepted or ())
    if _accepted is not None:
        _accepted.clear()
    return found
