"""`snapagent why`: what became of a function's calls, in words, with what to do next."""

from __future__ import annotations

import click

from ...errors import TargetNotFoundError
from ..app import App, json_option, pass_app, store_options
from ..completing import complete_target
from ..group import UnknownNameError
from ..terminal.wording import counted

_MARKS = {"fine": ("ok    ", "green"), "hint": ("-     ", "yellow"), "problem": ("no    ", "red")}
_LEAD = " " * 6  # below the marks


@click.command("why")
@click.argument("target", shell_complete=complete_target)
@json_option
@store_options
@pass_app
def why_command(app: App, target: str, as_json: bool) -> None:
    """Say why a function was or was not captured.

    Looks at the target list, the source (parsed, not imported) and the counts that capturing processes left: never
    imported, never called, quota met, over budget, not sampled, disk full and so on.

    \b
    Example:
      snapagent why shop.pricing.quote
    """
    from .why_facts import why

    try:
        answer = why(app.store, app.config, target)
    except TargetNotFoundError as error:
        near = f"; the nearest names are {', '.join(error.near)}" if error.near else ""
        raise UnknownNameError(f"no captures, no target and no function here are called {target!r}{near}") from None
    if as_json:
        app.out.json(answer.to_json())
        return
    app.out.line((answer.target, "bold"), f"  {counted(answer.bundles, 'bundle')}")
    for statement in answer.statements:
        app.out.folded(_MARKS[statement.status], statement.text, lead=_LEAD)
        if statement.next:
            app.out.folded(_LEAD, (f"-> {statement.next}", "dim"), lead=f"{_LEAD}   ")
