"""What `diff` finds between two bundles of one function: by path, from the preview trees of their headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..bundle import Header
from ..records import Record
from .describing import Branch, arguments, outcome

MISSING = "(not there)"


class Change(Record):
    """One difference. `kind` is changed, added, removed or hidden (beyond what the previews hold)."""

    path: str
    kind: str
    before: str
    after: str


def changes(before: Header, after: Header) -> tuple[Change, ...]:
    """The differences of the arguments, then of the outcomes. Times and durations are no differences."""
    found = list(_compare(arguments(before), arguments(after)))
    if not found and before.hash != after.hash:
        found.append(Change("arguments", "hidden", f"hash {before.hash}", f"hash {after.hash}"))
    ended = list(_compare_outcomes(before, after))
    return (*found, *ended)


def _compare_outcomes(before: Header, after: Header) -> Iterator[Change]:
    if before.outcome_kind != after.outcome_kind:
        yield Change("outcome", "changed", before.outcome_kind, after.outcome_kind)
    if before.ended != after.ended:
        yield Change("ended", "changed", before.ended, after.ended)
    if before.outcome == after.outcome:
        found = list(_compare(outcome(before), outcome(after)))
        yield from found
        if not found and _outcome_size(before) != _outcome_size(after):
            sizes = [f"{_outcome_size(header)} bytes" for header in (before, after)]
            yield Change("result" if before.outcome == "returned" else "exception", "hidden", *sizes)
        return
    for header, position in ((before, 0), (after, 1)):
        for branch in outcome(header):
            values = [MISSING, MISSING]
            values[position] = _shown(branch)
            yield Change(branch.path, "removed" if position == 0 else "added", *values)


def _outcome_size(header: Header) -> int:
    return sum(part.raw_size for part in header.parts if part.name == "outcome")


def _compare(before: Sequence[Branch], after: Sequence[Branch]) -> Iterator[Change]:
    others = {branch.path: branch for branch in after}
    for branch in before:
        other = others.pop(branch.path, None)
        if other is None:
            yield Change(branch.path, "removed", _shown(branch), MISSING)
        else:
            yield from _compare_values(branch, other)
    for branch in others.values():
        yield Change(branch.path, "added", MISSING, _shown(branch))


def _compare_values(before: Branch, after: Branch) -> Iterator[Change]:
    if before.type != after.type or not (before.children and after.children):
        if (before.type, before.text) != (after.type, after.text):
            yield Change(before.path, "changed", _shown(before), _shown(after))
        return
    found = list(_compare(before.children, after.children))
    yield from found
    if before.more != after.more:
        left_out = [f"{branch.more} more not in the preview" for branch in (before, after)]
        yield Change(before.path, "hidden", *left_out)
    elif not found and before.text != after.text:
        yield Change(before.path, "changed", _shown(before), _shown(after))


def _shown(branch: Branch) -> str:
    return branch.text or branch.type
