"""`snapagent facsimile`: print skeletons of the stand-ins that a test must supply for placeholders."""

from __future__ import annotations

import os

import click

from ...bundle import Header
from ...errors import BundleNotFoundError, CorruptBundleError
from ...store.reader import FunctionFolder, StoreReader
from ..app import App, json_option, pass_app, store_options
from ..choosing import bundle, function, name_of
from ..completing import complete_hash, complete_target
from ..source.facsimiles import missing_values, skeleton
from ..source.modules import SourceFinder, default_search_path

INSPECTED = 200  # newest bundles of which the headers are read


@click.command("facsimile")
@click.argument("target", shell_complete=complete_target)
@click.argument("hash_prefix", required=False, metavar="[HASH]", shell_complete=complete_hash)
@json_option
@store_options
@pass_app
def facsimile_command(app: App, target: str, hash_prefix: str | None, as_json: bool) -> None:
    """Print the stand-ins that a test must supply.

    Prints one class for each argument that was excluded or could not be stored, with the attributes and methods that
    the function's source uses. Covers one bundle, or the newest of the function. The source is parsed, not imported.

    \b
    Example:
      snapagent facsimile shop.model.predict >> tests/stand_ins.py
    """
    store = app.store
    folder = function(store, target)
    headers = headers_of(store, folder, hash_prefix)
    values = missing_values(headers, SourceFinder(default_search_path(os.getcwd())))
    if as_json:
        found = [{**value.as_dict(), "use": value.use.as_dict()} for value in values]
        app.out.json({"target": name_of(folder), "needed": found})
    elif values:
        app.out.raw(skeleton(name_of(folder), values))
    else:
        app.out.note(f"{name_of(folder)} needs no stand-ins: its bundles contain all arguments")


def headers_of(store: StoreReader, folder: FunctionFolder, hash_prefix: str | None) -> list[Header]:
    """The header of one bundle, or those of the newest bundles of a function."""
    if hash_prefix is not None:
        return [store.header(bundle(store, folder, hash_prefix))]
    found: list[Header] = []
    unreadable: CorruptBundleError | None = None
    for entry in store.bundles(folder.name)[-INSPECTED:]:
        try:
            found.append(store.header(entry))
        except CorruptBundleError as error:  # the others may be enough
            unreadable = error
        except BundleNotFoundError:
            continue
    if unreadable is not None and not found:
        raise unreadable
    return found
