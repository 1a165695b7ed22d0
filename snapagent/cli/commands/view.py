"""`snapagent view`: the store on the whole screen."""

from __future__ import annotations

from importlib.util import find_spec

import click

from ..app import App, pass_app, store_options


@click.command("view")
@store_options
@pass_app
def view_command(app: App) -> None:
    """Look around in the store on the whole screen.

    Functions on the left, bundles of one, and the tree of one bundle or the difference of any two. The keys stand at
    the bottom, ? explains them. Reads headers only: no code of a bundle runs.

    \b
    Needs an extra:
      pip install 'snapagent[view]'
    """
    if find_spec("textual") is None:
        raise click.UsageError("The viewer needs textual, which is not installed: pip install 'snapagent[view]'")
    if not app.out.is_terminal:
        raise click.UsageError("The viewer needs a terminal; snapagent list prints the same.")
    from ..viewer.model import Model
    from ..viewer.screen import Viewer

    model = Model(app.store) if app.find_config() is not None else Model(app.store, "snapagent init")
    Viewer(model).run()
