"""One bundle on a page: its call on one line, and below it the values, effects and facts of its header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from ...bundle import COMPLETE, Header
from ...config.units import format_duration, format_size
from ...core.short_hashes import short_hash
from ..terminal.wording import counted, local_time
from ..views.effects import effect_lines, in_short, summary_of
from ..views.tree import Branch, arguments, note_piece, outcome, short_call, unplaced_notes, value_pieces
from .elements import Child, chip, code, element, paragraph, table

_VALUES = 60  # of one bundle, arguments and outcome together
_DEPTH = 6
_EFFECTS = 20
_NOTES = 20


def outcome_chip(kind: str, text: str = "") -> Element:
    """`returned` in one colour, an exception or an unreadable bundle in another."""
    return chip(text or kind.rpartition(".")[2], "good" if kind == "returned" else "bad")


def call_lines(header: Header) -> list[Element]:
    """The call and how it ended, a line each."""
    passed, ended = short_call(header)
    name = header.target.rpartition(":")[2]
    return [
        element("span", code(f"{name}({passed})"), class_="call"),
        element("span", "→ ", code(ended), class_="call") if ended else element("span"),
    ]


def bundle_details(header: Header, size: int, pinned: bool) -> Element:
    """A bundle that the reader may open."""
    kind = header.outcome_kind
    ended = "" if header.ended == COMPLETE else f" ({header.ended})"
    summary = element(
        "summary",
        element("span", local_time(header.timestamp), class_="when"),
        outcome_chip(kind, kind.rpartition(".")[2] + ended),
        chip("pinned") if pinned else None,
        element("span", code(short_hash(header.hash)), f" · {format_duration(header.duration)}", class_="when"),
        *call_lines(header),
    )
    return element("details", summary, element("div", *_inside(header, size), class_="inside"))


def _inside(header: Header, size: int) -> Iterator[Child]:
    left = _Left(_VALUES)
    passed, ended = arguments(header), outcome(header)
    if passed:
        yield element("h3", "Arguments")
        yield _tree(passed, left)
    if ended:
        yield element("h3", "Outcome")
        yield _tree(ended, left)
    yield from _effects(header)
    yield from _notes(header, (*passed, *ended))
    runtime = f"{header.implementation} {header.python}, snapagent {header.snapagent}"
    facts = [format_size(size), f"took {format_duration(header.duration)}", runtime]
    facts += [f"host {header.origin['host']}"] if isinstance(header.origin.get("host"), str) else []
    facts += [f"revision {header.origin['revision']}"] if isinstance(header.origin.get("revision"), str) else []
    if header.shape:
        yield paragraph("Shape: ", code(header.shape))
    yield paragraph(", ".join(facts))


class _Left:
    """How many values may still be shown."""

    def __init__(self, number: int) -> None:
        self.number = number


def _tree(branches: Sequence[Branch], left: _Left, depth: int = 0, more: int = 0) -> Element:
    items: list[Element] = []
    for branch in branches:
        if left.number <= 0:
            break
        left.number -= 1
        below = depth < _DEPTH and (branch.children or branch.more)
        (words, _), *notes = value_pieces(branch)
        items.append(
            element(
                "li",
                element("span", branch.label, class_="label"),
                ": ",
                words,
                *[element("span", text, class_="warn") for text, _ in notes],
                _tree(branch.children, left, depth + 1, branch.more) if below else None,
            )
        )
    hidden = len(branches) - len(items) + more
    if hidden:
        items.append(element("li", f"... {counted(hidden, 'more', 'more')}", class_="dim"))
    return element("ul", *items, **({} if depth else {"class_": "tree"}))


def _effects(header: Header) -> Iterator[Child]:
    summary = summary_of(header)
    if summary is None:
        return
    rows = list(effect_lines(summary))[:_EFFECTS]
    yield element("h3", "Calls of dependencies")
    yield table(
        ("Call", "Role", "Result"),
        [(code(call), role, code(result) if result else None) for _, role, call, result in rows],
    )
    hidden = summary.count - len(rows)
    yield paragraph(in_short(summary) + (f"; the first {len(rows)} are shown" if hidden > 0 and rows else ""))


def _notes(header: Header, shown: Sequence[Branch]) -> Iterator[Child]:
    notes = unplaced_notes(header, shown)
    if not notes:
        return
    yield element("h3", "Not stored as is")
    yield table(("Value", "Type", "Why"), [(code(note.path), note.type, note_piece(note)[0].strip("[]"))
                                           for note in notes[:_NOTES]])  # fmt: skip
    if len(notes) > _NOTES:
        yield paragraph(f"{len(notes) - _NOTES:,} more of them.")
