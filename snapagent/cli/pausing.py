"""`snapagent pause` and `resume`: stop and restart capture in running processes, without a redeploy."""

from __future__ import annotations

import click

from .app import App, pass_app, store_options
from .housekeeping import telling_failures
from .wording import counted, shown_path


@click.command("pause")
@store_options
@pass_app
def pause_command(app: App) -> None:
    """Stop capture in all processes that write to this folder.

    They see it within a second and go on without capturing; calls are counted as paused. Processes that start later
    obey it too, until `snapagent resume`.
    """
    from ..store.presence import pause, present

    with telling_failures():
        pause(app.store.base_path)
    running = counted(sum(1 for _ in present(app.store.base_path)), "running process", "running processes")
    app.out.line(f"paused: {shown_path(app.store.base_path)}; {running}; snapagent resume goes on")


@click.command("resume")
@store_options
@pass_app
def resume_command(app: App) -> None:
    """Let capture go on that `snapagent pause` stopped."""
    from ..store.presence import resume

    with telling_failures():
        was_paused = resume(app.store.base_path)
    app.out.line("resumed" if was_paused else f"{shown_path(app.store.base_path)} was not paused")
