"""`snapagent clear`, `prune`, `pin`, `unpin`: remove bundles, and protect them from removal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ...core.records import Record
from ...errors import StoreError
from ...store.failures import StoreFailure
from ...store.reader import FunctionFolder
from ...store.writer import Store
from ..app import App, json_option, pass_app, store_options
from ..choosing import bundle, function, matching, name_of
from ..completing import complete_hash, complete_target
from ..terminal.table import Column
from ..terminal.wording import counted, some_of
from ..views.reasons import explain

if TYPE_CHECKING:
    from ...config.reading import Config
    from ...config.settings import Settings


class Removal(Record):
    """Bundles of one function that are removed or, in a dry run, would be; `names` are file names if known."""

    target: str
    bundles: int
    path: str
    names: tuple[str, ...] = ()


@click.command("clear")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed without removing it.")
@click.option("--pinned", is_flag=True, help="Remove pinned bundles too.")
@json_option
@store_options
@pass_app
def clear_command(app: App, globs: Sequence[str], yes: bool, dry_run: bool, pinned: bool, as_json: bool) -> None:
    """Remove captured bundles and their counts.

    Clears all functions, or those that the globs match. Keeps pinned bundles unless --pinned is given; never removes
    recorded side effects. Asks for confirmation; without a terminal, --yes is needed.

    \b
    Examples:
      snapagent clear --dry-run
      snapagent clear shop.pricing.quote --yes
    """
    store = app.store
    chosen = matching(store, globs)
    removals = [_planned(store, folder, pinned) for folder in chosen]
    if not dry_run and chosen:
        if not yes:
            _ask(app, removals)
        total = counted(sum(removal.bundles for removal in removals), "bundle")
        with explaining_failures(), app.out.progress.during(f"removing {total}"):
            removals = [
                removal.replace(bundles=store.clear(folder.name, pinned=pinned))
                for folder, removal in zip(chosen, removals, strict=True)
            ]
    _print(app, removals, dry_run, as_json)


@click.command("prune")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@click.option("--dry-run", is_flag=True, help="Show what would be removed without removing it.")
@click.option("--defaults", "by_defaults", is_flag=True, help="Apply the defaults to functions that are not targets.")
@json_option
@store_options
@pass_app
def prune_command(app: App, globs: Sequence[str], dry_run: bool, by_defaults: bool, as_json: bool) -> None:
    """Apply the retention rules of the configuration now.

    Applies keep, keep_outcomes and max_age of each target; keeps pinned bundles. Skips functions that are not targets
    unless --defaults is given. Also removes leftovers of killed writers.

    \b
    Examples:
      snapagent prune --dry-run
      snapagent prune 'shop.**:**'
    """
    store, config = app.store, app.config
    removals: list[Removal] = []
    ignored: list[str] = []
    with explaining_failures(), app.out.progress.during("pruning"):
        for folder in matching(store, globs):
            settings = _settings(config, folder, by_defaults)
            if settings is None:
                ignored.append(name_of(folder))
                continue
            gone = store.prune(folder.target or folder.name, settings, dry_run=dry_run)
            removals.append(Removal(name_of(folder), len(gone), folder.path, tuple(entry.name for entry in gone)))
        if not dry_run:
            store.sweep()
    _print(app, removals, dry_run, as_json)
    if ignored:
        app.out.note(f"skipped, not a target: {some_of(ignored)}", then="--defaults prunes these too")


def _settings(config: Config | None, folder: FunctionFolder, by_defaults: bool) -> Settings | None:
    from ...config.reading import DEFAULT_CONFIG

    config = config or DEFAULT_CONFIG
    return config.settings_for(folder.target) if by_defaults else config.rule_for(folder.target)


@click.command("pin")
@click.argument("target", shell_complete=complete_target)
@click.argument("hashes", nargs=-1, metavar="[HASH]...", shell_complete=complete_hash)
@json_option
@store_options
@pass_app
def pin_command(app: App, target: str, hashes: Sequence[str], as_json: bool) -> None:
    """Protect bundles from retention.

    Pins the newest bundle without HASH. Pinned bundles do not count towards keep. `snapagent unpin` reverses it.

    \b
    Example:
      snapagent pin shop.pricing.quote 3fa9
    """
    _set_pinned(app, target, hashes, True, as_json)


@click.command("unpin")
@click.argument("target", shell_complete=complete_target)
@click.argument("hashes", nargs=-1, metavar="[HASH]...", shell_complete=complete_hash)
@json_option
@store_options
@pass_app
def unpin_command(app: App, target: str, hashes: Sequence[str], as_json: bool) -> None:
    """Remove the pins of bundles.

    \b
    Example:
      snapagent unpin shop.pricing.quote 3fa9
    """
    _set_pinned(app, target, hashes, False, as_json)


def _set_pinned(app: App, target: str, hashes: Sequence[str], pinned: bool, as_json: bool) -> None:
    store = app.store
    folder = function(store, target)
    entries = [bundle(store, folder, text) for text in hashes or (None,)]
    with explaining_failures(), app.out.progress.during("updating the index"):
        for entry in entries:
            (store.pin if pinned else store.unpin)(entry)
    if as_json:
        app.out.json({"target": name_of(folder), "pinned": pinned, "names": [entry.name for entry in entries]})
        return
    for entry in entries:
        app.out.line("pinned " if pinned else "unpinned ", (entry.short_hash, "cyan"), f"  {entry.name}")


def _planned(store: Store, folder: FunctionFolder, pinned: bool) -> Removal:
    names = store.bundles(folder.name).names if pinned else store.bundles(folder.name).unpinned()
    return Removal(name_of(folder), len(names), folder.path, tuple(names))


def _ask(app: App, removals: Sequence[Removal]) -> None:
    total = counted(sum(removal.bundles for removal in removals), "bundle")
    what = f"{total} of {counted(len(removals), 'function')} under {app.base_path}"
    if not sys.stdin.isatty():
        raise click.ClickException(f"{what} would be removed; --yes removes without asking, --dry-run shows them")
    click.echo(f"Remove {what}? [y/N] ", err=True, nl=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):  # click's prompt would turn Ctrl-C into an answer
        raise click.ClickException("nothing was removed")


def _print(app: App, removals: Sequence[Removal], dry_run: bool, as_json: bool) -> None:
    removals = [removal for removal in removals if removal.bundles]
    if as_json:
        rows = [{**removal.as_dict(), "names": list(removal.names)} for removal in removals]
        app.out.json({"dry_run": dry_run, "removed": rows})
        return
    if not removals:
        where = "" if os.path.lexists(app.base_path) else " (it does not exist)"
        app.out.note(f"nothing to remove under {app.base_path}{where}")
        return
    title = "WOULD REMOVE" if dry_run else "REMOVED"
    cells = [(removal.target, f"{removal.bundles:,}") for removal in removals]
    app.out.table((Column("FUNCTION", style="bold", shrinks=2), Column(title, right=True)), cells)


@contextmanager
def explaining_failures() -> Iterator[None]:
    """Turn a StoreFailure into a StoreError with an explanation and a remedy."""
    try:
        yield
    except StoreFailure as error:
        meaning, remedy = explain(error.reason)
        raise StoreError(f"{error.place}: {meaning}; {remedy}") from error
