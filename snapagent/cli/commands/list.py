"""`snapagent list`: what was captured, by function, or the bundles of one function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import islice

import click

from ...config.units import parse_duration, parse_size
from ..app import App, json_option, pass_app, store_options
from ..choosing import fitting, folders, function, is_glob, name_of
from ..completing import complete_target
from ..group import PROBLEM
from ..terminal.table import Column
from ..terminal.wording import ago
from ..views.rows import (
    COLUMNS,
    ORDERS,
    FunctionRow,
    Wanted,
    abbreviations,
    cells,
    closed_words,
    configured_without_bundles,
    function_row,
    rows,
    unreadable,
)

_ON_A_TERMINAL = 50  # bundles shown to a person who set no limit; pipes get all

_FUNCTION_ORDER: dict[str, tuple[Callable[[FunctionRow], object], bool]] = {  # name -> key, whether largest first
    "name": (lambda row: row.target, False),
    "newest": (lambda row: row.newest or "", True),
    "calls": (lambda row: row.calls, True),
    "bundles": (lambda row: row.bundles, True),
    "failed": (lambda row: sum(row.failed.values()), True),
}


@click.command("list")
@click.argument("glob", required=False, shell_complete=complete_target)
@click.option("--outcome", metavar="KIND", help="Only bundles that returned, raised, or raised this exception type.")
@click.option("--newer", metavar="AGE", help="Only bundles of the last 2h, 30d ...")
@click.option("--older", metavar="AGE", help="Only bundles before that.")
@click.option("--larger", metavar="SIZE", help="Only bundles of more than 64kB, 1MB ...")
@click.option(
    "--sort",
    type=click.Choice([*_FUNCTION_ORDER, *ORDERS]),
    metavar="ORDER",
    help="Functions by name, newest, calls, bundles or failed; bundles by time, size or duration. "
    "[default: name, or time]",
)
@click.option("-r", "--reverse", is_flag=True, help="The other way round.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="At most so many rows; 0 shows all. [default: all, but 50 bundles on a terminal]",
)
@json_option
@store_options
@pass_app
def list_command(
    app: App,
    glob: str | None,
    outcome: str | None,
    newer: str | None,
    older: str | None,
    larger: str | None,
    sort: str | None,
    reverse: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """List captured functions, or the bundles of one.

    Without GLOB: every function with its calls, what became of them, and the newest bundle. With the name of one
    function: its bundles, the newest first.

    \b
    Examples:
      snapagent list
      snapagent list 'shop.**:*' --sort calls
      snapagent list shop.pricing.quote --outcome raised --newer 2h
    """
    wanted = _wanted(outcome, newer, older, larger, sort, reverse)
    if glob is not None and not is_glob(glob):
        _list_bundles(app, glob, wanted, limit, as_json)
        return
    if wanted.leaves_some_out:
        raise click.UsageError("--outcome, --newer, --older and --larger need the name of one function.")
    _list_functions(app, glob, sort or "name", reverse, limit, as_json)


def _list_functions(app: App, glob: str | None, sort: str, reverse: bool, limit: int | None, as_json: bool) -> None:
    if sort not in _FUNCTION_ORDER:
        raise click.UsageError(f"Functions are sorted by {', '.join(_FUNCTION_ORDER)}, not by {sort}.")
    known = folders(app.store)
    chosen = known if glob is None else fitting(known, glob)
    found: Iterable[FunctionRow] = (function_row(app.store, folder) for folder in chosen)
    if sort != "name" or reverse:
        key, descending = _FUNCTION_ORDER[sort]
        found = sorted(found, key=key, reverse=descending != reverse)  # type: ignore[arg-type]
    shown = islice(found, limit or None)
    if as_json:
        app.out.json_stream(row.to_json() for row in shown)
    else:
        app.out.table(_FUNCTION_COLUMNS, (_function_cells(row) for row in shown))
    _remark(app, glob, [name_of(folder) for folder in chosen])
    closed = unreadable(known)
    if closed:
        app.out.note(f"this user may not read {closed_words(closed)}", then="look as their owner")
        raise click.exceptions.Exit(PROBLEM)


_FUNCTION_COLUMNS = (
    Column("FUNCTION", style="bold", shrinks=2),
    Column("BUNDLES", right=True),
    Column("CALLS", right=True),
    Column("CAPTURED", right=True, spare=True),
    Column("NEWEST", style="green"),
    Column("NOT CAPTURED", style="yellow", shrinks=1),
)


def _function_cells(row: FunctionRow) -> tuple[str, ...]:
    lost = [f"{reason} {number:,}" for reason, number in sorted(row.skipped.items())]
    failed = [f"failed: {reason} {number:,}" for reason, number in sorted(row.failed.items())]
    newest = ago(row.newest) if row.newest else "-"
    calls = (f"{row.bundles:,}", f"{row.calls:,}", f"{row.captured:,}")
    return (row.target, *calls, newest, ", ".join([*failed, *lost]) or "-")


def _remark(app: App, glob: str | None, names: list[str]) -> None:
    """What is missing, and the next step."""
    if glob is not None:
        if not names:
            app.out.note(f"nothing captured fits {glob!r}", then="snapagent list")
        return
    config = app.config
    if not names:
        where = "it does not exist yet" if not os.path.lexists(app.base_path) else "it is empty"
        begin = "snapagent run --on -- YOUR COMMAND" if config is not None else "snapagent init"
        app.out.note(f"nothing is captured under {app.base_path} ({where})", then=begin)
        return
    missing = configured_without_bundles(config, names) if config is not None else ()
    if missing:
        some = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        have = "is a target and has nothing" if len(missing) == 1 else "are targets and have nothing"
        app.out.note(f"{some} {have}", then=f"snapagent check, snapagent why {missing[0]}")


def _list_bundles(app: App, name: str, wanted: Wanted, limit: int | None, as_json: bool) -> None:
    if wanted.sort not in ORDERS:
        raise click.UsageError(f"Bundles are sorted by {', '.join(ORDERS)}, not by {wanted.sort}.")
    folder = function(app.store, name)
    bundles = app.store.bundles(folder.name)
    found = rows(app.store, name_of(folder), bundles, wanted, lambda items, total: app.out.over(items, "read", total))
    by_default = _ON_A_TERMINAL if app.out.is_terminal and not as_json else 0
    shown = islice(found, (by_default if limit is None else limit) or None)
    if as_json:
        app.out.json_stream(row.to_json() for row in shown)
        return
    shortest = abbreviations(bundles) if app.out.is_terminal else None
    number = app.out.table(COLUMNS, (cells(row, shortest) for row in shown))
    if not number:
        fits = " fits" if wanted.leaves_some_out else ""
        app.out.note(f"no bundle of {name_of(folder)}{fits}", then=f"snapagent why {name}")
    elif limit is None and number == by_default and number < len(bundles):
        some = "the first" if wanted.leaves_some_out else f"of {len(bundles):,} bundles the first"
        app.out.note(f"{some} {number} are shown", then=f"snapagent list {name} -n 0 shows all")


def _wanted(
    outcome: str | None, newer: str | None, older: str | None, larger: str | None, sort: str | None, reverse: bool
) -> Wanted:
    return Wanted(
        outcome,
        _parsed(parse_duration, newer, "--newer"),
        _parsed(parse_duration, older, "--older"),
        _parsed(parse_size, larger, "--larger"),
        sort or "time",
        reverse,
    )


def _parsed(parse: Callable[[str], float], text: str | None, option: str) -> float | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
