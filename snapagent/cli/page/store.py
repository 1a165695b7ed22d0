"""The page of `snapagent report`: the functions of a store, what was captured of them, and why the rest was not.

Its size is bounded: the newest bundles of each function are shown, and of the rest only the numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from xml.etree.ElementTree import Element

from ...bundle import Header
from ...config.units import format_size
from ...core.records import Record
from ...errors import CorruptBundleError
from ...store.bundle_files import read_file_header
from ...store.processes import ProcessStatus
from ...store.reader import FunctionFolder, StoreReader
from ..terminal.wording import ago, counted
from ..views.effects import summary_of
from ..views.reasons import explain
from ..views.rows import FunctionRow, function_row
from ..views.statistics import Statistics, statistics
from .bundle import bundle_details, outcome_chip
from .elements import Child, chip, code, document, element, figures, paragraph, prose, section, table

_SECTIONS = 300  # functions that have a section of their own
_ROWS = 3000  # functions in the table
_BUNDLES = 300  # that are shown in all
_OF_ONE = 5  # bundles of one function
_KINDS = 20  # outcomes, shapes and reasons of one function


class ShownBundle(Record):
    """A bundle that is shown whole; `size` is bytes."""

    header: Header
    size: int
    pinned: bool


class ShownFunction(Record):
    """A function with a section of its own: its counts, and its newest bundles."""

    row: FunctionRow
    found: Statistics
    newest: tuple[ShownBundle, ...]
    problems: tuple[str, ...]


def function_in(store: StoreReader, folder: FunctionFolder, row: FunctionRow, most: int) -> ShownFunction:
    """A function with its newest bundles, at most `most`. A bundle that cannot be read becomes a problem."""
    newest: list[ShownBundle] = []
    problems: list[str] = []
    bundles = store.bundles(folder.name)
    for entry in islice(reversed(bundles), most):
        try:
            newest.append(ShownBundle(*read_file_header(entry.path), bundles.is_pinned(entry)))
        except CorruptBundleError as error:
            problems.append(f"{entry.name}: {error.reason}")
        except OSError:
            continue  # retention removed it meanwhile
    return ShownFunction(row, statistics(store, [folder]), tuple(newest), tuple(problems))


def shown_functions(store: StoreReader, folders: Sequence[FunctionFolder]) -> Iterator[ShownFunction]:
    """The functions, each read when the iterator gets there; those beyond the bound have no bundles."""
    most = max(1, min(_OF_ONE, _BUNDLES // max(len(folders), 1)))
    for number, folder in enumerate(folders):
        row = function_row(store, folder)
        if number < _SECTIONS:
            yield function_in(store, folder, row, most)
        else:
            yield ShownFunction(row, statistics(store, []), (), ())


def store_page(
    functions: Sequence[ShownFunction], captures: str, made: str, processes: Sequence[ProcessStatus] = ()
) -> str:
    """The page. `captures` names the folder and `made` the moment, in the words in which they are shown."""
    rows = [function.row for function in functions]
    totals = [
        ("Functions", f"{len(rows):,}"),
        ("Bundles", f"{sum(row.bundles for row in rows):,}"),
        ("Size", format_size(sum(row.bytes for row in rows))),
        ("Calls", f"{sum(row.calls for row in rows):,}"),
        ("Captured", f"{sum(row.captured for row in rows):,}"),
    ]
    children: list[Child] = [
        element("header", element("h1", "Captured calls"), paragraph(code(captures), f", {made}", class_="lead")),
        figures(totals),
    ]
    if not rows:
        children.append(paragraph("Nothing is captured yet. Next: ", code("snapagent run --on -- YOUR COMMAND")))
    children.append(section("Functions", _overview(rows), _said(len(rows), _ROWS, "functions are listed")))
    children.append(_reasons(rows))
    children.append(_processes(processes))
    children += [_function(number, function) for number, function in enumerate(functions[:_SECTIONS])]
    children.append(_said(len(rows), _SECTIONS, "functions are shown with their bundles"))
    children.append(
        element(
            "footer",
            "Made by snapagent from the headers of bundles: nothing was unpickled, and no code of the program ran. "
            "Values that were redacted are not in bundles at all.",
        )
    )
    return document(f"Captured calls: {captures}", *children)


def _said(number: int, most: int, words: str) -> Child:
    return paragraph(f"The first {most:,} of {number:,} {words}.") if number > most else None


def _overview(rows: Sequence[FunctionRow]) -> Child:
    return table(
        ("Function", "Calls", "Captured", "Bundles", "Size", "Newest", "Not captured"),
        [
            (
                element("a", code(row.target), href=f"#f{number}") if number < _SECTIONS else code(row.target),
                f"{row.calls:,}",
                f"{row.captured:,}",
                f"{row.bundles:,}",
                format_size(row.bytes),
                ago(row.newest) if row.newest else "-",
                _reason_chips(row),
            )
            for number, row in enumerate(rows[:_ROWS])
        ],
        numbers=(1, 2, 3, 4, 5),
    )


def _reason_chips(row: FunctionRow) -> Element:
    failed = [chip(f"{reason} {number:,}", "bad") for reason, number in _most(row.failed)]
    skipped = [chip(f"{reason} {number:,}", "warn") for reason, number in _most(row.skipped)]
    return element("span", *failed, *skipped, None if failed or skipped else "-")


def _most(numbers: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(numbers.items(), key=lambda pair: -pair[1])[:_KINDS]


def _reasons(rows: Sequence[FunctionRow]) -> Element | None:
    """Why calls were not captured, all functions together, with what to do."""
    skipped: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for row in rows:
        skipped.update(row.skipped)
        failed.update(row.failed)
    lines = [("failed", "bad", reason, number) for reason, number in _most(failed)]
    lines += [("skipped", "warn", reason, number) for reason, number in _most(skipped)]
    shown = table(
        ("Reason", "Calls", "Meaning", "To change it"),
        [
            (element("span", chip(word, kind), code(reason)), f"{number:,}", *map(prose, explain(reason)))
            for word, kind, reason, number in lines
        ],
        numbers=(1,),
    )
    return section("Not captured", shown)


def _processes(processes: Sequence[ProcessStatus]) -> Element | None:
    shown = table(
        ("Process", "Functions", "Called", "Time used", "Allowed", "Closed"),
        [
            (
                f"{one.pid} {one.program}",
                f"{one.wrapped:,}",
                f"{one.called:,}",
                f"{one.used:.1%}",
                f"{one.share:.0%}",
                f"{len(one.closed):,}",
            )
            for one in processes[:_KINDS]
        ],
        numbers=(1, 2, 3, 4, 5),
    )
    return section("What capturing costs now", shown)


def _function(number: int, function: ShownFunction) -> Element | None:
    row, found = function.row, function.found
    words = [counted(row.calls, "call"), f"{row.captured:,} captured", counted(row.bundles, "bundle"),
             format_size(row.bytes)]  # fmt: skip
    words += [f"newest {ago(row.newest)}"] if row.newest else []
    return section(
        code(row.target),
        paragraph(", ".join(words), class_="lead"),
        paragraph(*[outcome_chip(kind, f"{kind} {many:,}") for kind, many in _most(found.outcomes)], class_="chips")
        if found.outcomes
        else None,
        *_shapes(function),
        *_dependencies(function.newest),
        *_bundles(function),
        anchor=f"f{number}",
    )


def _shapes(function: ShownFunction) -> Iterator[Child]:
    shapes = next(iter(function.found.shapes.values()), {})
    if not shapes:
        return
    yield element("h3", "Argument shapes")
    yield table(("Shape", "Bundles"), [(code(shape), f"{number:,}") for shape, number in _most(shapes)], numbers=(1,))
    if len(shapes) > _KINDS:
        yield paragraph(f"{len(shapes) - _KINDS:,} more shapes.")
    if function.found.headers_read < function.row.bundles:
        yield paragraph(f"Counted in the newest {function.found.headers_read:,} bundles.")


def _dependencies(newest: Sequence[ShownBundle]) -> Iterator[Child]:
    """What the shown bundles asked of dependencies, all together."""
    reads: Counter[str] = Counter()
    writes: Counter[str] = Counter()
    for one in newest:
        summary = summary_of(one.header)
        for name, (read, written) in summary.dependencies.items() if summary is not None else ():
            reads[name] += read
            writes[name] += written
    names = sorted(reads)[:_KINDS]
    if names:
        yield element("h3", "Dependencies")
        yield table(
            ("Dependency", "Reads", "Writes"),
            [(code(name), f"{reads[name]:,}", f"{writes[name]:,}") for name in names],
            numbers=(1, 2),
        )


def _bundles(function: ShownFunction) -> Iterator[Child]:
    if function.newest or function.problems:
        yield element("h3", "Bundles")
    for one in function.newest:
        yield bundle_details(one.header, one.size, one.pinned)
    for problem in function.problems:
        yield paragraph(chip("unreadable", "bad"), problem)
    shown = len(function.newest) + len(function.problems)
    if shown < function.row.bundles:
        yield paragraph(f"The newest {shown:,} of {function.row.bundles:,} bundles are shown.")
