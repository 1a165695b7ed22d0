"""`snapagent verify`: check that stored files are complete, trusted and in the right folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence

import click

from ...bundle import decode
from ...errors import CorruptBundleError
from ...store import Problem, files
from ...store.bundle_files import MAX_FILE
from ...store.layout import SIDE_EFFECTS, SUFFIX
from ...store.reader import StoreReader
from ...store.verify import BROKEN_INDEX, CORRUPT, ORPHAN
from ..app import App, json_option, pass_app, store_options
from ..choosing import matching, total_of
from ..completing import complete_target
from ..group import PROBLEM
from ..terminal.progress import Activity
from ..terminal.table import Column
from ..terminal.wording import counted, shown_path

_HARMLESS = (ORPHAN, BROKEN_INDEX)  # reported without exit code 1: prune and the next capture repair them


@click.command("verify")
@click.argument("globs", nargs=-1, metavar="[GLOB]...", shell_complete=complete_target)
@json_option
@store_options
@pass_app
def verify_command(app: App, globs: Sequence[str], as_json: bool) -> None:
    """Check that bundles are complete, trusted and in place.

    Checks the digest, the format, the folder and the trust of each bundle, and without GLOB recorded side effects
    too. Unpickles nothing. Lists each file that is torn, altered, misplaced, foreign or not trusted, and exits 1 if
    there is one.

    \b
    Examples:
      snapagent verify
      snapagent verify shop.pricing.quote --json
    """
    store = app.store
    chosen = matching(store, globs)
    recordings = [] if globs else list(_recordings(store.base_path))
    checked = total_of(store, chosen) + len(recordings)
    with app.out.progress.during("checked", checked) as activity:
        found = [
            *_problems(store, [folder.name for folder in chosen] if globs else None, activity),
            *(problem for path in recordings for problem in _of_recording(path, activity)),
        ]
    if as_json:
        app.out.json({"checked": checked, "problems": [problem.as_dict() for problem in found]})
    else:
        _print(app, checked, found)
    if any(problem.kind not in _HARMLESS for problem in found):
        raise click.exceptions.Exit(PROBLEM)


def _problems(store: StoreReader, folders: Collection[str] | None, activity: Activity) -> Iterator[Problem]:
    def on_checked(name: str) -> None:
        activity.done += name.endswith(SUFFIX)

    return store.verify(folders, on_file=on_checked)


def _recordings(base_path: str) -> Iterator[str]:
    """The files of recorded side effects."""
    for folder, _, names in os.walk(os.path.join(base_path, SIDE_EFFECTS)):
        yield from (os.path.join(folder, name) for name in sorted(names) if name.endswith(SUFFIX))


def _of_recording(path: str, activity: Activity) -> Iterator[Problem]:
    activity.done += 1
    try:
        decode(files.read_regular(path, MAX_FILE)[0], path)
    except CorruptBundleError as error:
        yield Problem(path, CORRUPT, error.reason)
    except OSError as error:
        yield Problem(path, CORRUPT, f"it cannot be read ({error.strerror or error})")


def _print(app: App, checked: int, found: Iterable[Problem]) -> None:
    ordered = sorted(found, key=lambda problem: (problem.kind in _HARMLESS, problem.path))
    columns = (Column("PROBLEM", style="red"), Column("FILE", style="bold"), Column("REASON"))
    rows = [(problem.kind, shown_path(problem.path), problem.reason) for problem in ordered]
    if app.out.has_room_for(columns, rows):
        app.out.table(columns, rows)
    else:
        for kind, path, reason in rows:
            app.out.line((f"{kind}  ", "red"), (path, "bold"))
            app.out.folded(f"    {reason}", lead="    ")
    serious = sum(problem.kind not in _HARMLESS for problem in ordered)
    if serious:
        app.out.note(f"{counted(serious, 'problem')} among {counted(checked, 'file')}; the other files can be used")
    elif checked:
        app.out.note(f"{counted(checked, 'file')} checked, all complete and trusted")
    else:
        app.out.note(f"there are no bundles under {app.base_path}", then="snapagent list")
