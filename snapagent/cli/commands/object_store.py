"""`snapagent list`, `show`, `diff` and `prune` when they are given the URL of an object store."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from ...config.units import format_size, parse_duration
from ..app import App, json_option, pass_app, store_options
from ..choosing import is_glob
from ..group import PROBLEM, UnknownNameError
from ..remote import fitting_folders, opened, opened_source, remote_failures
from ..terminal.table import Column
from ..terminal.wording import ago, counted, local_time
from ..views.tree import changes
from .diff import diff_fields, print_difference
from .pull import parse_keep
from .show import header_fields, print_header

if TYPE_CHECKING:
    from ...remote.browse import RemoteBundle, RemoteFunction
    from ...remote.objects import Found
    from ...remote.sources import Source

_ON_A_TERMINAL = 50  # objects


@click.command("list")
@click.argument("url", metavar="URL")
@click.argument("glob", required=False, metavar="[GLOB]")
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many rows; 0: all.")
@json_option
@store_options
@pass_app
def list_url_command(app: App, url: str, glob: str | None, limit: int | None, as_json: bool) -> None:
    """List the functions of an object store, or the objects of one.

    Everything is from keys, which whoever may write there chooses; pull checks them. Of a function with more than
    1,000 objects the newest 1,000 are counted.

    \b
    Examples:
      snapagent list s3://captures/staging
      snapagent list s3://captures/staging shop.pricing.quote
    """
    from ...remote.browse import function_of, objects_of

    with remote_failures():
        source = opened_source(url)
        if glob is not None and not is_glob(glob):
            _list_objects(app, list(islice(objects_of(source, glob), _limit(app, limit, as_json))), as_json)
            return
        known = source.folders()
        chosen = fitting_folders(known, glob, str(source.url)) if known or glob else []
        rows = [
            function_of(source, folder) for folder in app.out.over(islice(chosen, limit or None), "read", len(chosen))
        ]
    if as_json:
        app.out.json_stream(_function_fields(row) for row in rows)
        return
    app.out.table(_FUNCTION_COLUMNS, [_function_cells(row) for row in rows])
    if not rows:
        app.out.note(f"there is no bundle at {source.url}", then="snapagent push")


def _limit(app: App, limit: int | None, as_json: bool) -> int | None:
    default = _ON_A_TERMINAL if app.out.is_terminal and not as_json else 0
    return (default if limit is None else limit) or None


_FUNCTION_COLUMNS = (
    Column("FUNCTION", style="bold", shrinks=1),
    Column("OBJECTS", right=True),
    Column("SIZE", right=True, spare=True),
    Column("NEWEST", style="green"),
    Column("OUTCOMES", shrinks=2),
)


def _function_cells(row: RemoteFunction) -> tuple[str, ...]:
    newest = ago(_iso(row.newest)) if row.newest is not None else "-"
    objects = f"{row.objects:,}{'+' if row.more else ''}"
    return (row.folder, objects, format_size(row.bytes), newest, ", ".join(row.kinds) or "-")


def _function_fields(row: RemoteFunction) -> dict[str, Any]:
    newest = _iso(row.newest) if row.newest is not None else None
    return {**row.as_dict(), "kinds": list(row.kinds), "newest": newest}


def _list_objects(app: App, found: Sequence[Found], as_json: bool) -> None:
    if as_json:
        app.out.json_stream(_object_fields(one) for one in found)
        return
    columns = (
        Column("TIME"),
        Column("HASH", style="cyan"),
        Column("OUTCOME", shrinks=1),
        Column("SIZE", right=True),
        Column("NAME", spare=True),
    )
    cells = [
        (local_time(_iso(one.key.when)), one.key.digits[:8], one.key.kind, format_size(one.size), one.key.name)
        for one in found
    ]
    app.out.table(columns, cells)
    app.out.note(f"{counted(len(found), 'object')}, by keys that are not verified", then="snapagent pull checks them")


def _object_fields(one: Found) -> dict[str, Any]:
    return {
        "name": one.key.name,
        "hash": one.key.digits,
        "kind": one.key.kind,
        "timestamp": _iso(one.key.when),
        "modified": _iso(one.modified),
        "size": one.size,
        "key": one.key.path,
    }


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="microseconds")


@click.command("show")
@click.argument("url", metavar="URL")
@click.argument("target")
@click.argument("hash_prefix", required=False, metavar="[HASH]")
@click.option("-d", "--depth", type=click.IntRange(min=1), default=1000, metavar="N", help="Levels of the tree.")
@json_option
@store_options
@pass_app
def show_url_command(app: App, url: str, target: str, hash_prefix: str | None, depth: int, as_json: bool) -> None:
    """Show one bundle of an object store, from the first bytes of the object.

    The newest, or the newest with this hash prefix or file name. Says whether the object could be checked.

    \b
    Example:
      snapagent show s3://captures/staging shop.pricing.quote
    """
    from ...remote.browse import choose

    with remote_failures():
        source = opened_source(url)
        bundle = _looked_at(source, choose(source, target, hash_prefix))
    if as_json:
        facts = {"name": bundle.found.key.name, "size": bundle.found.size, "checked": bundle.checked}
        app.out.json({**header_fields(bundle.header), **facts})
        return
    print_header(app, bundle.header, depth)
    app.out.note(f"{source.url}/{bundle.found.key.path}: {bundle.checked}")


@click.command("diff")
@click.argument("url", metavar="URL")
@click.argument("target")
@click.argument("before", required=False, metavar="[A")
@click.argument("after", required=False, metavar="B]")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; only set the exit code.")
@json_option
@store_options
@pass_app
def diff_url_command(
    app: App, url: str, target: str, before: str | None, after: str | None, quiet: bool, as_json: bool
) -> None:
    """Compare two bundles of an object store, by path, from the first bytes of both objects.

    A and B are hash prefixes or file names. Without B, A is compared with the newest; without both, the newest two
    are compared. Exits 1 when they differ.

    \b
    Example:
      snapagent diff s3://captures/staging shop.pricing.quote
    """
    from ...remote.browse import choose, newest_two

    with remote_failures():
        source = opened_source(url)
        if before is None:
            pair = newest_two(source, target)
            if pair is None:
                raise UnknownNameError(f"{target} has fewer than two objects there; a difference needs two")
        else:
            pair = choose(source, target, before), choose(source, target, after)
        one, other = (_looked_at(source, found) for found in pair)
    headers = one.header, other.header
    found = changes(*headers)
    if as_json:
        app.out.json(diff_fields(headers, (one.found.key.name, other.found.key.name), found))
    elif not quiet:
        print_difference(app, headers, found)
        app.out.note(f"{one.found.key.name}: {one.checked}; {other.found.key.name}: {other.checked}")
    if found:
        raise click.exceptions.Exit(PROBLEM)


def _looked_at(source: Source, found: Found) -> RemoteBundle:
    from ...config.environment import signing_keys
    from ...remote.browse import look_at

    return look_at(source, found, signing_keys(os.environ))


@click.command("prune")
@click.argument("url", metavar="URL")
@click.argument("glob", required=False, metavar="[GLOB]")
@click.option("--keep", default="20", metavar="N", show_default=True, help="Different calls that stay per function.")
@click.option(
    "--keep-outcomes",
    type=click.IntRange(min=0),
    default=1,
    metavar="N",
    show_default=True,
    help="Besides them, of each outcome kind that they lack.",
)
@click.option("--max-age", metavar="TIME", help="What is older goes: 30d.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@json_option
@store_options
@pass_app
def prune_url_command(
    app: App,
    url: str,
    glob: str | None,
    keep: str,
    keep_outcomes: int,
    max_age: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove what is surplus from an object store, without asking.

    For one job. What is younger than an hour stays, and so does every object that is not a bundle's.

    \b
    Example:
      snapagent prune s3://captures/staging --keep 20 --max-age 30d
    """
    from ...remote.prune import RemotePrune, prune

    rules = RemotePrune(parse_keep(keep, "--keep"), keep_outcomes, _age(max_age))
    removed: list[tuple[str, list[Found]]] = []
    with remote_failures():
        objects = opened(url)
        known = objects.folders()
        chosen = fitting_folders(known, glob, str(objects.url)) if known or glob else []
        now = time.time()
        for folder in app.out.over(chosen, "pruned functions", len(chosen)):
            removed.append((folder, prune(objects, folder, rules, now, dry_run=dry_run)))
    _print_removed(app, str(objects.url), [(folder, out) for folder, out in removed if out], dry_run, as_json)


def _age(text: str | None) -> float:
    if text is None:
        return math.inf
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--max-age") from None


def _print_removed(
    app: App, url: str, removed: Sequence[tuple[str, Sequence[Found]]], dry_run: bool, as_json: bool
) -> None:
    if as_json:
        rows = [
            {"folder": folder, "objects": len(out), "names": [found.key.name for found in out]}
            for folder, out in removed
        ]
        app.out.json({"url": url, "dry_run": dry_run, "removed": rows})
        return
    title = "WOULD REMOVE" if dry_run else "REMOVED"
    cells = [(folder, f"{len(out):,}") for folder, out in removed]
    app.out.table((Column("FUNCTION", style="bold", shrinks=1), Column(title, right=True)), cells)
    total = sum(len(out) for _, out in removed)
    size = format_size(sum(found.size for _, out in removed for found in out))
    app.out.note(f"{counted(total, 'object')} ({size}) {'would be ' if dry_run else ''}removed from {url}")
