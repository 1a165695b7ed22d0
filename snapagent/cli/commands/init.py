"""`snapagent init`: write a first configuration, with targets from the source or from a run of the program."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from ...core.records import Record
from ..app import App, pass_app
from ..group import WRONG_USAGE
from ..launch import unreachable_because
from ..source.configuration import configuration
from ..source.libraries import presets_imported
from ..source.modules import SourceFinder, default_search_path
from ..source.packages import Package, find_package, named_package
from ..source.propose import ENOUGH, Proposal, propose
from ..source.watched import dependencies_of, of_the_main_script, proposals, unwatched
from ..terminal.wording import counted
from ..watch import WatchedRun, watch
from ..writing import refuse_existing, write_new

_NAMED = 3  # functions in one note
_MOST_WATCHED = 40  # targets from a run: further ones are written as comments


class _Proposed(Record):
    """What the file will say, and a sentence about where it comes from."""

    package: Package | None
    chosen: list[Proposal]
    spare: list[Proposal]
    dependencies: tuple[str, ...]
    found_by: str


@click.command("init", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-o", "--output", "path", default=None, metavar="FILE", help="Where to write. [default: snapagent.yaml]")
@click.option("--package", "package_name", metavar="NAME", help="The package to search, if the guess is wrong.")
@click.option("--force", is_flag=True, help="Overwrite the file if it exists.")
@click.option("--dry-run", is_flag=True, help="Print the file instead of writing it.")
@click.option("--watch", "is_watching", is_flag=True, help="Run COMMAND once, and propose the functions that it calls.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARGS]...]")
@pass_app
def init_command(
    app: App,
    path: str | None,
    package_name: str | None,
    force: bool,
    dry_run: bool,
    is_watching: bool,
    command: Sequence[str],
) -> None:
    """Propose targets and dependencies, and write a commented configuration.

    The source is parsed, never imported. With --watch the program runs once, as it always does, while the calls of the
    package's functions are counted; this command then ends with the exit code of the program. An existing file is not
    overwritten without --force.

    \b
    Examples:
      snapagent init
      snapagent init --package shop --dry-run
      snapagent init --watch -- python -m pytest
    """
    path = path or app.config_path or "snapagent.yaml"
    _check_command(is_watching, command)
    if not dry_run and not force:
        refuse_existing(path, "--force overwrites it, --dry-run prints instead")
    packages = find_package(os.getcwd()) if package_name is None else (_package(package_name),)
    run = _watched(app, command, packages) if is_watching else None
    proposed = _from_source(packages) if run is None else _from_run(packages, run)
    example = proposed.package.name if proposed.package is not None else "shop"
    text = configuration(example, proposed.chosen, proposed.spare, proposed.dependencies)
    if dry_run:
        app.out.raw(text)
    else:
        write_new(path, text, force=force)
        app.out.line("wrote ", (path, "bold"))
        _print_next_steps(app, path, proposed, run)
    if run is not None and run.code:
        raise click.exceptions.Exit(run.code)


def _check_command(is_watching: bool, command: Sequence[str]) -> None:
    if command and not is_watching:
        raise click.UsageError(
            f"Got unexpected argument {command[0]!r}; to run a command, say --watch -- {command[0]}."
        )
    if is_watching and not command:
        raise click.UsageError("--watch needs the command to run: snapagent init --watch -- python -m pytest")


def _package(name: str) -> Package:
    package = named_package(name, os.getcwd())
    if package is not None:
        return package
    known = ", ".join(package.name for package in find_package(os.getcwd())) or "none"
    raise click.UsageError(f"There is no package {name!r} here or among the installed ones; found here: {known}.")


def _watched(app: App, command: Sequence[str], packages: Sequence[Package]) -> WatchedRun:
    reason = unreachable_because(command)
    if reason is not None:
        app.out.note(f"no call will be seen: {reason}", then="leave out the option")
    try:
        return watch(command, [package.name for package in packages])
    except OSError as error:
        app.out.note(f"cannot run {command[0]!r}: {error.strerror}")
        raise click.exceptions.Exit(WRONG_USAGE) from None


def _from_source(packages: Sequence[Package]) -> _Proposed:
    """The proposals of the likeliest package that has some."""
    for package in packages:
        found = propose(package)
        if found:
            words = presets_imported(package.modules(package.finder))
            return _Proposed(package, found[:ENOUGH], found[ENOUGH:], words, "")
    return _Proposed(packages[0] if packages else None, [], [], (), "")


def _from_run(packages: Sequence[Package], run: WatchedRun) -> _Proposed:
    """The functions that a run called, of all packages."""
    finder = SourceFinder([*dict.fromkeys(package.folder for package in packages), *default_search_path(os.getcwd())])
    found = proposals(run.functions, finder)
    good = [proposal for proposal in found if proposal.score > 0]
    chosen = good[:_MOST_WATCHED]
    names = {proposal.target for proposal in chosen}
    words = dependencies_of(function for function in run.functions if function.target in names)
    called = {name.partition(":")[0].partition(".")[0] for name in names}
    package = next((package for package in packages if package.name.partition(".")[0] in called), None)
    spare = [*good[_MOST_WATCHED:], *(proposal for proposal in found if proposal.score <= 0)]
    return _Proposed(package or next(iter(packages), None), chosen, spare, words, "called while it was watched")


def _print_next_steps(app: App, path: str, proposed: _Proposed, run: WatchedRun | None) -> None:
    package = proposed.package
    if run is not None:
        _print_about_run(app, run)
    if package is None:
        app.out.note("no package was found here: add functions under `targets:`", then=f"edit {path}")
        return
    if not proposed.chosen:
        why = "was called" if run is not None else f"of {package.name} ({package.found_by}) looks like a target"
        app.out.note(f"no function {why}: add functions under `targets:`", then=f"edit {path}")
        return
    rest = f", {len(proposed.spare)} more as comments" if proposed.spare else ""
    where = proposed.found_by or f"{package.found_by}, {package.folder}"
    app.out.note(
        f"{counted(len(proposed.chosen), 'target')} of {package.name} ({where}) proposed{rest}",
        then=f"read {path}, then snapagent check",
    )


def _print_about_run(app: App, run: WatchedRun) -> None:
    if run.code:
        app.out.note(f"the program ended with exit code {run.code}")
    unreachable = of_the_main_script(run.functions)
    if unreachable:
        app.out.note(
            f"{_first(unreachable)} cannot be a target: the main script is not imported; move functions to a module"
        )
    failed = unwatched(run.functions)
    if failed:
        app.out.note(f"could not watch {_first(failed)}: add such a function under `targets:` by hand if you want it")


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
