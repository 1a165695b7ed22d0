"""`snapagent replay --accept`: ask, and have the workers put today's outcomes in place of those that differ."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ..compare.outcomes import BROKEN, CHANGED, FIXED, UNDECIDED
from ..core.short_hashes import short_hash
from .app import App
from .terminal.wording import counted
from .workers.pool import Plan, Result, replay_all

_ACCEPTABLE = (CHANGED, BROKEN, FIXED)


def check_asking(accept: bool, yes: bool, as_json: bool) -> None:
    """Raises UsageError where nobody could be asked, before anything is replayed."""
    if yes and not accept:
        raise click.UsageError("--yes goes with --accept.")
    if accept and not yes and (as_json or not sys.stdin.isatty()):
        where = "with --json nobody can be asked" if as_json else "this is not a terminal, so nobody can be asked"
        raise click.UsageError(f"{where}: --accept needs --yes here.")


def accept_changes(app: App, results: Sequence[Result], plan: Plan, *, yes: bool) -> list[Result]:
    """Accept what differs, after a question unless `yes`. The results, with the accepted and refused ones marked."""
    wanted = [result for result in results if result.kind in _ACCEPTABLE]
    if not wanted or not (yes or _agreed(len(wanted))):
        return list(results)
    tasks = [result.task.replace(accepts=True) for result in wanted]
    done = {_key(each): each for each in app.out.progress.over(replay_all(tasks, plan), "accepted", len(tasks))}
    return [_marked(result, done[_key(result)]) if _key(result) in done else result for result in results]


def _agreed(number: int) -> bool:
    return click.confirm(f"Put today's outcome in place of the stored one in {counted(number, 'bundle')}?", err=True)


def _key(result: Result) -> tuple[str, str]:
    return result.task.target, result.task.name


def _marked(before: Result, now: Result) -> Result:
    """The result that was shown, and what became of it."""
    refused = now.refused or ("" if now.accepted else f"the second replay is {now.kind}: {now.reason}")
    return before.replace(accepted=now.accepted, refused=refused, noise=now.noise)


def print_accepted(app: App, results: Sequence[Result]) -> None:
    """What was accepted, and what was not and why."""
    for result in results:
        if result.refused:
            app.out.line("")
            app.out.line(("not accepted", "red"), "  ", (result.task.target, "bold"), "  ",
                         (short_hash(result.task.hash), "cyan"))  # fmt: skip
            app.out.folded(f"    {result.refused}", lead=" " * 6)
    accepted = sum(result.accepted for result in results)
    if accepted:
        app.out.note(f"{counted(accepted, 'bundle')} accepted", then="review them with git diff")
    undecided = [kind for kind in UNDECIDED if any(result.kind == kind for result in results)]
    if undecided:
        app.out.note(f"what is {' or '.join(undecided)} is never accepted")
