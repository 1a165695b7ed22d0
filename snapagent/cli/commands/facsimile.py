"""`snapagent facsimile`: the skeleton of what a test must supply in place of placeholders."""

from __future__ import annotations

import os

import click

from ...bundle import Header
from ...errors import BundleNotFoundError, CorruptBundleError
from ...store.reader import FunctionFolder, StoreReader
from ..app import App, json_option, pass_app, store_options
from ..choosing import bundle, function, name_of
from ..completing import complete_hash, complete_target
from ..source.facsimiles import needed, skeleton
from ..source.modules import Looker, default_search_path

MOST = 200  # bundles that are looked at, the newest


@click.command("facsimile")
@click.argument("target", shell_complete=complete_target)
@click.argument("hash_prefix", required=False, metavar="[HASH]", shell_complete=complete_hash)
@json_option
@store_options
@pass_app
def facsimile_command(app: App, target: str, hash_prefix: str | None, as_json: bool) -> None:
    """Print the stand-ins that a test must supply.

    One class for each argument that was excluded or could not be stored, with the attributes and methods that the
    function's source uses; of one bundle, or of all of the function. The source is parsed, not imported.

    \b
    Example:
      snapagent facsimile shop.model.predict >> tests/stand_ins.py
    """
    store = app.store
    folder = function(store, target)
    headers = headers_of(store, folder, hash_prefix)
    values = needed(headers, Looker(default_search_path(os.getcwd())))
    if as_json:
        found = [{**value.as_dict(), "use": value.use.as_dict()} for value in values]
        app.out.json({"target": name_of(folder), "needed": found})
    elif values:
        app.out.raw(skeleton(name_of(folder), values))
    else:
        app.out.note(f"{name_of(folder)} needs none: all of its arguments are in its bundles")


def headers_of(store: StoreReader, folder: FunctionFolder, hash_prefix: str | None) -> list[Header]:
    """The header of one bundle, or of the newest ones of a function."""
    if hash_prefix is not None:
        return [store.header(bundle(store, folder, hash_prefix))]
    found: list[Header] = []
    unreadable: CorruptBundleError | None = None
    for entry in store.bundles(folder.name)[-MOST:]:
        try:
            found.append(store.header(entry))
        except CorruptBundleError as error:  # the others say what is needed
            unreadable = error
        except BundleNotFoundError:
            continue
    if unreadable is not None and not found:
        raise unreadable
    return found
