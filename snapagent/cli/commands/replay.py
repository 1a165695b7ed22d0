"""`snapagent replay`: call today's code with the arguments of bundles and compare, without a test file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

import click

from ...compare import Difference, make_options
from ...compare.outcomes import BROKEN, EQUAL, FIXED, KINDS_OF_TWO, NOISE, UNDECIDED, VERDICT_KINDS
from ...config.units import format_duration
from ...core.short_hashes import case_ids, short_hash
from ..accepting import accept_changes, check_asking, print_accepted
from ..app import App, json_option, pass_app, setup_option, store_options
from ..choosing import matching
from ..completing import complete_target
from ..group import PROBLEM
from ..page.elements import moment
from ..page.replay import replay_page
from ..source.modules import default_search_path
from ..terminal.table import Column
from ..terminal.wording import counted, printable, shown_path
from ..workers.pool import Plan, Result, replay_all
from ..workers.tasks import tasks_of, variables_for, with_settings
from ..writing import refuse_existing, write_new

_OF_ONE = "effects: "  # a note that concerns its bundle alone
_SHOWN = 20  # causes printed in detail
_NAMED = 3  # functions named for one cause


@click.command("replay")
@click.argument("globs", nargs=-1, metavar="[TARGET]...", shell_complete=complete_target)
@click.option("--outcome", metavar="KIND", help="Only bundles that returned, raised, or raised this exception type.")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N bundles of each function."
)
@click.option("--rtol", type=click.FloatRange(min=0), default=0.0, help="Relative tolerance of numbers.")
@click.option("--atol", type=click.FloatRange(min=0), default=0.0, help="Absolute tolerance of numbers.")
@click.option("--ignore", multiple=True, metavar="PATH", help="A path of the outcome that may differ. Repeatable.")
@click.option("--unordered", multiple=True, metavar="PATH", help="A list whose order does not matter. Repeatable.")
@click.option("--facsimiles", metavar="MODULE:NAME", help="A dictionary of stand-ins by path (see facsimile).")
@setup_option
@click.option("--allow-io", is_flag=True, help="Allow connections, databases and changes of files.")
@click.option("--twice", is_flag=True, help="Replay each bundle twice, and tell noise from change.")
@click.option("--accept", is_flag=True, help="Put today's outcomes in place of the stored ones that differ.")
@click.option("--yes", is_flag=True, help="With --accept: do not ask.")
@click.option("--skip-unreplayable", is_flag=True, help="Do not exit 1 for what cannot be replayed or compared.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes. [default: one per core]")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds per bundle.")
@click.option("-x", "--fail-fast", is_flag=True, help="Stop after the first bundle that is not equal.")
@click.option(
    "-p", "--path", "paths", multiple=True, metavar="DIR", help="Search this folder for modules first. Repeatable."
)
@click.option("--junit-xml", metavar="FILE", help="Write a JUnit report for CI to FILE.")
@click.option("--html", "page", metavar="FILE", help="Write a page with the differences to FILE.")
@click.option("--force", is_flag=True, help="Overwrite the file of --html if it exists.")
@json_option
@store_options
@pass_app
def replay_command(
    app: App,
    globs: Sequence[str],
    outcome: str | None,
    limit: int | None,
    rtol: float,
    atol: float,
    ignore: Sequence[str],
    unordered: Sequence[str],
    facsimiles: str | None,
    setup: str | None,
    allow_io: bool,
    twice: bool,
    accept: bool,
    yes: bool,
    skip_unreplayable: bool,
    jobs: int | None,
    timeout: float,
    fail_fast: bool,
    paths: Sequence[str],
    junit_xml: str | None,
    page: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Replay bundles against today's code and compare the outcomes.

    Calls each function with the stored arguments, in child processes that import the program and unpickle bundles.
    Recorded calls of dependencies are served. Another call that asks for a connection, a database or a change of files
    outside the temporary folder is refused that and counts as not replayable, unless --allow-io is given. Exits 1 when
    a bundle is changed, broken, fixed, or cannot be replayed or compared.

    --accept stores today's outcomes and writes in place of those that differ, after a question. What cannot be replayed
    or compared is never accepted. --twice calls a bundle noise when it differs only where two replays of the same code
    differ from each other.

    \b
    Examples:
      snapagent replay
      snapagent replay shop.pricing.quote --accept
      snapagent replay --setup shop.bootstrap:prepare
      snapagent replay shop.pricing.quote --ignore result.created_at --junit-xml report.xml
    """
    compare = {"rtol": rtol, "atol": atol, "ignore": list(ignore), "unordered": list(unordered)}
    _check_paths(compare)
    check_asking(accept, yes, as_json)
    if page is not None and not force:
        refuse_existing(page)
    folders = [os.path.abspath(folder) for folder in paths]
    rules = {
        "path": [*folders, *default_search_path(os.getcwd())],
        "compare": compare,
        "facsimiles": facsimiles,
        "setup": setup,
        "allow_io": allow_io,
        "twice": twice,
    }
    tasks = [task for folder in matching(app.store, globs) for task in tasks_of(app.store, folder, outcome, limit)]
    tasks = with_settings(tasks)
    plan = Plan(jobs or os.cpu_count() or 1, timeout, rules, fail_fast, variables_for(app))
    found = app.out.progress.over(replay_all(tasks, plan), "replayed", len(tasks))
    results = sorted(found, key=lambda result: (result.task.target, result.task.name))
    if not as_json:
        _print(app, results)
    if accept:
        results = accept_changes(app, results, plan, yes=yes)
        if not as_json:
            print_accepted(app, results)
    if junit_xml is not None:
        _write_junit(junit_xml, results, skip_unreplayable=skip_unreplayable)
    if page is not None:
        _write_page(app, page, results, force=force)
    if as_json:
        app.out.json({"summary": _summary(results), "results": [result.to_json() for result in results]})
    harmless = (EQUAL, *UNDECIDED) if skip_unreplayable else (EQUAL,)
    if any(result.kind not in harmless and not result.accepted for result in results):
        raise click.exceptions.Exit(PROBLEM)


def _write_junit(path: str, results: Sequence[Result], *, skip_unreplayable: bool) -> None:
    explained = {result.task.name: "\n".join(_explanation(result)) for result in results}
    with open(path, "w", encoding="utf-8") as file:
        file.write(_to_xml(results, explained, skip_unreplayable=skip_unreplayable))


def _write_page(app: App, path: str, results: Sequence[Result], *, force: bool) -> None:
    causes = _by_cause([result for result in results if result.kind != EQUAL])
    write_new(path, replay_page(app.store, results, causes, shown_path(app.base_path), moment()), force=force)


def _check_paths(compare: dict[str, Any]) -> None:
    try:
        make_options(**compare)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _summary(results: Sequence[Result]) -> dict[str, int]:
    counts = Counter(result.kind for result in results)
    found = {kind: counts[kind] for kind in VERDICT_KINDS}
    return {**found, NOISE: counts[NOISE]} if counts[NOISE] else found


def _print(app: App, results: Sequence[Result]) -> None:
    if not results:
        app.out.note("there is nothing to replay", then="snapagent list")
        return
    kinds = [kind for kind in KINDS_OF_TWO if kind == EQUAL or any(result.kind == kind for result in results)]
    columns = (Column("FUNCTION", style="bold", shrinks=2), *(Column(kind.upper(), right=True) for kind in kinds),
               Column("TIME", right=True))  # fmt: skip
    by_target: dict[str, list[Result]] = {}
    for result in results:
        by_target.setdefault(result.task.target, []).append(result)
    app.out.table(columns, [_cells(target, found, kinds) for target, found in by_target.items()])
    failures = [result for result in results if result.kind != EQUAL]
    groups = _by_cause(failures)
    for group in groups[:_SHOWN]:
        app.out.line("")
        style = "yellow" if group[0].kind in UNDECIDED else "red"
        app.out.line((group[0].kind, style), "  ", (_functions(group), "bold"), "  ", (_bundles(group), "cyan"))
        for line in _explanation(group[0]) if len(group) == 1 else group[0].reason.splitlines():
            app.out.folded(f"    {line}", lead=" " * 6)
    for note in dict.fromkeys(note for result in results for note in result.notes if not note.startswith(_OF_ONE)):
        app.out.note(note)
    for path in _unused(results):
        app.out.note(f"{path} fits nothing in any of the outcomes")
    left = sum(len(group) for group in groups[_SHOWN:])
    hidden = f", {left} of them not shown" if left else ""
    equal = len(results) - len(failures)
    if failures:
        app.out.note(f"{len(failures):,} of {counted(len(results), 'bundle')} not equal{hidden}")
    else:
        app.out.note(f"{counted(equal, 'bundle')} replayed, all equal")


def _unused(results: Sequence[Result]) -> list[str]:
    """Paths of `--ignore` and `--unordered` that none of the bundles that could be compared has a place for."""
    compared = [set(result.unused) for result in results if result.expected]
    return sorted(set.intersection(*compared)) if compared else []


def _by_cause(failures: Sequence[Result]) -> list[list[Result]]:
    """The failures, those with the same kind and reason together. A difference stands for its own bundle."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in failures:
        cause = result.reason or f"{result.task.target} {result.task.name}"
        groups.setdefault((result.kind, cause), []).append(result)
    return list(groups.values())


def _functions(group: Sequence[Result]) -> str:
    """The functions of bundles with one cause, the first few by name."""
    names = list(dict.fromkeys(result.task.target for result in group))
    more = f" and {counted(len(names) - _NAMED, 'more function')}" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _bundles(group: Sequence[Result]) -> str:
    return short_hash(group[0].task.hash) if len(group) == 1 else counted(len(group), "bundle")


def _cells(target: str, found: Sequence[Result], kinds: Sequence[str]) -> list[str]:
    numbers = _summary(found)
    took = format_duration(sum(result.seconds for result in found))
    return [target, *(f"{numbers.get(kind, 0):,}" if numbers.get(kind) else "-" for kind in kinds), took]


def _explanation(result: Result) -> list[str]:
    """The reason and the differences, a line each."""
    return [*result.reason.splitlines(), *_differences(result)]


def _differences(result: Result) -> list[str]:
    found = [str(Difference(**one)) for one in result.differences]
    if found and result.kind not in (BROKEN, FIXED):
        return found
    return [f"expected {result.expected}", f"got      {result.got}", *found] if result.expected else found


def _to_xml(results: Sequence[Result], explain: dict[str, str], *, skip_unreplayable: bool) -> str:
    """A JUnit report with one test case per bundle; `explain` has the text of each failure by file name."""
    suite = ElementTree.Element("testsuite", name="snapagent replay", tests=str(len(results)))
    counts = {"failures": 0, "errors": 0, "skipped": 0}
    for result, name in zip(results, _names(results), strict=True):
        classname = printable(result.task.target.replace(":", "."))
        time = f"{result.seconds:.6f}"
        case = ElementTree.SubElement(suite, "testcase", classname=classname, name=name, time=time)
        if result.kind == EQUAL or result.accepted:
            continue
        tag = "failure"
        if result.kind in UNDECIDED:
            tag = "skipped" if skip_unreplayable else "error"
        counts[{"failure": "failures", "error": "errors", "skipped": "skipped"}[tag]] += 1
        text = "\n".join(printable(line) for line in explain[result.task.name].splitlines())
        child = ElementTree.SubElement(case, tag, message=f"{result.kind}: {text.partition(chr(10))[0]}")
        child.text = text
    suite.attrib.update({name: str(number) for name, number in counts.items()})
    suite.set("time", f"{sum(result.seconds for result in results):.6f}")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _names(results: Sequence[Result]) -> Iterator[str]:
    """The test ids that pytest shows; results are sorted by function, then by time."""
    for _, of_one in groupby(results, lambda result: result.task.target):
        yield from case_ids((result.task.hash, result.task.outcome) for result in of_one)
