"""`snapagent new-test`: write tests of functions from their bundles, and try them out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

import click

from ...bundle import EFFECTS, Header
from ...config.targets import Target
from ...core.records import Record
from ...core.short_hashes import short_hash
from ...dependencies.tape import StoredEffect, decode_effects
from ...errors import SnapagentError
from ...store.layout import BundleEntry
from ...store.reader import FunctionFolder, StoreReader
from ..app import App, pass_app, setup_option, store_options
from ..choosing import is_glob, matching, name_of
from ..completing import complete_target
from ..group import PROBLEM, UnknownNameError
from ..inline import write_inline
from ..source.facsimiles import missing_values
from ..source.modules import SourceFinder, default_search_path
from ..source.new_test import NewTest, file_name_of, file_source
from ..source.side_effects import find_side_effects
from ..terminal.wording import counted
from ..trial import Progress, Stage, Trial
from ..workers.pool import Task
from ..workers.tasks import tasks_of, variables_for, with_settings
from ..writing import refuse_existing, write_new
from .facsimile import INSPECTED, headers_of

Files = dict[str | None, list[str]]  # path, None for stdout -> the targets whose tests it gets

_RANDOM_STATE = "random:getstate"
_SHOWN = 10  # bundles that do not pass, in words


class _Written(Record):
    """The test of one function, and what its trial has shown."""

    test: NewTest
    trial: Trial


@click.command("new-test")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=complete_target)
@click.option("-o", "--output", "path", metavar="FILE|DIR", help="Write to FILE, or to a file for each module in DIR.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@click.option("--snapshot", is_flag=True, help="Compare with syrupy's snapshot instead of the captured outcome.")
@click.option("--inline", is_flag=True, help="Write plain tests with literal values, a function for each bundle.")
@setup_option
@click.option("--allow-io", is_flag=True, help="Allow connections, databases and changes of files while trying.")
@store_options
@pass_app
def new_test_command(
    app: App,
    targets: Sequence[str],
    path: str | None,
    force: bool,
    snapshot: bool,
    inline: bool,
    setup: str | None,
    allow_io: bool,
) -> None:
    """Write tests of functions from their bundles.

    A test gets one test id per bundle. Arguments that the bundles lack become stand-ins to fill in. Before it writes a
    file, it replays each bundle twice: what differs between two replays of the same code is left out of the comparison,
    and only stand-ins that calls use are written. It says which bundles do not pass, and why, and then exits 1. Without
    -o it prints what the source alone tells, and replays nothing.

    With --inline the tests need neither bundles nor snapagent: arguments and outcome are Python code, and the set-up
    stands at the top of the file. It says for which bundles that cannot be, and because of which value.

    \b
    Examples:
      snapagent new-test shop.pricing.quote
      snapagent new-test shop.orders:OrderService.place -o tests/test_place.py
      snapagent new-test 'shop.**' -o tests
      snapagent new-test shop.pricing.quote --inline -o tests/test_quote.py
    """
    folders = _testable(app, targets)
    files = _files(folders, path)
    if not force:
        for file in files:
            if file is not None:
                refuse_existing(file)
    stage = Stage(variables_for(app), _progress(app), setup=setup, allow_io=allow_io)
    if inline:
        passed = _write_inline(app, folders, files, stage, force)
    else:
        passed = _write_replaying(app, folders, files, None if path is None else stage, snapshot, force)
    if setup is not None and setup != _configured_setup(app) and not inline:
        app.out.note("pytest takes the set-up from the YAML", then=f"add `setup: {setup}` to it")
    if not passed:
        raise click.exceptions.Exit(PROBLEM)


def _write_replaying(
    app: App, folders: Sequence[FunctionFolder], files: Files, stage: Stage | None, snapshot: bool, force: bool
) -> bool:
    """Write tests that replay bundles. Whether all of them pass, as far as they were tried."""
    written = _written(app, folders, snapshot, stage)
    for file, names in files.items():
        _put(app, file, file_source([one.test for one in written if one.test.target in names]), force)
    _print_next_steps(app, written, _shown_path(files))
    return not any(one.trial.failing for one in written)


def _write_inline(app: App, folders: Sequence[FunctionFolder], files: Files, stage: Stage, force: bool) -> bool:
    """Write tests with literal values. Whether there are some, and today's code passes."""
    tasks = with_settings([task for folder in folders for task in tasks_of(app.store, folder)])
    asking = dict(_asking(app.store, folders))
    found = write_inline(tasks, stage.try_out(tasks), asking, variables_for(app), stage.setup or _configured_setup(app))
    for file, names in files.items():
        text = found.source_for(names)
        if text:
            _put(app, file, text, force)
    for one in found.refused[:_SHOWN]:
        app.out.note(f"{one.target} {short_hash(one.hash)} is left out: {one.reason}")
    if len(found.refused) > _SHOWN:
        app.out.note(f"{len(found.refused) - _SHOWN} more bundles are left out")
    failing = sum(one.fails_today for one in found.refused)
    passing = f", {counted(failing, 'bundle')} failed today" if failing else ", all pass" if found.tests else ""
    replaying = "leave out --inline for the others: such a test replays the bundle" if found.refused else None
    app.out.note(f"{counted(len(found.tests), 'test')} of {counted(len(tasks), 'bundle')}{passing}", then=replaying)
    return bool(found.tests) and not failing


def _configured_setup(app: App) -> str | None:
    return app.config.setup if app.config is not None else None


def _asking(store: StoreReader, folders: Sequence[FunctionFolder]) -> Iterator[tuple[str, str]]:
    """File name and dependency of the bundles that asked one; the state of the random generator aside."""
    for folder in folders:
        for entry in store.bundles(folder.name):
            asked = [effect.dependency for effect in _effects(store, entry) if effect.dependency != _RANDOM_STATE]
            if asked:
                yield entry.name, asked[0]


def _shown_path(files: Files) -> str | None:
    """What pytest is to be given: the file, or the folder of several."""
    first = next(iter(files), None)
    return first if len(files) < 2 or first is None else os.path.dirname(first)


def _put(app: App, file: str | None, text: str, force: bool) -> None:
    if file is None:
        app.out.raw(text)
    else:
        write_new(file, text, force=force)
        app.out.line("wrote ", (file, "bold"))


def _progress(app: App) -> Progress:
    return lambda results, total: app.out.progress.over(results, "replayed", total)


def _testable(app: App, targets: Sequence[str]) -> list[FunctionFolder]:
    """The functions that are named, those of the main script aside: no test can import it.

    Functions without bundles, that a glob matches, are left out too. Raises BundleNotFoundError for one that is named.
    """
    found = matching(app.store, targets)
    empty = [folder for folder in found if not app.store.bundles(folder.name)]
    if empty and not all(is_glob(target) for target in targets):
        app.store.newest(empty[0].name)  # raises the error that says so
    found = [folder for folder in found if folder not in empty]
    if not found:
        raise UnknownNameError("none of these functions has bundles")
    unreachable = [name_of(folder) for folder in found if _is_of_main_script(folder)]
    if unreachable and (len(unreachable) == len(found) or not all(is_glob(target) for target in targets)):
        raise click.ClickException(
            f"{unreachable[0]} is defined in the main script, which a test cannot import; move it to a module"
        )
    if unreachable:
        app.out.note(f"left out, because the main script defines them: {', '.join(unreachable)}")
    return [folder for folder in found if folder.target is not None and not _is_of_main_script(folder)]


def _is_of_main_script(folder: FunctionFolder) -> bool:
    return Target.parse(name_of(folder)).module == "__main__"


def _files(folders: Sequence[FunctionFolder], path: str | None) -> Files:
    """One file, or one for each module when `path` is a folder."""
    names = [name_of(folder) for folder in folders]
    if path is None or (path.endswith(".py") and not os.path.isdir(path)):
        return {path: names}
    found: Files = {}
    for name in names:
        found.setdefault(os.path.join(path, file_name_of(name)), []).append(name)
    return found


def _written(app: App, folders: Sequence[FunctionFolder], snapshot: bool, stage: Stage | None) -> list[_Written]:
    tasks = with_settings([task for folder in folders for task in tasks_of(app.store, folder)])
    trials = stage.try_out(tasks) if stage is not None else {}
    finder = SourceFinder(default_search_path(os.getcwd()))
    base_path = os.path.relpath(app.base_path) if app.captures_dir is not None else None
    written = []
    for folder in folders:
        name = name_of(folder)
        own = [task for task in tasks if task.target == name]
        headers = headers_of(app.store, folder, None)
        plain = NewTest(name, len(own), base_path=base_path, snapshot=snapshot)
        if stage is None:
            written.append(_Written(_from_source(plain, headers, _served_paths(app.store, folder), finder), Trial()))
        else:
            written.append(_from_trial(plain, trials.get(name, Trial()), headers, own, stage, finder))
    return written


def _from_source(test: NewTest, headers: list[Header], served: set[str], finder: SourceFinder) -> NewTest:
    """The test with all stand-ins and side effects that it may need, as far as headers and the source tell."""
    values = tuple(value for value in missing_values(headers, finder) if value.path not in served)
    if any(header.effects for header in headers):
        return test.replace(missing_values=values)
    found = find_side_effects(test.target, finder)
    return test.replace(missing_values=values, patches=found.patches, causes=found)


def _served_paths(store: StoreReader, folder: FunctionFolder) -> set[str]:
    """The placeholders for which replay has stand-ins, because calls on them were recorded. Nothing is unpickled."""
    entries = store.bundles(folder.name)[-INSPECTED:]
    receivers = (effect.receiver for entry in entries for effect in _effects(store, entry))
    return {receiver for receiver in receivers if receiver is not None}


def _effects(store: StoreReader, entry: BundleEntry) -> list[StoredEffect]:
    """The effects of a bundle; none when it has no tape, or cannot be read."""
    with suppress(SnapagentError, KeyError, ValueError):
        data = store.part(store.read(entry), EFFECTS)
        return [effect for effect in decode_effects(data) if isinstance(effect, StoredEffect)]
    return []


def _from_trial(
    test: NewTest, trial: Trial, headers: list[Header], tasks: Sequence[Task], stage: Stage, finder: SourceFinder
) -> _Written:
    """The test with what it takes to pass: places to ignore, stand-ins, and side effects that no tape serves."""
    values = tuple(value for value in missing_values(headers, finder) if value.path in trial.needs)
    if values:
        test = test.replace(missing_values=values)
        needs = trial.needs
        trial = stage.try_with(tasks, file_source([test]).replace("import pytest\n", "", 1).partition("@pytest")[0])
        trial = trial.replace(needs=needs)
    if not any(header.effects for header in headers):
        found = find_side_effects(test.target, finder)
        more = {"patches": found.patches} if trial.failing else {"causes": found} if trial.ignore else {}
        test = test.replace(**more)
    return _Written(test.replace(ignore=trial.ignore), trial)


def _print_next_steps(app: App, written: Sequence[_Written], path: str | None) -> None:
    failing = [result for one in written for result in one.trial.failing]
    for result in failing[:_SHOWN]:
        which = f"{result.task.target} {short_hash(result.task.hash)}"
        app.out.note(f"{which} does not pass: {result.kind}: {result.why}")
    if len(failing) > _SHOWN:
        app.out.note(f"{len(failing) - _SHOWN} more bundles do not pass")
    missing = sum(len(one.test.missing_values) for one in written)
    steps = [f"fill in {counted(missing, 'stand-in')}"] if missing and (failing or path is None) else []
    record = "SIDE_EFFECT_CAPTURE=True " if any(one.test.patches for one in written) else ""
    steps.append(f"{record}pytest {path or 'FILE'}")
    bundles = counted(sum(one.test.bundles for one in written), "bundle")
    tests = "a test" if len(written) == 1 else f"{len(written)} tests"
    passing = "" if failing or path is None else ", all pass"
    app.out.note(f"{tests} with {bundles}{passing}", then=", then ".join(steps))
