"""`snapagent list`: the captured functions, or the bundles of one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from string import hexdigits

import click

from ...config.units import parse_duration, parse_size
from ...store.reader import FunctionFolder
from ..app import App, json_option, pass_app, store_options
from ..choosing import fitting, folders, function, is_glob, name_of
from ..completing import complete_target
from ..group import PROBLEM
from ..terminal.table import Column
from ..terminal.wording import ago, shown_path, some_of
from ..views.reasons import nothing_captured
from ..views.rows import (
    BUNDLE_COLUMNS,
    BUNDLE_ORDERS,
    BundleRow,
    FunctionRow,
    Selection,
    abbreviations,
    bundle_cells,
    configured_without_bundles,
    function_row,
    selected_rows,
    unreadable,
)

_ON_A_TERMINAL = 50  # bundles shown without --limit; a pipe gets all

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
@click.option("--newer", metavar="AGE", help="Only bundles younger than this: 2h, 30d ...")
@click.option("--older", metavar="AGE", help="Only bundles older than this.")
@click.option("--larger", metavar="SIZE", help="Only bundles larger than this: 64kB, 1MB ...")
@click.option("--trace", metavar="ID", help="Only bundles of this trace (OpenTelemetry), of all functions.")
@click.option(
    "--sort",
    type=click.Choice([*_FUNCTION_ORDER, *BUNDLE_ORDERS]),
    metavar="ORDER",
    help="Functions by name, newest, calls, bundles or failed; bundles by time, size or duration. "
    "[default: name, or time]",
)
@click.option("-r", "--reverse", is_flag=True, help="Reverse the order.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show at most N rows; 0 shows all. [default: all, but 50 bundles on a terminal]",
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
    trace: str | None,
    sort: str | None,
    reverse: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """List captured functions, or the bundles of one.

    Without GLOB, lists every function with its calls, the reasons why calls were not captured, and the newest bundle.
    With the name of one function, lists its bundles, the newest first. With --trace, lists the bundles of a trace.

    \b
    Examples:
      snapagent list
      snapagent list 'shop.**:*' --sort calls
      snapagent list shop.pricing.quote --outcome raised --newer 2h
      snapagent list --trace 4bf92f3577b34da6a3ce929d0e0e4736
    """
    selection = _selection(outcome, newer, older, larger, sort, reverse).replace(trace=_trace(trace))
    if trace is not None and (glob is None or is_glob(glob)):
        _list_trace(app, glob, selection, limit, as_json)
        return
    if glob is not None and not is_glob(glob):
        _list_bundles(app, glob, selection, limit, as_json)
        return
    if selection.is_narrowed:
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
    _print_hints(app, glob, [name_of(folder) for folder in chosen])
    closed = unreadable(known)
    if closed:
        app.out.note(
            f"this user may not read {some_of([shown_path(path) for path in closed])}", then="run this as their owner"
        )
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
    failed = [
        f"failed: {reason} {number:,}" + (f" of {number + row.skipped[reason]:,}" if reason in row.skipped else "")
        for reason, number in sorted(row.failed.items())
    ]
    lost = [f"{reason} {number:,}" for reason, number in sorted(row.skipped.items()) if reason not in row.failed]
    newest = ago(row.newest) if row.newest else "-"
    calls = (f"{row.bundles:,}", f"{row.calls:,}", f"{row.captured:,}")
    return (row.target, *calls, newest, ", ".join([*failed, *lost]) or "-")


def _print_hints(app: App, glob: str | None, names: list[str]) -> None:
    """Point out what is missing and the next step."""
    if glob is not None:
        if not names:
            app.out.note(f"no captured function matches {glob!r}", then="snapagent list")
        return
    config = app.config
    if not names:
        next_step = "snapagent run --on -- YOUR COMMAND" if config is not None else "snapagent init"
        app.out.note(nothing_captured(app.base_path), then=next_step)
        return
    missing = configured_without_bundles(config, names) if config is not None else ()
    if missing:
        have = "is a target without bundles" if len(missing) == 1 else "are targets without bundles"
        app.out.note(f"{some_of(missing)} {have}", then=f"snapagent check, snapagent why {missing[0]}")


def _list_trace(app: App, glob: str | None, selection: Selection, limit: int | None, as_json: bool) -> None:
    """The bundles of a trace, function by function."""
    known = folders(app.store) if glob is None else fitting(folders(app.store), glob)
    found = chain.from_iterable(_rows_of(app, folder, selection) for folder in known)
    shown = islice(found, limit or None)
    if as_json:
        app.out.json_stream(row.to_json() for row in shown)
        return
    columns = (Column("FUNCTION", style="bold", shrinks=1), *BUNDLE_COLUMNS)
    if not app.out.table(columns, ((row.target, *bundle_cells(row, None)) for row in shown)):
        app.out.note(f"no bundle of the trace {selection.trace}", then="snapagent list")


def _rows_of(app: App, folder: FunctionFolder, selection: Selection) -> Iterator[BundleRow]:
    bundles = app.store.bundles(folder.name)
    return selected_rows(
        app.store, name_of(folder), bundles, selection, lambda items, total: app.out.over(items, "read", total)
    )


def _list_bundles(app: App, name: str, selection: Selection, limit: int | None, as_json: bool) -> None:
    if selection.sort not in BUNDLE_ORDERS:
        raise click.UsageError(f"Bundles are sorted by {', '.join(BUNDLE_ORDERS)}, not by {selection.sort}.")
    folder = function(app.store, name)
    bundles = app.store.bundles(folder.name)
    found = _rows_of(app, folder, selection)
    by_default = _ON_A_TERMINAL if app.out.is_terminal and not as_json else 0
    shown = islice(found, (by_default if limit is None else limit) or None)
    if as_json:
        app.out.json_stream(row.to_json() for row in shown)
        return
    shortest = abbreviations(bundles) if app.out.is_terminal else None
    number = app.out.table(BUNDLE_COLUMNS, (bundle_cells(row, shortest) for row in shown))
    if not number:
        match = " matches" if selection.is_narrowed else ""
        app.out.note(f"no bundle of {name_of(folder)}{match}", then=f"snapagent why {name}")
    elif limit is None and number == by_default and number < len(bundles):
        some = "the first" if selection.is_narrowed else f"of {len(bundles):,} bundles the first"
        app.out.note(f"{some} {number} are shown", then=f"snapagent list {name} -n 0 shows all")


def _selection(
    outcome: str | None, newer: str | None, older: str | None, larger: str | None, sort: str | None, reverse: bool
) -> Selection:
    return Selection(
        outcome,
        _parsed(parse_duration, newer, "--newer"),
        _parsed(parse_duration, older, "--older"),
        _parsed(parse_size, larger, "--larger"),
        sort or "time",
        reverse,
    )


def _trace(text: str | None) -> str | None:
    """The id of a trace, or its beginning, as bundles have it."""
    if text is None:
        return None
    digits = text.strip().lower()
    if not digits or len(digits) > 32 or not set(digits) <= set(hexdigits):
        raise click.BadParameter("a trace id has up to 32 hexadecimal digits.", param_hint="--trace")
    return digits


def _parsed(parse: Callable[[str], float], text: str | None, option: str) -> float | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
