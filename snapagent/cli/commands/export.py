"""`snapagent export`: the headers of bundles as JSON, for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from ...errors import CorruptBundleError, StoreError
from ...store.reader import FunctionFolder, StoreReader
from ..app import App, pass_app, store_options
from ..choosing import matching, name_of, total_of
from ..completing import complete_target
from ..terminal.output import Output
from ..terminal.wording import counted
from ..writing import refuse_existing, replaced
from .show import header_fields


@click.command("export")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@click.option("--json", "as_json", is_flag=True, help="Write a JSON array: the default and only format.")
@click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE instead of stdout.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@store_options
@pass_app
def export_command(app: App, globs: Sequence[str], as_json: bool, path: str | None, force: bool) -> None:
    """Export the headers of bundles as JSON.

    A header has the target, time, outcome, hash, previews of the values and notes on omitted values. The values
    themselves are not exported and nothing is unpickled; redacted values are not stored in bundles at all.

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
    if not force:
        refuse_existing(path)
    with replaced(path) as file:
        number = Output(file, file).json_stream(items)
    app.out.note(f"wrote {counted(number, 'bundle')} to {path}")


def _bundles(store: StoreReader, chosen: Sequence[FunctionFolder]) -> Iterator[dict[str, Any]]:
    """The header of each bundle, the oldest first; for an unreadable one its name and the problem."""
    for folder in chosen:
        try:
            headers = store.headers(folder.name)
        except StoreError as error:  # an unreadable folder does not stop the others
            yield {"target": name_of(folder), "path": folder.path, "problem": str(error)}
            continue
        for entry, header in headers:
            if isinstance(header, CorruptBundleError):
                yield {"target": name_of(folder), "name": entry.name, "path": entry.path, "problem": header.reason}
            else:
                yield {**header_fields(header), "name": entry.name, "path": entry.path}
