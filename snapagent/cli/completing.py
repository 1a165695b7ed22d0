"""Shell completion of target names and hashes. An error of any kind means no suggestions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .app import App

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST_SUGGESTIONS = 200


def complete_target(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of captured functions, in the dotted form (a colon splits words in bash)."""
    from click.shell_completion import CompletionItem

    from .choosing import name_of

    try:
        names = [name_of(folder).replace(":", ".", 1) for folder in _app(context).store.functions()]
    except Exception:
        return []
    prefix = incomplete.replace(":", ".", 1)
    return [CompletionItem(name) for name in names if name.startswith(prefix)][:_MOST_SUGGESTIONS]


def complete_hash(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Hashes of the bundles of the function in the argument before, the newest first."""
    from click.shell_completion import CompletionItem

    from .choosing import function

    try:
        store = _app(context).store
        hashes = store.bundles(function(store, context.params["target"]).name).short_hashes()
    except Exception:
        return []
    return [CompletionItem(digits) for digits in hashes if digits.startswith(incomplete)][:_MOST_SUGGESTIONS]


def _app(context: click.Context) -> App:
    return context.find_object(App) or App()
