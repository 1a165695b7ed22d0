"""`snapagent check`: validate the configuration, resolve each target and find out whether it can be wrapped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ...core.interpreter import problem_here
from ...core.records import Record
from ...errors import ConfigError
from ..app import App, json_option, pass_app, store_options
from ..group import PROBLEM
from ..terminal.wording import counted, shown_path
from ..workers.children import ask

if TYPE_CHECKING:
    from ...config.reading import Config
    from ..source.resolve import Finding, Resolution

_MARKS = {"wraps": ("ok", "green"), "unsure": ("?", "yellow"), "cannot": ("no", "red"), "nothing": ("no", "red")}
_LEAD = " " * 5  # below the marks
_ALIGNED = 40  # characters: explanations of targets up to this length start in one column
_SHOWN = 5  # functions listed under a glob, unless --verbose


class Report(Record):
    """The result of a check. With `problems`, a line each, in the YAML or with this Python, no target is resolved."""

    config: str
    problems: tuple[str, ...]
    targets: tuple[Resolution, ...]
    dependencies: tuple[Resolution, ...] = ()
    shared: str | None = None  # the type of a file system that pods share, if the captures would be on one

    @property
    def is_fine(self) -> bool:
        return not self.problems and all(resolution.is_fine for resolution in (*self.targets, *self.dependencies))


@click.command("check")
@click.argument("config_file", required=False, metavar="[FILE]")
@click.option(
    "--import", "do_import", is_flag=True, help="Import the targets' modules in a child process to be certain."
)
@click.option(
    "-p", "--path", "paths", multiple=True, metavar="DIR", help="Search this folder for modules first. Repeatable."
)
@click.option("-v", "--verbose", is_flag=True, help="List every function that a glob matches.")
@json_option
@store_options
@pass_app
def check_command(
    app: App, config_file: str | None, do_import: bool, paths: Sequence[str], verbose: bool, as_json: bool
) -> None:
    """Check the configuration and resolve every target and dependency.

    Reports all errors in one run. Modules are parsed, not imported, unless --import is given. Exits 1 when the YAML
    is invalid, or when a target or dependency matches nothing or cannot be wrapped.

    \b
    Examples:
      snapagent check
      snapagent check --import staging/snapagent.yaml
    """
    path = config_file or app.find_config()
    if path is None:
        raise click.UsageError("No configuration was found. Next: snapagent init")
    report = examine(shown_path(path), [os.path.abspath(folder) for folder in paths], do_import)
    if as_json:
        app.out.json(_as_json(report))
    else:
        _print(app, report, verbose)
    if not report.is_fine:
        raise click.exceptions.Exit(PROBLEM)


def examine(path: str, folders: Sequence[str] = (), do_import: bool = False) -> Report:
    """Check one configuration file. `folders` are searched for modules before the usual places."""
    from ...config.reading import load_config

    try:
        config = load_config(path)
    except ConfigError as error:
        return Report(path, tuple(str(error).splitlines()), ())
    problem = problem_here()
    if problem is not None:
        return Report(path, (problem,), ())
    from ..source.modules import SourceFinder, default_search_path
    from ..source.resolve import resolve, resolve_dependencies

    search_path = [*folders, *default_search_path(os.getcwd())]
    finder = SourceFinder(search_path)
    targets, dependencies = list(resolve(config, finder)), list(resolve_dependencies(config, finder))
    if do_import:
        answers = _ask([*targets, *(one for one in dependencies if not _is_preset(one))], search_path)
        targets = [_with_answer(resolution, answers) for resolution in targets]
        dependencies = [_with_answer(resolution, answers) for resolution in dependencies]
    return Report(path, (), tuple(targets), tuple(dependencies), _shared(config))


def _is_preset(resolution: Resolution) -> bool:
    return "." not in resolution.target and ":" not in resolution.target


def _shared(config: Config) -> str | None:
    from ...config.reading import resolve_capture_dir
    from ...store.filesystems import shared_filesystem

    return shared_filesystem(resolve_capture_dir(config, os.environ, os.getcwd()))


def _ask(resolutions: Iterable[Resolution], search_path: Sequence[str]) -> dict[str, list[str]]:
    """Status and reason of each function, from a child process that imports its module with capture off."""
    targets = sorted(
        {one.target for resolution in resolutions for one in resolution.functions} | _unresolved(resolutions)
    )
    answers: dict[str, list[str]] | None
    answers, code = ask("import_probe", {"path": list(search_path), "targets": targets})
    if answers is None:
        reason = f"the process that imported it ended with code {code} before it answered"
        return {target: ["cannot", reason] for target in targets}
    return answers


def _unresolved(resolutions: Iterable[Resolution]) -> set[str]:
    """Exact targets in colon form that were not found in the source."""
    return {v.target for v in resolutions if v.status == "nothing" and ":" in v.target and "*" not in v.target}


def _with_answer(resolution: Resolution, answers: dict[str, list[str]]) -> Resolution:
    from ..source.resolve import CANNOT, WRAPS, Finding

    if resolution.target in answers and not resolution.functions:
        status, reason = answers[resolution.target]
        if status == WRAPS:
            return resolution.replace(
                status=WRAPS, reason="", functions=(Finding(resolution.target, WRAPS, "unknown"),)
            )
        return resolution.replace(reason=reason)
    functions = tuple(
        one.replace(
            status=answers[one.target][0], reason=one.reason if one.status == CANNOT else answers[one.target][1]
        )
        if one.target in answers
        else one
        for one in resolution.functions
    )
    return resolution if not functions or resolution.status == "nothing" else _best(resolution, functions)


def _best(resolution: Resolution, functions: tuple[Finding, ...]) -> Resolution:
    from ..source.resolve import WRAPS

    if any(one.status == WRAPS for one in functions):
        return resolution.replace(status=WRAPS, reason="", functions=functions)
    return resolution.replace(status=functions[0].status, reason=functions[0].reason, functions=functions)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "config": report.config,
        "fine": report.is_fine,
        "shared": report.shared,
        "problems": list(report.problems),
        "targets": _resolutions_as_json(report.targets),
        "dependencies": _resolutions_as_json(report.dependencies),
    }


def _resolutions_as_json(resolutions: Iterable[Resolution]) -> list[dict[str, Any]]:
    return [
        {**resolution.as_dict(), "functions": [one.as_dict() for one in resolution.functions]}
        for resolution in resolutions
    ]


def _print(app: App, report: Report, verbose: bool) -> None:
    for problem in report.problems:
        app.out.folded(("error  ", "red"), problem, lead=" " * 7)
    _print_resolutions(app, report.config, report.targets, verbose)
    if report.dependencies:
        app.out.line(("dependencies", "dim"))
        _print_resolutions(app, report.config, report.dependencies, verbose)
    if report.shared is not None:
        from ...store.filesystems import REMEDY

        app.out.folded(("hint   ", "yellow"), f"shared filesystem ({report.shared}): {REMEDY}", lead=" " * 7)
    _print_summary(app, report)


def _print_resolutions(app: App, config: str, resolutions: Sequence[Resolution], verbose: bool) -> None:
    width = min(max((len(resolution.target) for resolution in resolutions), default=0), _ALIGNED)
    for resolution in resolutions:
        mark, style = _MARKS[resolution.status]
        functions = resolution.functions if "*" in resolution.target else ()
        count = f"  ({counted(len(functions), 'function')})" if functions else ""
        explanation = [count, *_explanation(config, resolution)]
        room = " " * (width - len(resolution.target)) if any(explanation) else ""
        app.out.folded((f"{mark:<5}", style), (resolution.target, "bold"), room, *explanation, lead=_LEAD)
        for one in functions if verbose else _most_relevant(functions):
            sub_mark, sub_style = _MARKS[one.status]
            reason = f"  {one.reason}" if one.reason else ""
            pieces = (f"{sub_mark:<4}", sub_style), one.target, (f"  {one.place}", "dim"), reason
            app.out.folded(_LEAD, *pieces, lead=f"{_LEAD}    ")
        hidden = len(functions) - len(_most_relevant(functions))
        if hidden > 0 and not verbose:
            app.out.line((f"         ... {hidden} more; --verbose lists them", "dim"))


def _most_relevant(functions: Sequence[Finding]) -> Sequence[Finding]:
    """Functions that cannot be wrapped come first, because they need action."""
    return sorted(functions, key=lambda one: one.status == "wraps")[:_SHOWN]


def _explanation(config: str, resolution: Resolution) -> list[str | tuple[str, str]]:
    if resolution.status == "wraps" and resolution.functions and "*" not in resolution.target:
        one = resolution.functions[0]
        return [(f"  {one.kind}, {one.place}" if one.place else f"  {one.kind}", "dim")]
    near = f"; nearest: {', '.join(resolution.nearest)}" if resolution.nearest else ""
    where = (f"  ({config}:{resolution.line})", "dim")
    return [f"  {resolution.reason}{near}", where] if resolution.reason else []


def _print_summary(app: App, report: Report) -> None:
    if report.problems:
        app.out.note(f"{counted(len(report.problems), 'problem')} in {report.config}; capture stays off with this file")
        return
    bad = sum(not resolution.is_fine for resolution in report.targets)
    unsure = sum(resolution.status == "unsure" for resolution in report.targets)
    unreached = sum(not resolution.is_fine for resolution in report.dependencies)
    if unreached:
        total = counted(len(report.dependencies), "dependency", "dependencies")
        app.out.note(f"{unreached} of {total} cannot be recorded as written")
    if bad:
        app.out.note(f"{bad} of {counted(len(report.targets), 'target')} cannot be captured as written")
    elif not report.targets:
        app.out.note(f"{report.config} is valid but has no targets yet", then="add functions under `targets:`")
    elif unsure:
        app.out.note(f"{counted(unsure, 'target')} can only be checked by importing", then="snapagent check --import")
    else:
        app.out.note(f"{report.config} is valid: {counted(len(report.targets), 'target')}")
