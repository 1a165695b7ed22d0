"""`snapagent clear`: what removes bundles. Each shows first what it would remove, and asks or is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from ..errors import StoreError, TargetNotFoundError
from ..records import Record
from ..store.failures import StoreFailure
from ..store.library import FunctionFolder
from ..store.store import Store
from ..targets import near_matches
from .app import App, json_option, pass_app, store_options
from .choosing import folders, function, is_glob, name_of
from .completing import complete_target
from .output import Column
from .wording import counted

_REMEDIES = {
    "not_writable": "the store is read-only for you",
    "disk_full": "the disk is full",
    "foreign_folder": "the folder belongs to somebody else",
    "locked": "another process holds its lock; try again",
}


class Removal(Record):
    """What a command removes, or would remove, of one function."""

    target: str
    bundles: int
    path: str


@click.command("clear")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option("--pinned", is_flag=True, help="Pinned bundles too.")
@json_option
@store_options
@pass_app
def clear_command(app: App, globs: Sequence[str], yes: bool, dry_run: bool, pinned: bool, as_json: bool) -> None:
    """Remove captured bundles and their counts.

    All functions, or those that the globs match. Pinned bundles stay unless --pinned is given; recorded side effects
    always stay. Asks before anything is removed; without a terminal --yes is needed.

    \b
    Examples:
      snapagent clear --dry-run
      snapagent clear shop.pricing.quote --yes
    """
    store = app.store
    chosen = _chosen(store, globs)
    removals = [_removal(store, folder, pinned) for folder in chosen]
    if not dry_run and chosen:
        if not yes:
            _ask(app, removals)
        with telling_failures():
            removals = [
                removal.replace(bundles=store.clear(folder.name, pinned=pinned))
                for folder, removal in zip(chosen, removals, strict=True)
            ]
    if as_json:
        app.out.json({"dry_run": dry_run, "removed": [removal.as_dict() for removal in removals]})
    else:
        _tell(app, removals, dry_run)


def _chosen(store: Store, globs: Sequence[str]) -> list[FunctionFolder]:
    """The functions that were named; a name that is not there is an error before anything is removed."""
    if not globs:
        return folders(store)
    chosen: dict[str, FunctionFolder] = {}
    for glob in globs:
        found = folders(store, glob) if is_glob(glob) else [function(store, glob)]
        if not found:
            raise TargetNotFoundError(glob, near_matches(glob, [name_of(f) for f in folders(store)]), store.base_path)
        chosen.update((folder.name, folder) for folder in found)
    return list(chosen.values())


def _removal(store: Store, folder: FunctionFolder, pinned: bool) -> Removal:
    entries = store.entries(folder.name)
    number = len(entries) if pinned else sum(not store.is_pinned(entry) for entry in entries)
    return Removal(name_of(folder), number, folder.path)


def _ask(app: App, removals: Sequence[Removal]) -> None:
    total = counted(sum(removal.bundles for removal in removals), "bundle")
    what = f"{total} of {counted(len(removals), 'function')} under {app.base_path}"
    if not sys.stdin.isatty():
        raise click.ClickException(f"{what} would be removed; --yes does it without asking, --dry-run shows them")
    click.echo(f"Remove {what}? [y/N] ", err=True, nl=False)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):  # click's own prompt hides Ctrl-C from us
        raise click.ClickException("nothing was removed")


def _tell(app: App, removals: Sequence[Removal], dry_run: bool) -> None:
    if not removals:
        where = "" if os.path.lexists(app.base_path) else " (it does not exist)"
        app.out.note(f"nothing is captured under {app.base_path}{where}")
        return
    title = "WOULD REMOVE" if dry_run else "REMOVED"
    rows = [(removal.target, f"{removal.bundles:,}") for removal in removals]
    app.out.table((Column("FUNCTION", style="bold", shrinks=2), Column(title, right=True)), rows)


@contextmanager
def telling_failures() -> Iterator[None]:
    """What the disk refuses, in words."""
    try:
        yield
    except StoreFailure as error:
        raise StoreError(f"{error.place}: {_REMEDIES.get(error.reason, error.reason.replace('_', ' '))}") from error
