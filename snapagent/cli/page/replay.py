"""The page of `snapagent replay --html`: what today's code does with the calls of bundles, in figures and differences.

Results with one cause stand together. The calls come from headers. The size is bounded: of what is beyond, only the
numbers are shown.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from ...compare import Difference
from ...compare.outcomes import BROKEN, EQUAL, FIXED, KINDS_OF_TWO, UNDECIDED
from ...config.units import format_duration
from ...errors import SnapagentError
from ...store.bundle_files import read_file_header
from ...store.layout import PIN
from ...store.reader import StoreReader
from ..terminal.wording import counted
from ..workers.pool import Result
from .bundle import bundle_details
from .elements import Child, chip, code, document, element, figures, paragraph, prose, section, table

_FUNCTIONS = 3000  # rows of the table
_CAUSES = 100
_OF_ONE_CAUSE = 5  # bundles that are named
_DIFFERENCES = 40  # of one bundle
_LINES = 30  # of one reason
_NOTES = 20


def replay_page(
    store: StoreReader, results: Sequence[Result], causes: Sequence[Sequence[Result]], captures: str, made: str
) -> str:
    """The page of these results. `causes` are those that are not equal, with one cause together.

    `captures` names the folder and `made` the moment, in the words in which they are shown.
    """
    counts = Counter(result.kind for result in results)
    failures = len(results) - counts[EQUAL]
    told = (
        f"{failures:,} of {counted(len(results), 'bundle')} not equal"
        if failures
        else f"{counted(len(results), 'bundle')} replayed, all equal"
    )
    shown = [("Bundles", f"{len(results):,}")]
    shown += [(kind.capitalize(), f"{counts[kind]:,}") for kind in KINDS_OF_TWO if counts[kind] or kind == EQUAL]
    shown.append(("Time", format_duration(sum(result.seconds for result in results))))
    children: list[Child] = [
        element("header", element("h1", "Replay"), paragraph(f"{told}. ", code(captures), f", {made}",
                                                             class_="lead")),
        figures(shown),
        section("Functions", *_functions(results)),
    ]  # fmt: skip
    children += [_cause(store, cause) for cause in causes[:_CAUSES]]
    if len(causes) > _CAUSES:
        left = sum(len(cause) for cause in causes[_CAUSES:])
        children.append(
            paragraph(f"{counted(left, 'bundle')} with {len(causes) - _CAUSES:,} further causes are not shown.")
        )
    children.append(section("Notes", *_notes(results)))
    children.append(element("footer", "Made by snapagent. The calls are shown from the headers of bundles."))
    return document(f"Replay: {told}", *children)


def verdict_chip(kind: str, text: str = "") -> Element:
    return chip(text or kind, "good" if kind == EQUAL else "warn" if kind in UNDECIDED else "bad")


def _functions(results: Sequence[Result]) -> Iterator[Child]:
    by_target: dict[str, list[Result]] = {}
    for result in results:
        by_target.setdefault(result.task.target, []).append(result)
    yield table(
        ("Function", "Bundles", "Verdicts", "Time"),
        [
            (code(target), f"{len(found):,}", _verdicts(found), format_duration(sum(one.seconds for one in found)))
            for target, found in list(by_target.items())[:_FUNCTIONS]
        ],
        numbers=(1, 3),
    )
    if len(by_target) > _FUNCTIONS:
        yield paragraph(f"The first {_FUNCTIONS:,} of {len(by_target):,} functions are listed.")


def _verdicts(found: Sequence[Result]) -> Element:
    counts = Counter(result.kind for result in found)
    return element("span", *[verdict_chip(kind, f"{kind} {counts[kind]:,}") for kind in KINDS_OF_TWO if counts[kind]])


def _cause(store: StoreReader, cause: Sequence[Result]) -> Element | None:
    """One cause: its verdict and functions, the reason, the differences, and the first bundles."""
    first = cause[0]
    targets = list(dict.fromkeys(result.task.target for result in cause))
    more = f" and {counted(len(targets) - 1, 'more function')}" if len(targets) > 1 else ""
    lines = first.reason.splitlines()
    return section(
        element("span", verdict_chip(first.kind), code(targets[0]), more),
        *[paragraph(prose(line), class_="reason") for line in lines[:_LINES]],
        paragraph(f"{len(lines) - _LINES} more lines.") if len(lines) > _LINES else None,
        *_differences(first),
        *[_bundle(store, result) for result in cause[:_OF_ONE_CAUSE]],
        paragraph(f"The first {_OF_ONE_CAUSE} of {len(cause):,} bundles are shown.")
        if len(cause) > _OF_ONE_CAUSE
        else None,
    )


def _differences(result: Result) -> Iterator[Child]:
    found = [Difference(**one) for one in result.differences]
    rows = [
        (code(one.path), one.kind, _value(one.expected, "expected"), _value(one.got, "got"))
        for one in found[:_DIFFERENCES]
    ]
    if result.expected and (result.kind in (BROKEN, FIXED) or not rows):
        rows.insert(0, (code("outcome"), result.kind, _value(result.expected, "expected"), _value(result.got, "got")))
    yield table(("Path", "Difference", "Stored", "Today"), rows)
    if len(found) > _DIFFERENCES:
        yield paragraph(f"The first {_DIFFERENCES} of {len(found):,} differences are shown.")


def _value(text: str, class_: str) -> Element | None:
    return element("span", text, class_=class_) if text else None


def _bundle(store: StoreReader, result: Result) -> Element:
    """The bundle as its header shows it."""
    try:
        entry = store.by_name(result.task.target, result.task.name)
        return bundle_details(*read_file_header(entry.path), os.path.lexists(entry.path + PIN))
    except (SnapagentError, OSError):
        return paragraph(chip("unreadable", "bad"), code(result.task.name))


def _notes(results: Sequence[Result]) -> Iterator[Child]:
    notes = list(dict.fromkeys(note for result in results for note in result.notes))
    for note in notes[:_NOTES]:
        yield paragraph(prose(note))
    if len(notes) > _NOTES:
        yield paragraph(f"{len(notes) - _NOTES:,} more notes.")
