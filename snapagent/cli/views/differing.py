"""What `diff` finds between two bundles of one function: by path, from the preview trees of their headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...bundle import Header
from ...core.records import Record
from .tree import Branch, arguments, outcome

MISSING = "(not there)"
_TRACEBACK = ".__traceback_text__"  # where an exception came from is no difference of what it is


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
        yield from _compare(outcome(before), outcome(after))
        return
    for header, position in ((before, 0), (after, 1)):
        for branch in outcome(header):
            values = [MISSING, MISSING]
            values[position] = branch.words
            yield Change(branch.path, "removed" if position == 0 else "added", *values)


def _compare(before: Sequence[Branch], after: Sequence[Branch]) -> Iterator[Change]:
    others = {branch.path: branch for branch in after}
    for branch in before:
        other = others.pop(branch.path, None)
        if other is None:
            yield Change(branch.path, "removed", branch.words, MISSING)
        else:
            yield from _compare_values(branch, other)
    for branch in others.values():
        yield Change(branch.path, "added", MISSING, branch.words)


def _compare_values(before: Branch, after: Branch) -> Iterator[Change]:
    if before.path.endswith(_TRACEBACK) or (before.digest and before.digest == after.digest):
        return
    if before.type != after.type or not (before.children and after.children):
        if before.words != after.words:
            yield Change(before.path, "changed", before.words, after.words)
        elif before.digest != after.digest:
            yield Change(before.path, "hidden", before.words, after.words)
        return
    found = list(_compare(before.children, after.children))
    yield from found
    if before.text != after.text:
        yield Change(before.path, "changed", before.words, after.words)
    elif not found and before.digest != after.digest:
        left_out = [f"{branch.words}, {branch.more} of them not in the preview" for branch in (before, after)]
        yield Change(before.path, "hidden", *left_out)
