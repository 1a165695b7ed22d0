"""`snapagent diff`: compare two bundles of one function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ...bundle import Header
from ...core.short_hashes import short_hash
from ..app import App, json_option, pass_app, store_options
from ..choosing import bundle, function, newest_two
from ..completing import complete_hash, complete_target
from ..group import PROBLEM
from ..terminal.table import Column
from ..terminal.wording import counted, local_time
from ..views.effects import effect_changes
from ..views.tree import SIGNS, Change, changes


@click.command("diff")
@click.argument("target", shell_complete=complete_target)
@click.argument("before", required=False, metavar="[A", shell_complete=complete_hash)
@click.argument("after", required=False, metavar="B]", shell_complete=complete_hash)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; only set the exit code.")
@json_option
@store_options
@pass_app
def diff_command(app: App, target: str, before: str | None, after: str | None, quiet: bool, as_json: bool) -> None:
    """Compare two bundles of one function, by path.

    A and B are hash prefixes or file names. Without B, A is compared with the newest; without both, the newest two
    are compared. Exits 1 when they differ. Uses only the previews in the headers and runs no code.

    \b
    Examples:
      snapagent diff shop.pricing.quote
      snapagent diff shop.pricing.quote 3fa9 77c0
    """
    store = app.store
    folder = function(store, target)
    if before is None:
        one, other = newest_two(store, folder)
    else:
        one, other = bundle(store, folder, before), bundle(store, folder, after)
    headers = store.header(one), store.header(other)
    found = (*changes(*headers), *effect_changes(*headers))
    if as_json:
        app.out.json(diff_fields(headers, (one.name, other.name), found))
    elif not quiet:
        print_difference(app, headers, found)
    if found:
        raise click.exceptions.Exit(PROBLEM)


def diff_fields(headers: Sequence[Header], names: Sequence[str], found: Sequence[Change]) -> dict[str, Any]:
    """What `--json` prints of two bundles."""
    sides = [
        {"name": name, "hash": header.hash, "timestamp": header.timestamp, "outcome": header.outcome_kind}
        for name, header in zip(names, headers, strict=True)
    ]
    return {
        "target": headers[0].target,
        "before": sides[0],
        "after": sides[1],
        "different": bool(found),
        "changes": [change.as_dict() for change in found],
    }


def print_difference(app: App, headers: tuple[Header, Header], found: Sequence[Change]) -> None:
    """The difference of two bundles for people."""
    before, after = (f"{short_hash(h.hash)}  {local_time(h.timestamp)}  {h.outcome_kind}" for h in headers)
    app.out.line((headers[0].target, "bold"))
    app.out.line(("- ", "red"), (before, "red"))
    app.out.line(("+ ", "green"), (after, "green"))
    app.out.line("")
    if not found:
        app.out.line("equal arguments, equal outcome" if headers[0].hash == headers[1].hash else "equal")
        return
    columns = (Column("PATH", style="cyan"), Column("BEFORE", style="red"), Column("AFTER", style="green"))
    rows = [(f"{SIGNS[change.kind]} {change.path}", change.before, change.after) for change in found]
    if app.out.width is not None and app.out.has_room_for(columns, rows):
        app.out.table(columns, rows)
    else:  # a table would cut values, perhaps before they differ
        for change in found:
            _print_stacked(app, change)
    app.out.note(f"{counted(len(found), 'difference')}{_hidden_remark(found)}")


def _print_stacked(app: App, change: Change) -> None:
    app.out.line((change.path, "cyan"))
    if change.kind != "added":
        app.out.folded(("  - ", "red"), (change.before, "red"), lead="    ")
    if change.kind != "removed":
        app.out.folded(("  + ", "green"), (change.after, "green"), lead="    ")


def _hidden_remark(found: Sequence[Change]) -> str:
    hidden = any(change.kind == "hidden" for change in found)
    return "; the previews in the headers do not show all values" if hidden else ""
