"""`snapagent new-test`: generate a test file from the bundles of a function."""

from __future__ import annotations

import os
from contextlib import suppress

import click

from ...bundle import EFFECTS
from ...dependencies.tape import StoredEffect, decode_effects
from ...errors import SnapagentError
from ...store.reader import FunctionFolder, StoreReader
from ..app import App, pass_app, store_options
from ..choosing import function, name_of
from ..completing import complete_target
from ..source.facsimiles import missing_values
from ..source.modules import SourceFinder, default_search_path
from ..source.new_test import NewTest
from ..source.side_effects import SideEffects, find_side_effects
from ..terminal.wording import counted
from ..writing import write_new
from .facsimile import INSPECTED, headers_of


@click.command("new-test")
@click.argument("target", shell_complete=complete_target)
@click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE instead of stdout.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@click.option("--snapshot", is_flag=True, help="Compare with syrupy's snapshot instead of the captured outcome.")
@store_options
@pass_app
def new_test_command(app: App, target: str, path: str | None, force: bool, snapshot: bool) -> None:
    """Generate a test of a function from its bundles.

    The test gets one test id per bundle. Excluded arguments become stand-ins to fill in. Calls that the source shows
    to leave the process become `side_effects.patch` lines. The source is parsed, not imported.

    \b
    Examples:
      snapagent new-test shop.pricing.quote
      snapagent new-test shop.orders:OrderService.place -o tests/test_place.py
    """
    store = app.store
    folder = function(store, target)
    name = name_of(folder)
    finder = SourceFinder(default_search_path(os.getcwd()))
    headers = headers_of(store, folder, None)
    values = missing_values(headers, finder)
    base_path = os.path.relpath(app.base_path) if app.captures_dir is not None else None
    side_effects = SideEffects() if any(header.effects for header in headers) else find_side_effects(name, finder)
    served = _served_paths(store, folder)
    values = tuple(value for value in values if value.path not in served)
    test = NewTest(name, tuple(headers), values, side_effects, base_path, snapshot)
    if path is None:
        app.out.raw(test.source())
    else:
        write_new(path, test.source(), force=force)
        app.out.line("wrote ", (path, "bold"))
    _print_next_steps(app, test, path)


def _served_paths(store: StoreReader, folder: FunctionFolder) -> set[str]:
    """The placeholders for which replay has stand-ins, because calls on them were recorded. Nothing is unpickled."""
    found: set[str] = set()
    for entry in store.bundles(folder.name)[-INSPECTED:]:
        with suppress(SnapagentError, KeyError, ValueError):
            data = store.part(store.read(entry), EFFECTS)
            effects = (effect for effect in decode_effects(data) if isinstance(effect, StoredEffect))
            found.update(effect.receiver for effect in effects if effect.receiver is not None)
    return found


def _print_next_steps(app: App, test: NewTest, path: str | None) -> None:
    steps = []
    if test.missing_values:
        steps.append(f"fill in {counted(len(test.missing_values), 'stand-in')}")
    record = "SIDE_EFFECT_CAPTURE=True " if test.side_effects.patches else ""
    steps.append(f"{record}pytest {path or 'FILE'}")
    app.out.note(f"a test with {counted(len(test.headers), 'bundle')}", then=", then ".join(steps))
