"""`snapagent completion`: the shell script that completes commands, target names and hashes."""

from __future__ import annotations

import os

import click

from ..app import App, pass_app

_HOW = {
    "bash": 'add to ~/.bashrc: eval "$(snapagent completion bash)"',
    "zsh": 'add to ~/.zshrc, after compinit: eval "$(snapagent completion zsh)"',
    "fish": "add to ~/.config/fish/config.fish: snapagent completion fish | source",
}


@click.command("completion")
@click.argument("shell", required=False, type=click.Choice(list(_HOW)))
@click.pass_context
@pass_app
def completion_command(app: App, context: click.Context, shell: str | None) -> None:
    """Print the completion script of a shell.

    Completes commands, options, the names of captured functions and the hashes of their bundles. SHELL
    defaults to the one in $SHELL.

    \b
    Examples:
      eval "$(snapagent completion bash)"
      snapagent completion fish | source
    """
    from click.shell_completion import get_completion_class

    name = shell or os.path.basename(os.environ.get("SHELL", ""))
    kind = get_completion_class(name) if name in _HOW else None
    if kind is None:
        raise click.UsageError(f"There is no completion for {name or 'an unknown shell'!r}; use bash, zsh or fish.")
    app.out.raw(kind(context.find_root().command, {}, "snapagent", "_SNAPAGENT_COMPLETE").source())
    if app.out.is_terminal:
        app.out.note("printed the completion script", then=_HOW[name])
