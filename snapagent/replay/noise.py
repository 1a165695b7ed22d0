"""Two replays in the same code: what differs between them is noise, and tells nothing about a change of the code."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..compare.outcomes import NOISE, UNDECIDED, Verdict
from ..compare.report import Difference
from ..compare.walking import Options
from ..core.paths import EXCEPTION, RESULT
from .attempt import Steps
from .checking import Judged, judging
from .stored_form import as_stored, judge_as_stored
from .surroundings import ReplayRules
from .values import StoredValues


def judging_twice(
    values: StoredValues, fn: Callable[..., object] | None, options: Options, rules: ReplayRules
) -> Steps[Verdict]:
    """The steps of two replays. The verdict is over the first, without the differences that are noise.

    Its kind is `noise` when nothing else differs. Raises like `judging`.
    """
    first = yield from judging(values, fn, options, rules)
    kept = as_stored(first.got) or first.got  # the second call may change what the first returned
    second = yield from judging(values, fn, options, rules)
    if UNDECIDED[0] in (first.verdict.kind, second.verdict.kind) or first.miss is not None:
        return first.verdict
    between = judge_as_stored(kept, second.got, second.around.measured(options))
    return _without_noise(first.verdict, _noise(between, first, second))


def _noise(between: Verdict, first: Judged, second: Judged) -> tuple[str, ...]:
    """The places where two replays differ. `between` is the verdict over their outcomes."""
    found = [one.path for one in between.comparison.differences]
    if not between and not found:  # one returned, and the other raised
        found = [RESULT, EXCEPTION]
    writes = [_of_effects(judged.verdict.comparison.differences) for judged in (first, second)]
    found += [one.path for one in writes[0] ^ writes[1]]
    return tuple(dict.fromkeys(found))


def _of_effects(differences: Iterable[Difference]) -> set[Difference]:
    return {one for one in differences if one.path.startswith("effects[")}


def _without_noise(verdict: Verdict, noise: tuple[str, ...]) -> Verdict:
    if not noise:
        return verdict
    differences = verdict.comparison.differences
    left = tuple(one for one in differences if not any(_is_at(one.path, place) for place in noise))
    if left:
        return verdict.replace(comparison=verdict.comparison.replace(differences=left), noise=noise)
    reason = f"two replays of the same code differ at {', '.join(noise)}"
    return verdict.replace(kind=NOISE, reason=reason, noise=noise)


def _is_at(path: str, place: str) -> bool:
    """Whether one path is the other, or leads to or from it."""
    shorter, longer = sorted((path, place), key=len)
    return longer.startswith(shorter) and longer[len(shorter) : len(shorter) + 1] in ("", ".", "[", " ")
