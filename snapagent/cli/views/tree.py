"""Preview trees from headers, with notes on missing values in place, and the differences of two trees.

Nothing is unpickled. `snapagent.sealing.preview` documents the nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...bundle import BOUND_KINDS, Header, Note
from ...core.records import Record
from ...store.bundle_files import HeaderSummary

OUTCOME_PATHS = ("result", "exception")
MISSING = "(not there)"
SIGNS = {"changed": "~", "added": "+", "removed": "-", "hidden": "?"}  # by the kind of a change
_TRACEBACK = ".__traceback_text__"  # the origin of an exception is not part of its value
_NOTE_STYLES = {"excluded": "yellow", "redacted": "magenta", "fresh": "dim", "may_be_torn": "yellow"}  # the others: red
_EVIDENT_TYPES = ("int", "float", "complex", "bool", "NoneType", "str", "bytes")


class Branch(Record):
    """One value of a tree. `more` is the number of children that the preview omits.

    `digest` is that of the whole value if text and children do not show all of it, else empty.
    """

    path: str
    label: str
    type: str
    text: str
    children: tuple[Branch, ...] = ()
    more: int = 0
    note: Note | None = None
    digest: str = ""

    @property
    def words(self) -> str:
        """The value on one line, with its type unless the text shows it."""
        if self.type in _EVIDENT_TYPES or not self.type or not self.text or self.text.startswith("<"):
            return self.text or self.type
        return f"{self.type}, {self.text}" if self.text[:1].isdigit() else f"{self.type} {self.text}"


class Line(Record):
    """One printed line of a tree: its lead (`├──` and the like) and branch, or `more` omitted children."""

    lead: str
    branch: Branch | None
    more: int = 0


def arguments(header: Header) -> tuple[Branch, ...]:
    """The trees of the arguments, in the order of the parameters."""
    order = {name: position for position, (name, _) in enumerate(header.parameters)}
    found = [branch for branch in _branches(header) if branch.path not in OUTCOME_PATHS]
    return tuple(sorted(found, key=lambda branch: order.get(branch.path.removeprefix("arguments."), len(order))))


def outcome(header: Header) -> tuple[Branch, ...]:
    """The tree of the result or of the exception."""
    return tuple(branch for branch in _branches(header) if branch.path in OUTCOME_PATHS)


def unplaced_notes(header: Header, branches: Iterable[Branch]) -> tuple[Note, ...]:
    """Notes about paths that the trees do not contain."""
    placed = {branch.path for branch in _flattened(branches) if branch.note is not None}
    return tuple(note for note in header.notes if note.path not in placed)


def lines(branches: Sequence[Branch], depth: int, lead: str = "", more: int = 0) -> Iterator[Line]:
    """The branches with `├──` before them, `depth` levels deep; `more` counts branches that the preview omits."""
    if depth <= 0:
        return
    for position, branch in enumerate(branches):
        last = position == len(branches) - 1 and not more
        yield Line(lead + ("└── " if last else "├── "), branch)
        yield from lines(branch.children, depth - 1, lead + ("    " if last else "│   "), branch.more)
    if more:
        yield Line(f"{lead}└── ", None, more)


def value_pieces(branch: Branch) -> list[tuple[str, str]]:
    """The value of a branch and the note on it, as (text, style)."""
    if branch.note is None:
        return [(branch.words, "")]
    stands_in = branch.text.startswith("<")  # the note has the same information
    text, style = note_piece(branch.note)
    return [(branch.type if stands_in else branch.words, ""), (f"  {text}", style)]


def note_piece(note: Note) -> tuple[str, str]:
    """A note in brackets, and its style."""
    detail = f", {note.detail}" if note.detail else ""
    text = f"[{note.kind}: {note.reason}{detail}]" if note.reason else f"[{note.kind}{detail}]"
    return text, _NOTE_STYLES.get(note.kind, "red")


def short_call(header: Header | HeaderSummary) -> tuple[str, str]:
    """The arguments and the outcome, each on one line: `rows=[1, 2], currency='EUR'` and `3.2`.

    The bound instance comes last: it is much the same in each call, and would fill a narrow column.
    """
    passed = {
        path.removeprefix("arguments."): text for path, text in header.previews.items() if path not in OUTCOME_PATHS
    }
    ended = next((header.previews[path] for path in OUTCOME_PATHS if path in header.previews), "")
    names = [name for name, _ in header.parameters if name in passed]
    if len(names) < len(passed):
        names += [name for name in passed if name not in names]
    if header.kind in BOUND_KINDS:
        names = names[1:] + names[:1]
    return ", ".join([f"{name}={passed[name]}" for name in names]), ended


def _branches(header: Header) -> Iterator[Branch]:
    notes = {note.path: note for note in header.notes}
    for path, node in header.tree.items():
        yield _branch(path, path.removeprefix("arguments."), node, notes)


def _branch(path: str, label: str, node: object, notes: Mapping[str, Note]) -> Branch:
    fields: Mapping[str, Any] = node if isinstance(node, dict) else {}
    children = [child for child in fields.get("children", ()) if isinstance(child, dict)]
    more = fields.get("more", 0)
    return Branch(
        path,
        label,
        str(fields.get("type", "")),
        str(fields.get("text", "")),
        tuple(
            _branch(path + str(child.get("step", "")), str(child.get("step", "")), child, notes) for child in children
        ),
        more if isinstance(more, int) else 0,
        notes.get(path),
        str(fields.get("digest", "")),
    )


def _flattened(branches: Iterable[Branch]) -> Iterator[Branch]:
    for branch in branches:
        yield branch
        yield from _flattened(branch.children)


class Change(Record):
    """One difference. `kind` is changed, added, removed or hidden (not in the previews)."""

    path: str
    kind: str
    before: str
    after: str


def changes(before: Header, after: Header) -> tuple[Change, ...]:
    """The differences of the arguments, then of the outcomes. Times and durations are not compared."""
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
