"""Chooses the fewest bundles that together take the same branches of a function as all of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from importlib.util import find_spec
from itertools import combinations

import click

from ..bundle import SETTINGS_MODULE
from ..core.records import Record
from ..store.layout import BundleEntry
from ..store.reader import StoreReader
from .app import App
from .source.modules import default_search_path
from .workers.children import ask
from .workers.pool import Task
from .workers.tasks import tasks_of, variables_for, with_settings

_COVERED, _UNREPLAYED = "others take the same branches", "cannot be replayed"
_MOST_TRIED = 20_000  # choices of bundles that are tried before a quicker way, which may choose one more

Branch = tuple[int, int]


def fewest_with_all(taken: Mapping[str, Set[Branch]]) -> list[str]:
    """The fewest names whose sets together have what all have; of equal ones the first. None where all are empty."""
    wanted = frozenset().union(*taken.values())
    useful = _undominated(taken)
    tried = 0
    for size in range(len(useful) + 1):
        for chosen in combinations(useful, size):
            if frozenset().union(*(taken[name] for name in chosen)) >= wanted:
                return list(chosen)
            tried += 1
            if tried >= _MOST_TRIED:
                return _greedy(taken, useful, wanted)
    return useful


def _undominated(taken: Mapping[str, Set[Branch]]) -> list[str]:
    """The names but those whose set another one has whole."""
    kept: list[str] = []
    for name in sorted(taken, key=lambda name: -len(taken[name])):  # stable: of equal sets the first stays
        if not any(taken[name] <= taken[other] for other in kept):
            kept.append(name)
    return kept


def _greedy(taken: Mapping[str, Set[Branch]], names: Sequence[str], wanted: Set[Branch]) -> list[str]:
    chosen: list[str] = []
    left = set(wanted)
    while left:
        best = max(names, key=lambda name: len(left & taken[name]))
        chosen.append(best)
        left -= taken[best]
    return chosen


class LeftOut(Record):
    """A bundle that is not promoted, and why."""

    target: str
    name: str
    path: str
    reason: str


def covering(
    app: App, store: StoreReader, chosen: Iterable[tuple[str, BundleEntry]]
) -> tuple[list[tuple[str, BundleEntry]], list[LeftOut]]:
    """Of the chosen bundles, function by function, the fewest with the same branches, and those that are left out.

    The newer ones are preferred. Replays them in a child process. Raises ClickException when that fails, UsageError
    without coverage.py.
    """
    if find_spec("coverage") is None:
        raise click.UsageError("--cover needs coverage.py, which is not installed: pip install 'snapagent[cover]'")
    by_target: dict[str, list[BundleEntry]] = {}
    for name, entry in chosen:
        by_target.setdefault(name, []).append(entry)
    found: list[tuple[str, BundleEntry]] = []
    left: list[LeftOut] = []
    for name, entries in by_target.items():
        by_name = {entry.name: entry for entry in sorted(entries, reverse=True)}
        taken = _taken(app, store, name, by_name)
        if not taken:
            raise click.ClickException(f"no bundle of {name} can be replayed; 'snapagent replay {name}' says why")
        fewest = fewest_with_all({bundle: taken[bundle] for bundle in by_name if bundle in taken})
        found += [(name, by_name[bundle]) for bundle in fewest]
        left += [
            LeftOut(name, bundle, entry.path, _COVERED if bundle in taken else _UNREPLAYED)
            for bundle, entry in by_name.items()
            if bundle not in fewest
        ]
        app.out.note(_told(name, len(fewest), len(by_name), len(taken)))
    return found, left


def _told(name: str, chosen: int, number: int, replayed: int) -> str:
    missing = f"; {number - replayed} cannot be replayed and were left out" if replayed < number else ""
    return f"{chosen} of {number} bundles of {name} take all branches that they take together{missing}"


def _taken(app: App, store: StoreReader, name: str, wanted: Mapping[str, BundleEntry]) -> dict[str, Set[Branch]]:
    """The branches that each bundle takes, by file name."""
    folder = store.function(name)
    tasks = with_settings([task for task in tasks_of(store, folder) if task.name in wanted]) if folder else []
    path = default_search_path(os.getcwd())
    rules: dict[str, object] = {"path": path, "compare": {}, "facsimiles": None, "setup": None, "allow_io": False}
    lines = [{**task.as_dict(), "placeholders": "\n".join(task.placeholders)} for task in tasks]
    answer, code = ask("cover", {"path": path, "rules": rules, "tasks": lines}, _variables(app, tasks))
    if answer is None:
        raise click.ClickException(f"the process that replayed bundles of {name} ended with code {code}")
    if "problem" in answer:
        raise click.ClickException(str(answer["problem"]))
    return {bundle: frozenset(map(tuple, branches)) for bundle, branches in answer["taken"].items()}


def _variables(app: App, tasks: Sequence[Task]) -> dict[str, str]:
    """What the process needs to set the program up as a replay does."""
    settings = next((task.settings for task in tasks if task.settings), "")
    django = {SETTINGS_MODULE: settings} if settings and not os.environ.get(SETTINGS_MODULE) else {}
    return variables_for(app) | django
