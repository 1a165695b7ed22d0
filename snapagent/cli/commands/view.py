"""`snapagent view`: start the full-screen viewer."""

from __future__ import annotations

from importlib.util import find_spec

import click

from ..app import App, pass_app, store_options


@click.command("view")
@store_options
@pass_app
def view_command(app: App) -> None:
    """Browse the store on the full screen.

    Shows the functions, the bundles of one, and the tree of one bundle or the differences of two. The bottom line
    lists the keys; ? explains them. Reads only headers and runs no code of a bundle.

    \b
    Needs an extra:
      pip install 'snapagent[view]'
    """
    if find_spec("textual") is None:
        raise click.UsageError("The viewer needs textual, which is not installed: pip install 'snapagent[view]'")
    if not app.out.is_terminal:
        raise click.UsageError("The viewer needs a terminal. Next: snapagent list")
    from ..viewer.model import Model
    from ..viewer.screen import Viewer

    model = Model(app.store) if app.find_config() is not None else Model(app.store, "snapagent init")
    Viewer(model).run()
