"""`snapagent pause` and `resume`: stop and restart capture in running processes without a redeploy."""

from __future__ import annotations

import click

from ..app import App, json_option, pass_app, store_options
from ..terminal.wording import counted, shown_path
from .retention import explaining_failures


@click.command("pause")
@json_option
@store_options
@pass_app
def pause_command(app: App, as_json: bool) -> None:
    """Stop capture in all processes that write to this folder.

    Takes effect within a second; the processes keep running and count their calls as paused. Processes that start
    later are paused too, until `snapagent resume`.
    """
    from ...store.processes import pause, running_processes

    with explaining_failures():
        pause(app.store.base_path)
    running = sum(1 for _ in running_processes(app.store.base_path))
    if as_json:
        app.out.json({"captures": app.store.base_path, "paused": True, "processes": running})
        return
    app.out.line("paused ", (shown_path(app.store.base_path), "bold"))
    now = "is running now" if running == 1 else "are running now"
    app.out.note(f"{counted(running, 'capturing process', 'capturing processes')} {now}", then="snapagent resume")


@click.command("resume")
@json_option
@store_options
@pass_app
def resume_command(app: App, as_json: bool) -> None:
    """Restart capture after `snapagent pause`."""
    from ...store.processes import resume

    with explaining_failures():
        was_paused = resume(app.store.base_path)
    if as_json:
        app.out.json({"captures": app.store.base_path, "paused": False, "was_paused": was_paused})
    elif was_paused:
        app.out.line("resumed ", (shown_path(app.store.base_path), "bold"))
    else:
        app.out.note(f"{shown_path(app.store.base_path)} was not paused")
