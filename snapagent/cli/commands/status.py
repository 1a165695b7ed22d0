"""`snapagent status`: how capturing stands, and what to do next."""

from __future__ import annotations

from functools import partial

import click

from ...config.units import format_size
from ..app import App, json_option, pass_app, store_options
from ..terminal.wording import ago, counted, shown_path


@click.command("status")
@json_option
@store_options
@pass_app
def status_command(app: App, as_json: bool) -> None:
    """Say how capturing stands, and what to do next.

    Configuration, switch, store, and what became of the calls that capturing processes counted (at most a second
    behind while they run).

    \b
    Example:
      snapagent status
    """
    from .status_facts import process_words, status, switch_words

    found = status(app.store, app.config)
    if as_json:
        app.out.json(found.to_json())
        return
    line = partial(app.out.folded, lead=" " * 10)
    config = f"{shown_path(found.config)}, {counted(found.targets, 'target')}" if found.config else "none"
    line(("config    ", "bold"), config)
    line(("capture   ", "bold"), switch_words(found))
    limit = f" of {format_size(found.limit)}" if found.limit is not None else ""
    bundles = f"{counted(found.bundles, 'bundle')} of {counted(found.functions, 'function')}"
    line(("store     ", "bold"), f"{shown_path(found.captures)}: {bundles}, {format_size(found.bytes)}{limit}")
    newest = f", newest bundle {ago(found.newest)}" if found.newest is not None else ""
    line(("calls     ", "bold"), f"{found.calls:,}, {found.captured:,} captured{newest}")
    for reason, number in sorted(found.skipped.items(), key=lambda pair: -pair[1]):
        line(f"          {number:,} skipped: {reason}")
    for one in found.processes:
        line(("process   ", "bold"), process_words(one))
    for text, remedy in found.next_steps():
        line(("next      ", "yellow"), f"{text} -> {remedy}")
