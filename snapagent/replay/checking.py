"""The check of a bundle: one replay, its outcome and effects compared with the stored ones, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..bundle import CALL, CANCELLED, OUTCOME, Header
from ..compare.comparing import make_options
from ..compare.outcomes import CHANGED, NOT_COMPARABLE, Outcome, Raised, Verdict
from ..compare.walking import Comparator, Options
from ..core.records import Record
from ..errors import NotComparableError, NotReplayableError, PlaceholderError, SnapagentError
from ..placeholder import REDACTED, PlaceholderUses
from .attempt import Attempt, Steps
from .stored_form import judge_as_stored
from .surroundings import ReplayRules, Surroundings
from .values import StoredValues


class Judged(Record):
    """The verdict over a replay, how the call ended, what surrounded it, and the first effect that was missed."""

    verdict: Verdict
    got: Outcome
    around: Surroundings
    miss: SnapagentError | None = None


def options_for(
    header: Header,
    rtol: float = 0.0,
    atol: float = 0.0,
    ignore: Iterable[str] = (),
    unordered: Iterable[str] = (),
    comparators: Mapping[type, Comparator] | None = None,
) -> Options:
    """How to compare with the outcome of this bundle: redacted places that differ are not compared.

    Raises ValueError for a path that cannot be read or a negative tolerance.
    """
    options = make_options(rtol=rtol, atol=atol, ignore=ignore, unordered=unordered, comparators=comparators)
    return excusing(header, options)


def excusing(header: Header, options: Options) -> Options:
    """The options for a bundle with this header: where its outcome is redacted, another value is not compared."""
    redacted = {note.path: f"redacted ({note.reason})" for note in header.notes if note.kind == REDACTED}
    return options.replace(excused=redacted)


def judging(values: StoredValues, fn: Callable[..., Any] | None, options: Options, rules: ReplayRules) -> Steps[Judged]:
    """The steps of a replay and of the comparison after it. Raises NotReplayableError, BundleLoadError."""
    __tracebackhide__ = True
    expected = _expected_to_compare(values)
    attempt = Attempt(values, fn, rules)
    try:
        with PlaceholderUses() as uses:
            got = yield attempt
    except PlaceholderError as error:
        verdict = _if_rebuilt(values, values.missing.not_in_the_bundle(error))
        return Judged(verdict, Raised(error), attempt.around, attempt.around.effects.miss)
    return _judged(values, expected, got, options, attempt.around, uses.paths)


def _judged(
    values: StoredValues, expected: Outcome, got: Outcome, options: Options, around: Surroundings, used: Iterable[str]
) -> Judged:
    """The verdict over a replay that has ended. An effect that was missed is the only thing it tells."""
    effects = around.effects
    if effects.miss is not None:
        verdict = Verdict(CHANGED, reason=str(effects.miss), notes=effects.notes)
        return Judged(verdict, got, around, effects.miss)
    verdict = judge_as_stored(expected, got, around.measured(options))
    verdict = _if_rebuilt(values, values.missing.explain(verdict, got, used)).with_differences(effects.differences)
    notes = effects.notes if verdict else (*effects.notes, *effects.if_changed)
    return Judged(verdict.replace(notes=notes), got, around)


def _expected_to_compare(values: StoredValues) -> Outcome:
    if values.header.ended == CANCELLED:
        reason = "the task was cancelled from outside while it ran"
        raise NotReplayableError(values.target, reason, "there is no outcome to compare; use call()")
    expected = values.expected
    lost = values.stored.lost(OUTCOME)
    if lost:
        raise values.stored.not_rebuilt(lost)
    return expected


def _if_rebuilt(values: StoredValues, verdict: Verdict) -> Verdict:
    """The verdict. A difference says nothing when an argument could not be rebuilt that may have caused it.

    Raises:
        NotReplayableError: it names that argument.
    """
    lost = [note for note in values.stored.lost(CALL) if re.split(r"[.\[]", note.path)[0] not in values.given]
    if verdict.kind == NOT_COMPARABLE:
        lost = [note for note in lost if note.path in verdict.paths]
    if lost and not verdict:
        raise values.stored.not_rebuilt(lost)
    return verdict


def asserted(values: StoredValues, judged: Judged, options: Options) -> Verdict:
    """The verdict when it is equal. Raises an AssertionError for any other one."""
    __tracebackhide__ = True
    if judged.miss is not None:
        raise judged.miss
    verdict, got = judged.verdict, judged.got
    if verdict:
        return verdict
    cause = got.exception if isinstance(got, Raised) else None
    text = f"{verdict}{_unused_paths(options)}"
    if verdict.kind == NOT_COMPARABLE:
        raise NotComparableError(repr(values), text, verdict.paths) from cause
    raise AssertionError(f"{values!r} {text}") from cause


def _unused_paths(options: Options) -> str:
    """A remark about paths of `ignore` and `unordered` that name no place in an outcome."""
    paths = [str(path) for path in (*options.ignore, *options.unordered) if not path.concerns_outcome]
    return f"\n(not a place in an outcome: {', '.join(paths)}; write result... or exception...)" if paths else ""
