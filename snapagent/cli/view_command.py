"""`snapagent view`: the store on the whole screen."""

from __future__ import annotations

from importlib.util import find_spec

import click

from .app import App, pass_app, store_options


@click.command("view")
@store_options
@pass_app
def view_command(app: App) -> None:
    """Look around in the store on the whole screen.

    Functions on the left; bundles of one, and the tree of one bundle or the difference of any two. / filters as you
    type, space marks, d compares with the marked bundle, p pins, x deletes after asking, q ends. Reads headers only.

    \b
    Needs an extra:
      pip install 'snapagent[view]'
    """
    if find_spec("textual") is None:
        raise click.ClickException(
            "the viewer needs textual, which is not installed (next: pip install 'snapagent[view]')"
        )
    if not app.out.is_terminal:
        raise click.ClickException("the viewer needs a terminal (next: snapagent list)")
    from .viewer.model import Model
    from .viewer.screen import Viewer

    Viewer(Model(app.store)).run()
