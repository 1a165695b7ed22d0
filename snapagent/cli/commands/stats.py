"""`snapagent stats`: counts of the store with small charts, and the argument shapes that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from ...config.units import format_size
from ..app import App, json_option, pass_app, store_options
from ..choosing import matching
from ..completing import complete_target
from ..terminal.wording import counted, local_time
from ..views.statistics import Statistics, statistics

_BLOCKS = "▁▂▃▄▅▆▇█"
_BAR = 30  # characters of the longest bar
_SHAPES = 12  # of one function that are printed


@click.command("stats")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@json_option
@store_options
@pass_app
def stats_command(app: App, globs: Sequence[str], as_json: bool) -> None:
    """Show counts over time, sizes, outcomes and argument shapes.

    \b
    Examples:
      snapagent stats
      snapagent stats shop.pricing.quote --json
    """
    with app.out.progress.during("counting bundles"):
        found = statistics(app.store, matching(app.store, globs))
    if as_json:
        app.out.json(found.to_json())
    elif not found.bundles and not found.calls:
        app.out.note(f"nothing is captured under {app.base_path}", then="snapagent status")
    else:
        _print(app, found)


def _print(app: App, found: Statistics) -> None:
    app.out.line(
        (f"{counted(found.bundles, 'bundle')}", "bold"),
        f" of {counted(found.functions, 'function')}, {format_size(found.bytes)};"
        f" {counted(found.calls, 'call')}, {found.captured:,} captured",
    )
    if found.over_time:
        app.out.line("")
        app.out.line(("over time  ", "bold"), (_sparkline([number for _, number in found.over_time]), "green"))
        app.out.line((f"           {_period([start for start, _ in found.over_time])}", "dim"))
    _bars(app, "outcomes", found.outcomes, "cyan")
    _shapes(app, found.shapes)
    _dependencies(app, found.dependencies)
    _bars(app, "sizes up to", found.sizes, "blue")
    _bars(app, "not captured", {**found.failed, **found.skipped}, "yellow")
    if found.headers_read < found.bundles:
        app.out.note(f"outcomes and shapes count only the newest {found.headers_read:,} of {found.bundles:,} bundles")


def _shapes(app: App, shapes: Mapping[str, Mapping[str, int]]) -> None:
    """The argument shapes of each function, the most frequent first."""
    if not shapes:
        return
    app.out.line("")
    app.out.line(("argument shapes", "bold"))
    for function, numbers in shapes.items():
        app.out.line(("  ", ""), (function, "cyan"))
        for shape, number in list(numbers.items())[:_SHAPES]:
            app.out.folded(f"    {number:>6,}  {shape}", lead=" " * 14)
        if len(numbers) > _SHAPES:
            app.out.line((f"            ... {counted(len(numbers) - _SHAPES, 'more', 'more')}", "dim"))


def _dependencies(app: App, counts: Mapping[str, Mapping[str, int]]) -> None:
    """What the newest bundles of each function asked of the world."""
    if not counts:
        return
    app.out.line("")
    app.out.line(("calls of dependencies", "bold"), (" in the newest bundles of each function", "dim"))
    width = max(map(len, counts))
    for name, of_role in counts.items():
        numbers = f"{counted(of_role['reads'], 'read')}, {counted(of_role['writes'], 'write')}"
        app.out.line(("  ", ""), (f"{name:<{width}}", "cyan"), f"  {numbers}")


def _period(starts: Sequence[str]) -> str:
    """The legend of the sparkline; days are in UTC."""
    first, last = (local_time(start)[:16] for start in (starts[0], starts[-1]))
    if len(starts) == 1:
        return f"one hour from {first}"
    slot = "day" if starts[0][11:] == starts[1][11:] else "hour"
    return f"{first} to {last}, one bar per {slot}"


def _bars(app: App, title: str, numbers: Mapping[str, int], style: str) -> None:
    if not numbers:
        return
    app.out.line("")
    app.out.line((title, "bold"))
    label_width = max(len(name) for name in numbers)
    digits = max(len(f"{number:,}") for number in numbers.values())
    for name, number in numbers.items():
        bar = "█" * max(round(_BAR * number / max(numbers.values())), 1)
        app.out.line(f"  {name:<{label_width}}  {number:>{digits},}  ", (bar, style))


def _sparkline(numbers: Sequence[int]) -> str:
    most = max(numbers)
    return "".join(_BLOCKS[-(-number * (len(_BLOCKS) - 1) // most)] if number else " " for number in numbers)
