"""`snapagent pause` and `resume`: stop and restart capture in running processes, without a redeploy."""

from __future__ import annotations

import click

from ..app import App, json_option, pass_app, store_options
from ..terminal.wording import counted, shown_path
from .housekeeping import telling_failures


@click.command("pause")
@json_option
@store_options
@pass_app
def pause_command(app: App, as_json: bool) -> None:
    """Stop capture in all processes that write to this folder.

    They see it within a second and go on without capturing; calls are counted as paused. Processes that start later
    obey it too, until `snapagent resume`.
    """
    from ...store.processes import pause, running_processes

    with telling_failures():
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
    """Let capture go on that `snapagent pause` stopped."""
    from ...store.processes import resume

    with telling_failures():
        was_paused = resume(app.store.base_path)
    if as_json:
        app.out.json({"captures": app.store.base_path, "paused": False, "was_paused": was_paused})
    elif was_paused:
        app.out.line("resumed ", (shown_path(app.store.base_path), "bold"))
    else:
        app.out.note(f"{shown_path(app.store.base_path)} was not paused")
