"""The command line: thin commands over the library.

`main` is a click group that imports the file of a command when that command runs. click and rich are used only here.
"""

from __future__ import annotations

import click

from .app import App, show_version, store_options
from .group import CommandLine

__all__ = ["main"]

_EPILOG = """\b
Examples:
  snapagent init                        propose targets, write snapagent.yaml
  snapagent check                       check that every target exists
  snapagent run --on -- python app.py   capture while this program runs
  snapagent list                        list what was captured
  snapagent show shop.pricing.quote     show the newest bundle of a function
"""


@click.group(cls=CommandLine, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=show_version, help="Show the version."
)
@store_options
@click.pass_context
def main(context: click.Context) -> None:
    """Capture real calls of a running service and replay them as tests.

    Exit codes: 0 fine, 1 different or problems found, 2 wrong usage or unknown name. Data goes to stdout, messages
    to stderr.
    """
    context.ensure_object(App)
