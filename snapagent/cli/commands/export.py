"""`snapagent export`: the headers of bundles, with their previews, for other programs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import click

from ...errors import CorruptBundleError, StoreError
from ...store import files
from ...store.reader import FunctionFolder, StoreReader
from ..app import App, pass_app, store_options
from ..choosing import matching, name_of, total_of
from ..completing import complete_target
from ..terminal.output import Output
from ..terminal.wording import counted
from .show import header_fields


@click.command("export")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@click.option("--json", "as_json", is_flag=True, help="As a JSON array: the default, and the only format so far.")
@click.option("-o", "--output", "path", metavar="FILE", help="Write it there instead of printing it.")
@click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
@store_options
@pass_app
def export_command(app: App, globs: Sequence[str], as_json: bool, path: str | None, force: bool) -> None:
    """Write what the headers of bundles say as JSON.

    Target, time, outcome, hash, previews and preview trees of the values, notes on what was left out; the values
    themselves stay in the bundles. Nothing is unpickled; redacted values are not in a bundle in the first place.

    \b
    Examples:
      snapagent export --json shop.pricing.quote | jq '.[].previews'
      snapagent export -o bundles.json
    """
    store = app.store
    chosen = matching(store, globs)
    items = app.out.over(_bundles(store, chosen), "written", total_of(store, chosen))
    if path is None:
        app.out.json_stream(items)
        return
    if os.path.lexists(path) and not force:
        raise click.ClickException(f"{path} exists and was left as it is; --force overwrites it")
    with files.replacing(path) as file:
        number = _write(file, items, app)
    app.out.note(f"wrote {counted(number, 'bundle')} to {path}")


def _write(file: TextIO, items: Iterable[dict[str, Any]], app: App) -> int:
    number = 0

    def counting() -> Iterator[dict[str, Any]]:
        nonlocal number
        for item in items:
            number += 1
            yield item

    Output(file, file).json_stream(counting())
    return number


def _bundles(store: StoreReader, chosen: Sequence[FunctionFolder]) -> Iterator[dict[str, Any]]:
    """The header of each bundle, the oldest first; of one that cannot be read its name and the reason."""
    for folder in chosen:
        try:
            headers = store.headers(folder.name)
        except StoreError as error:  # it may not be listed; the others are written all the same
            yield {"target": name_of(folder), "path": folder.path, "problem": str(error)}
            continue
        for entry, header in headers:
            if isinstance(header, CorruptBundleError):
                yield {"target": name_of(folder), "name": entry.name, "path": entry.path, "problem": header.reason}
            else:
                yield {**header_fields(header), "name": entry.name, "path": entry.path}
