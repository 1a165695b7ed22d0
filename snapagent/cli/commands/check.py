"""`snapagent check`: is the YAML right, is each target there, and can it be wrapped?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ...core.records import Record
from ...errors import ConfigError
from ..app import App, json_option, pass_app, store_options
from ..group import PROBLEM
from ..terminal.wording import counted, shown_path
from ..workers.children import ask

if TYPE_CHECKING:
    from ..source.resolve import Finding, Verdict

_MARKS = {"wraps": ("ok", "green"), "unsure": ("?", "yellow"), "cannot": ("no", "red"), "nothing": ("no", "red")}
_LEAD = " " * 5  # below the marks
_ALIGNED = 40  # characters of a target up to which what is said of it begins in one column
_SHOWN = 5  # functions listed under a glob, unless --verbose


class Report(Record):
    """What `check` found. `problems` are those of the YAML, one line each; then there are no verdicts."""

    config: str
    problems: tuple[str, ...]
    targets: tuple[Verdict, ...]

    @property
    def is_fine(self) -> bool:
        return not self.problems and all(verdict.is_fine for verdict in self.targets)


@click.command("check")
@click.argument("config_file", required=False, metavar="[FILE]")
@click.option(
    "--import", "really", is_flag=True, help="Import the targets' modules, in a child process, for certainty."
)
@click.option(
    "-p", "--path", "paths", multiple=True, metavar="DIR", help="A folder to find modules in, first. Repeatable."
)
@click.option("-v", "--verbose", is_flag=True, help="Name every function that a glob stands for.")
@json_option
@store_options
@pass_app
def check_command(
    app: App, config_file: str | None, really: bool, paths: Sequence[str], verbose: bool, as_json: bool
) -> None:
    """Check the configuration and resolve every target.

    All errors are told at once. Modules are found and parsed, not imported; --import asks the real ones.
    Exits 1 when the YAML is wrong, or when a
    target matches nothing or cannot be wrapped.

    \b
    Examples:
      snapagent check
      snapagent check --import staging/snapagent.yaml
    """
    path = config_file or app.find_config()
    if path is None:
        raise click.UsageError("There is no configuration here. Next: snapagent init")
    report = examine(shown_path(path), [os.path.abspath(folder) for folder in paths], really)
    if as_json:
        app.out.json(_as_json(report))
    else:
        _print(app, report, verbose)
    if not report.is_fine:
        raise click.exceptions.Exit(PROBLEM)


def examine(path: str, folders: Sequence[str] = (), really: bool = False) -> Report:
    """Check one configuration file. `folders` are searched for modules before the usual places."""
    from ...config.reading import load_config

    try:
        config = load_config(path)
    except ConfigError as error:
        return Report(path, tuple(str(error).splitlines()), ())
    from ..source.modules import Looker, default_search_path
    from ..source.resolve import resolve

    search_path = [*folders, *default_search_path(os.getcwd())]
    verdicts = list(resolve(config, Looker(search_path)))
    if really:
        verdicts = [_certain(verdict, asked) for asked in [_ask(verdicts, search_path)] for verdict in verdicts]
    return Report(path, (), tuple(verdicts))


def _ask(verdicts: Iterable[Verdict], search_path: Sequence[str]) -> dict[str, list[str]]:
    """What a child process says of each function after importing its module, with capture off."""
    targets = sorted({one.target for verdict in verdicts for one in verdict.functions} | _unresolved(verdicts))
    answers: dict[str, list[str]] | None
    answers, code = ask("import_probe", {"path": list(search_path), "targets": targets})
    if answers is None:
        reason = f"the process that imported it ended with code {code} before it could answer"
        return {target: ["cannot", reason] for target in targets}
    return answers


def _unresolved(verdicts: Iterable[Verdict]) -> set[str]:
    """Exact targets that the source does not show, in the form that names a module."""
    return {v.target for v in verdicts if v.status == "nothing" and ":" in v.target and "*" not in v.target}


def _certain(verdict: Verdict, answers: dict[str, list[str]]) -> Verdict:
    from ..source.resolve import CANNOT, WRAPS, Finding

    if verdict.target in answers and not verdict.functions:
        status, reason = answers[verdict.target]
        if status == WRAPS:
            return verdict.replace(status=WRAPS, reason="", functions=(Finding(verdict.target, WRAPS, "unknown"),))
        return verdict.replace(reason=reason)
    functions = tuple(
        one.replace(
            status=answers[one.target][0], reason=one.reason if one.status == CANNOT else answers[one.target][1]
        )
        if one.target in answers
        else one
        for one in verdict.functions
    )
    return verdict if not functions or verdict.status == "nothing" else _best(verdict, functions)


def _best(verdict: Verdict, functions: tuple[Finding, ...]) -> Verdict:
    from ..source.resolve import WRAPS

    if any(one.status == WRAPS for one in functions):
        return verdict.replace(status=WRAPS, reason="", functions=functions)
    return verdict.replace(status=functions[0].status, reason=functions[0].reason, functions=functions)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "config": report.config,
        "fine": report.is_fine,
        "problems": list(report.problems),
        "targets": [
            {**verdict.as_dict(), "functions": [one.as_dict() for one in verdict.functions]}
            for verdict in report.targets
        ],
    }


def _print(app: App, report: Report, verbose: bool) -> None:
    for problem in report.problems:
        app.out.folded(("error  ", "red"), problem, lead=" " * 7)
    width = min(max((len(verdict.target) for verdict in report.targets), default=0), _ALIGNED)
    for verdict in report.targets:
        mark, style = _MARKS[verdict.status]
        functions = verdict.functions if "*" in verdict.target else ()
        count = f"  ({counted(len(functions), 'function')})" if functions else ""
        explanation = [count, *_explanation(report.config, verdict)]
        room = " " * (width - len(verdict.target)) if any(explanation) else ""
        app.out.folded((f"{mark:<5}", style), (verdict.target, "bold"), room, *explanation, lead=_LEAD)
        for one in functions if verbose else _worth_showing(functions):
            sub_mark, sub_style = _MARKS[one.status]
            reason = f"  {one.reason}" if one.reason else ""
            pieces = (f"{sub_mark:<4}", sub_style), one.target, (f"  {one.place}", "dim"), reason
            app.out.folded(_LEAD, *pieces, lead=f"{_LEAD}    ")
        hidden = len(functions) - len(_worth_showing(functions))
        if hidden > 0 and not verbose:
            app.out.line((f"         ... {hidden} more; --verbose names them", "dim"))
    _conclude(app, report)


def _worth_showing(functions: Sequence[Finding]) -> Sequence[Finding]:
    """What cannot be wrapped first: that is what somebody has to act on."""
    return sorted(functions, key=lambda one: one.status == "wraps")[:_SHOWN]


def _explanation(config: str, verdict: Verdict) -> list[str | tuple[str, str]]:
    if verdict.status == "wraps" and verdict.functions and "*" not in verdict.target:
        one = verdict.functions[0]
        return [(f"  {one.kind}, {one.place}" if one.place else f"  {one.kind}", "dim")]
    near = f"; nearest: {', '.join(verdict.nearest)}" if verdict.nearest else ""
    where = (f"  ({config}:{verdict.line})", "dim")
    return [f"  {verdict.reason}{near}", where] if verdict.reason else []


def _conclude(app: App, report: Report) -> None:
    if report.problems:
        app.out.note(f"{counted(len(report.problems), 'problem')} in {report.config}; capture stays off with this file")
        return
    bad = sum(not verdict.is_fine for verdict in report.targets)
    unsure = sum(verdict.status == "unsure" for verdict in report.targets)
    if bad:
        app.out.note(f"{bad} of {counted(len(report.targets), 'target')} cannot be captured as written")
    elif not report.targets:
        app.out.note(f"{report.config} is valid and names no target yet", then="add functions under `targets:`")
    elif unsure:
        app.out.note(f"{counted(unsure, 'target')} can only be told by importing", then="snapagent check --import")
    else:
        app.out.note(f"{report.config} is fine: {counted(len(report.targets), 'target')}")
