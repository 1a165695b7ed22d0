"""`snapagent new-test`: a test file from what was captured."""

from __future__ import annotations

import os

import click

from ..app import App, pass_app, store_options
from ..choosing import function, name_of
from ..completing import complete_target
from ..source.facsimiles import needed
from ..source.modules import Looker, default_search_path
from ..source.new_test import NewTest
from ..source.side_effects import effects_of
from ..terminal.wording import counted
from ..writing import write_new
from .facsimile import headers_of


@click.command("new-test")
@click.argument("target", shell_complete=complete_target)
@click.option("-o", "--output", "path", metavar="FILE", help="Write it there instead of printing it.")
@click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
@click.option("--snapshot", is_flag=True, help="Compare with syrupy's snapshot instead of the captured outcome.")
@store_options
@pass_app
def new_test_command(app: App, target: str, path: str | None, force: bool, snapshot: bool) -> None:
    """Write the test of a function from its bundles.

    One test id per bundle. What was excluded becomes stand-ins to fill in; calls that reach out of the process, as far
    as the source tells, become `side_effects.patch` lines. The source is parsed, not imported.

    \b
    Examples:
      snapagent new-test shop.pricing.quote
      snapagent new-test shop.orders:OrderService.place -o tests/test_place.py
    """
    store = app.store
    folder = function(store, target)
    name = name_of(folder)
    looker = Looker(default_search_path(os.getcwd()))
    headers = headers_of(store, folder, None)
    values = needed(headers, looker)
    base_path = os.path.relpath(app.base_path) if app.captures_dir is not None else None
    test = NewTest(name, tuple(headers), values, effects_of(name, looker), base_path, snapshot)
    if path is None:
        app.out.raw(test.source())
    else:
        write_new(path, test.source(), force=force)
        app.out.line("wrote ", (path, "bold"))
    _tell(app, test, path)


def _tell(app: App, test: NewTest, path: str | None) -> None:
    steps = []
    if test.needed:
        steps.append(f"fill in {counted(len(test.needed), 'stand-in')}")
    record = "SIDE_EFFECT_CAPTURE=True " if test.effects.patches else ""
    steps.append(f"{record}pytest {path or 'FILE'}")
    app.out.note(f"a test of {counted(len(test.headers), 'bundle')}", then=", then ".join(steps))
