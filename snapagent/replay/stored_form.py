"""Today's outcome as a bundle would hold it: some values come out of a bundle as values of another type.

The pickle form of an iterator over a dict is one over a list, and a `__setstate__` may drop what an object holds. So an
outcome that differs from the stored one is compared again after it was stored and loaded in the same way.
"""

from __future__ import annotations

from ..compare.outcomes import CHANGED, Outcome, Raised, Returned, Verdict, judge
from ..compare.walking import Options
from ..serializer.freezing.freeze import FreezeRules, freeze_outcome
from ..serializer.thawing.load import thaw

_MOST_BYTES = 1 << 30  # an outcome of today is never cut


def judge_as_stored(expected: Outcome, got: Outcome, options: Options) -> Verdict:
    """The verdict over two outcomes; `equal` also when they are equal after the second was stored and loaded.

    Differences that come from storing alone are not told.
    """
    verdict = judge(expected, got, options)
    if verdict.kind != CHANGED:
        return verdict
    stored = as_stored(got)
    again = judge(expected, stored, options) if stored is not None else verdict
    if again or (again.kind == CHANGED and _count(again) < _count(verdict)):
        return again
    return verdict


def _count(verdict: Verdict) -> int:
    return len(verdict.comparison.differences)


def as_stored(outcome: Outcome) -> Outcome | None:
    """A copy of an outcome, as a bundle would hold it; None when it cannot be stored."""
    raised = isinstance(outcome, Raised)
    try:
        value = thaw(freeze_outcome(outcome.value, raised, FreezeRules(max_bytes=_MOST_BYTES)).data)
    except Exception:  # what cannot be stored is compared as it is
        return None
    return Raised(value) if isinstance(value, BaseException) and raised else Returned(value)
