"""The effects of a bundle in words, from its header alone: what the call asked of its dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from ...bundle import Header
from ...dependencies.tape import Summary
from ..terminal.wording import counted
from .tree import MISSING, Change

EFFECTS = "effects["  # how the paths of notes on effects begin


def summary_of(header: Header) -> Summary | None:
    """None for a bundle without effects, and for one whose summary cannot be read."""
    try:
        return Summary.of_header(header.effects)
    except (TypeError, ValueError):
        return None


def in_short(summary: Summary) -> str:
    """`7 calls of 3 dependencies, 2 writes`, and what is missing."""
    writes = sum(writes for _, writes in summary.dependencies.values())
    dependencies = counted(len(summary.dependencies), "dependency", "dependencies")
    text = f"{counted(summary.count, 'call')} of {dependencies}, {counted(writes, 'write')}"
    if summary.late:
        text += f", {summary.late:,} late"
    return text if summary.complete else f"{text}; incomplete: {summary.reason}"


def effect_lines(summary: Summary) -> Iterator[tuple[str, str, str, str]]:
    """For each effect that the header describes: number, role, the call, and how it ended."""
    for index, preview in enumerate(summary.previews):
        yield str(index), preview.get("role", ""), call_text(preview), _ended(preview)


def call_text(preview: Mapping[str, str]) -> str:
    """`shop.repo:find(status='open')`, or the shape where it says more than the name: `requests: GET https://...`."""
    name, shape = preview.get("dependency", ""), preview.get("shape", "")
    shown = f"{name}: {shape}" if shape and shape != name and ":" not in name else name
    return f"{shown}({preview.get('arguments', '')})" if ":" in name else shown


def _ended(preview: Mapping[str, str]) -> str:
    raised = preview.get("exception")
    return f"raised {raised}" if raised is not None else preview.get("result", "")


def effect_changes(before: Header, after: Header) -> tuple[Change, ...]:
    """The differences of two tapes. Their effects are aligned by dependency and shape; only previews are compared."""
    one, other = summary_of(before) or Summary(), summary_of(after) or Summary()
    found: list[Change] = []
    matcher = SequenceMatcher(None, _keys(one), _keys(other), autojunk=False)
    for _, low, high, first, last in matcher.get_opcodes():
        pairs = min(high - low, last - first)
        same = _keys(one)[low:high] == _keys(other)[first:last]
        for step in range(pairs) if same else ():
            found += _changes_of(first + step, one.previews[low + step], other.previews[first + step])
        if same:
            continue
        for index in range(low, high):
            found.append(Change(f"effects[{index}]", "removed", call_text(one.previews[index]), MISSING))
        for index in range(first, last):
            found.append(Change(f"effects[{index}]", "added", MISSING, call_text(other.previews[index])))
    if one.count != other.count and not found:
        found.append(Change("effects", "changed", counted(one.count, "call"), counted(other.count, "call")))
    return tuple(found)


def _keys(summary: Summary) -> Sequence[tuple[str, str]]:
    return [(preview.get("dependency", ""), preview.get("shape", "")) for preview in summary.previews]


def _changes_of(index: int, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in ("arguments", "result", "exception"):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        kind = "added" if one is None else "removed" if other is None else "changed"
        path = f"effects[{index}].{name}"
        yield Change(path, kind, MISSING if one is None else one, MISSING if other is None else other)
