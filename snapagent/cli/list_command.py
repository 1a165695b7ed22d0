"""`snapagent list`: what was captured, by function, or the bundles of one function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice

import click

from ..units import format_duration, format_size, parse_duration, parse_size
from .app import App, json_option, pass_app, store_options
from .choosing import folders, function, is_glob, name_of
from .completing import complete_target
from .listing import BundleRow, FunctionRow, bundle_rows, configured_without_bundles, function_row
from .table import Column
from .wording import ago, counted, local_time, parse_time, short_hash

_ON_A_TERMINAL = 50  # bundles shown to a person who set no limit; pipes get all

_FUNCTION_ORDER: dict[str, tuple[Callable[[FunctionRow], object], bool]] = {  # name -> key, whether largest first
    "name": (lambda row: row.target, False),
    "newest": (lambda row: row.newest or "", True),
    "calls": (lambda row: row.calls, True),
    "bundles": (lambda row: row.bundles, True),
    "failed": (lambda row: sum(row.failed.values()), True),
}
_BUNDLE_ORDER: dict[str, Callable[[BundleRow], float]] = {
    "size": lambda row: row.size,
    "duration": lambda row: row.duration or 0.0,
}


@click.command("list")
@click.argument("glob", required=False, shell_complete=complete_target)
@click.option("--outcome", metavar="KIND", help="Only bundles that returned, raised, or raised this exception type.")
@click.option("--newer", metavar="AGE", help="Only bundles of the last 2h, 30d ...")
@click.option("--older", metavar="AGE", help="Only bundles before that.")
@click.option("--larger", metavar="SIZE", help="Only bundles of more than 64kB, 1MB ...")
@click.option("--sort", type=click.Choice([*_FUNCTION_ORDER, "time", *_BUNDLE_ORDER]), help="[default: name, or time]")
@click.option("-r", "--reverse", is_flag=True, help="The other way round.")
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many rows; 0 shows all.")
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
    wanted = _filter(outcome, newer, older, larger)
    if glob is not None and not is_glob(glob):
        _list_bundles(app, glob, wanted, sort, reverse, limit, as_json)
    else:
        if wanted is not None:
            raise click.UsageError("--outcome, --newer, --older and --larger need the name of one function.")
        _list_functions(app, glob, sort or "name", reverse, limit, as_json)


def _list_functions(app: App, glob: str | None, sort: str, reverse: bool, limit: int | None, as_json: bool) -> None:
    if sort not in _FUNCTION_ORDER:
        raise click.UsageError(f"Functions are sorted by {', '.join(_FUNCTION_ORDER)}, not by {sort}.")
    chosen = folders(app.store, glob)
    rows: Iterator[FunctionRow] | list[FunctionRow] = (function_row(app.store, folder) for folder in chosen)
    if sort != "name" or reverse:
        key, descending = _FUNCTION_ORDER[sort]
        rows = sorted(rows, key=key, reverse=descending != reverse)  # type: ignore[arg-type]
    rows = islice(rows, limit or None)
    if as_json:
        app.out.json_stream(row.to_json() for row in rows)
    else:
        app.out.table(_FUNCTION_COLUMNS, (_function_cells(row) for row in rows))
    _remark(app, glob, [name_of(folder) for folder in chosen])


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


def _list_bundles(
    app: App,
    name: str,
    wanted: Callable[[BundleRow], bool] | None,
    sort: str | None,
    reverse: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    if sort is not None and sort != "time" and sort not in _BUNDLE_ORDER:
        raise click.UsageError(f"Bundles are sorted by time, {', '.join(_BUNDLE_ORDER)}, not by {sort}.")
    folder = function(app.store, name)
    entries = app.store.bundles(folder.name)
    oldest_first = reverse and sort not in _BUNDLE_ORDER
    in_order = entries if oldest_first else reversed(entries)
    rows: Iterator[BundleRow] = filter(wanted, bundle_rows(app.store, name_of(folder), entries, in_order))
    if sort in _BUNDLE_ORDER:
        rows = iter(sorted(rows, key=_BUNDLE_ORDER[sort], reverse=not reverse))
    if limit is None and app.out.is_terminal and not as_json:
        limit = _ON_A_TERMINAL
    shown = islice(rows, limit or None)
    if as_json:
        app.out.json_stream(row.to_json() for row in shown)
        return
    number = app.out.table(_BUNDLE_COLUMNS, (_bundle_cells(row) for row in shown))
    if not number:
        app.out.note(f"no bundle of {name_of(folder)}" + (" fits" if wanted else ""), then=f"snapagent why {name}")
    elif number == limit and next(rows, None) is not None:
        total = counted(len(entries), "bundle")
        app.out.note(f"{number} of {total} shown", then=f"snapagent list {name} -n 0 shows all")


_BUNDLE_COLUMNS = (
    Column("TIME"),
    Column("HASH", style="cyan"),
    Column("OUTCOME"),
    Column("SIZE", right=True, spare=True),
    Column("DURATION", right=True, spare=True),
    Column("ARGUMENTS", shrinks=1),
    Column("RESULT", shrinks=1),
)


def _bundle_cells(row: BundleRow) -> tuple[str, ...]:
    took = format_duration(row.duration) if row.duration is not None else "-"
    kind = f"{row.kind} (pinned)" if row.pinned else row.kind
    size = format_size(row.size) if row.size else "-"
    ended = row.problem or row.ended_with
    return (local_time(row.timestamp), short_hash(row.hash), kind, size, took, row.arguments, ended)


def _filter(
    outcome: str | None, newer: str | None, older: str | None, larger: str | None
) -> Callable[[BundleRow], bool] | None:
    """One test of a row from the options; None when none was given."""
    tests: list[Callable[[BundleRow], bool]] = []
    if outcome is not None:
        tests.append(lambda row: outcome in (row.outcome, row.exception, row.kind))
    if newer is not None:
        youngest = _age(newer, "--newer")
        tests.append(lambda row: _seconds_old(row) <= youngest)
    if older is not None:
        oldest = _age(older, "--older")
        tests.append(lambda row: _seconds_old(row) > oldest)
    if larger is not None:
        try:
            least = parse_size(larger)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--larger") from None
        tests.append(lambda row: row.size > least)
    return (lambda row: all(test(row) for test in tests)) if tests else None


def _age(text: str, option: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _seconds_old(row: BundleRow) -> float:
    import time

    moment = parse_time(row.timestamp)
    return time.time() - moment.timestamp() if moment is not None else 0.0
