"""`snapagent run`, `enable`, `disable`, `pause`, `resume`: start and stop capture in an unchanged program."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from ...config.environment import ENABLED, is_enabled
from ..app import App, json_option, pass_app, store_options
from ..group import WRONG_USAGE
from ..launch import environment_for, pth_path, remove_pth, unreachable_because, write_pth
from ..terminal.wording import counted, printable, shown_path
from .retention import explaining_failures

Path = TypeVar("Path", str, str | None)


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--on", is_flag=True, help=f"Switch capture on, as {ENABLED}=1 does.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGS]...")
@store_options
@pass_app
def run_command(app: App, on: bool, command: Sequence[str]) -> None:
    """Run a program with capture available.

    The program captures if SNAPAGENT_CAPTURE_ENABLED or --on switches it on, and so do its child processes. It
    replaces this command: same process, same signals, its own exit code.

    \b
    Examples:
      snapagent run --on -- gunicorn -w 2 shop.app:app
      SNAPAGENT_CAPTURE_ENABLED=1 snapagent run --config staging.yaml -- python -m shop
    """
    path = app.find_config()
    if app.config_path is not None and not os.path.isfile(app.config_path):
        raise click.BadParameter(f"there is no file {app.config_path!r}", param_hint="--config")
    environment = environment_for(os.environ, config=path, captures_dir=app.captures_dir, on=on)
    if is_enabled(environment):
        reason = unreachable_because(command)
        if reason is not None:
            app.out.note(f"nothing will be captured: {reason}", then="leave out the option, or use install()")
        elif path is None:
            app.out.note("there is no configuration, so nothing will be captured", then="snapagent init")
    elif sys.stderr.isatty():
        app.out.note("capture is off", then=f"run --on, or set {ENABLED}=1")  # fits in a line of 80
    sys.stdout.flush()
    try:
        os.execvpe(command[0], list(command), environment)
    except OSError as error:
        app.out.note(f"cannot run {command[0]!r}: {error.strerror}")
        raise click.exceptions.Exit(WRONG_USAGE) from None


@click.command("enable")
@json_option
@pass_app
def enable_command(app: App, as_json: bool) -> None:
    """Prepare this Python environment for capture.

    Afterwards every program in it captures when SNAPAGENT_CAPTURE_ENABLED=1 is set. Writes one .pth file beside the
    installed packages; without the variable, it costs two look-ups at start-up. `snapagent disable` removes it.
    """
    path = _or_problem(write_pth)
    if as_json:
        app.out.json({"path": path, "enabled": True})
        return
    app.out.line("wrote ", (path, "bold"))
    app.out.note(f"{sys.prefix} is prepared", then=f"start the program with {ENABLED}=1")


@click.command("disable")
@json_option
@pass_app
def disable_command(app: App, as_json: bool) -> None:
    """Undo `snapagent enable` in this Python environment."""
    path = _or_problem(remove_pth)
    if as_json:
        app.out.json({"path": path or pth_path(), "enabled": False, "removed": path is not None})
    elif path is None:
        app.out.note(f"{sys.prefix} was not enabled: there is no {pth_path()}")
    else:
        app.out.line("removed ", (path, "bold"))


def _or_problem(change: Callable[[], Path]) -> Path:
    try:
        return change()
    except OSError as error:
        where = printable(str(error.filename or pth_path()))
        raise click.ClickException(f"{where}: {error.strerror}; nothing was changed") from None


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
