"""The check of a bundle: one replay, its outcome and effects compared with the stored ones, and the verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..bundle import CALL, CANCELLED, OUTCOME, Header
from ..compare.comparing import make_options
from ..compare.fitting import unused_paths
from ..compare.outcomes import CHANGED, NOT_COMPARABLE, Outcome, Raised, Verdict
from ..compare.report import Difference
from ..compare.walking import Comparator, Options
from ..core.paths import PathPattern, parse_path
from ..core.records import Record
from ..errors import NotComparableError, NotReplayableError, PlaceholderError, SnapagentError
from ..placeholder import REDACTED, PlaceholderUses
from .attempt import Attempt, Steps
from .path_use import note_use
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
    verdict = _if_rebuilt(values, values.missing.explain(verdict, got, used))
    verdict = verdict.with_differences(_not_ignored(effects.differences, options))
    notes = effects.notes if verdict else (*effects.notes, *effects.if_changed)
    patterns = [each for each in (*options.ignore, *options.unordered) if not (effects.notes and _is_of_effects(each))]
    verdict = verdict.replace(notes=notes, unused=unused_paths(patterns, expected, got))
    note_use(options, verdict)
    return Judged(verdict, got, around)


def _not_ignored(differences: Iterable[Difference], options: Options) -> tuple[Difference, ...]:
    """The differences of effects, without those at paths of `ignore` that begin with `effects`."""
    patterns = [each for each in options.ignore if _is_of_effects(each)]
    if not patterns:
        return tuple(differences)
    places = [(one, parse_path(one.path.partition(" of ")[0]).tokens) for one in differences]
    return tuple(one for one, keys in places if not any(pattern.matches_keys(keys) for pattern in patterns))


def _is_of_effects(pattern: PathPattern) -> bool:
    return pattern.tokens[0] == "effects"


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


def asserted(values: StoredValues, judged: Judged) -> Verdict:
    """The verdict when it is equal. Raises an AssertionError for any other one."""
    __tracebackhide__ = True
    if judged.miss is not None:
        raise judged.miss
    verdict, got = judged.verdict, judged.got
    if verdict:
        return verdict
    cause = got.exception if isinstance(got, Raised) else None
    text = f"{verdict}{_unused_paths(verdict)}"
    if verdict.kind == NOT_COMPARABLE:
        raise NotComparableError(repr(values), text, verdict.paths) from cause
    raise AssertionError(f"{values!r} {text}") from cause


def _unused_paths(verdict: Verdict) -> str:
    """A remark about paths of `ignore` and `unordered` that name no place in the outcome."""
    if not verdict.unused:
        return ""
    outcome = all(parse_path(path).concerns_outcome for path in verdict.unused)
    advice = "" if outcome else "; write result... or exception..."
    return f"\n(not a place in an outcome: {', '.join(verdict.unused)}{advice})"
