"""`snapagent report`: one HTML page of what is captured, to be looked at and handed on."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ...store.processes import running_processes
from ..app import App, pass_app, store_options
from ..choosing import matching
from ..completing import complete_target
from ..page.elements import moment
from ..page.store import shown_functions, store_page
from ..terminal.wording import counted, shown_path
from ..writing import refuse_existing, write_new


@click.command("report")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@click.option("-o", "--output", "path", metavar="FILE", help="Write to FILE instead of stdout.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@store_options
@pass_app
def report_command(app: App, globs: Sequence[str], path: str | None, force: bool) -> None:
    """Make an HTML page of the captured functions.

    One file without scripts: functions, outcomes, argument shapes, the newest bundles with previews of their values,
    calls of dependencies, and why calls were not captured. Reads only headers and runs no code.

    \b
    Examples:
      snapagent report -o report.html
      snapagent report 'shop.**:*' -o report.html --force
    """
    if path is not None and not force:
        refuse_existing(path)
    folders = matching(app.store, globs)
    functions = list(app.out.progress.over(shown_functions(app.store, folders), "read", len(folders)))
    page = store_page(functions, shown_path(app.base_path), moment(), tuple(running_processes(app.base_path)))
    if path is None:
        app.out.raw(page)
        return
    write_new(path, page, force=force)
    app.out.note(f"wrote {counted(len(functions), 'function')} to {path}")
