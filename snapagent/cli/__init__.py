"""The command line: thin commands over the library. click and rich have their home here and nowhere else.

`main` is the whole of it, a click group that loads the file of a command when that command is used.
"""

from __future__ import annotations

import click

from .app import App, show_version, store_options
from .group import CommandLine

__all__ = ["main"]

_EPILOG = """\b
Examples:
  snapagent init                        propose targets, write snapagent.yaml
  snapagent check                       is every target there?
  snapagent run --on -- python app.py   capture while this program runs
  snapagent list                        what was captured
  snapagent show shop.pricing.quote     the newest bundle of one function
"""


@click.group(cls=CommandLine, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=show_version, help="Say which.")
@store_options
@click.pass_context
def main(context: click.Context) -> None:
    """Real calls of a running service as tests, without changing its source.

    Exit codes: 0 fine, 1 different or problems found, 2 wrong usage or unknown name. Data goes to stdout, messages
    to stderr.
    """
    context.ensure_object(App)
