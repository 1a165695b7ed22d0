"""`promote --cover`: the fewest bundles that together take the same branches of their function as all of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec

import click

from ...core.records import Record
from ...store.layout import BundleEntry
from ..workers.children import ask
from .modules import default_search_path

Chosen = tuple[str, BundleEntry]  # a function and a bundle of it
_COVERED = "the others take the same branches"


class LeftOut(Record):
    """A bundle that is not promoted, and why."""

    target: str
    name: str
    path: str
    reason: str


def check_installed() -> None:
    """Raises UsageError without coverage.py."""
    if find_spec("coverage") is None:
        raise click.UsageError("--cover needs coverage.py, which is not installed: pip install 'snapagent[cover]'")


def cover(chosen: Sequence[Chosen], base_path: str, variables: Mapping[str, str]) -> tuple[list[Chosen], list[LeftOut]]:
    """Of each function the bundles to keep, and those to leave out. Replays them in a process for each function.

    `variables` are added to the environment of the processes. Raises ClickException when one of them dies.
    """
    by_target: dict[str, list[BundleEntry]] = {}
    for target, entry in chosen:
        by_target.setdefault(target, []).append(entry)
    kept: list[Chosen] = []
    left: list[LeftOut] = []
    for target, entries in by_target.items():
        branches, problems = _measured(target, entries, base_path, variables)
        needed = smallest({entry.name: branches[entry.name] for entry in entries if entry.name in branches})
        for entry in entries:
            if entry.name in needed:
                kept.append((target, entry))
            else:
                left.append(LeftOut(target, entry.name, entry.path, problems.get(entry.name, _COVERED)))
    return kept, left


def _measured(
    target: str, entries: Sequence[BundleEntry], base_path: str, variables: Mapping[str, str]
) -> tuple[dict[str, frozenset[tuple[int, ...]]], dict[str, str]]:
    names = [entry.name for entry in entries]
    request = {"path": default_search_path(os.getcwd()), "target": target, "names": names, "base_path": base_path}
    found, code = ask("cover", request, variables)
    if found is None:
        raise click.ClickException(f"the process that replayed the bundles of {target} ended with code {code}")
    branches = {name: frozenset(map(tuple, arcs)) for name, arcs in found["branches"].items()}
    return branches, found["problems"]


def smallest(branches: Mapping[str, Collection[object]]) -> set[str]:
    """Names whose branches together are those of all, chosen greedily: the most new branches first, then the newest."""
    missing = {branch for own in branches.values() for branch in own}
    chosen: list[str] = []
    while missing:
        best = max(branches, key=lambda name: (len(missing.intersection(branches[name])), name))
        chosen.append(best)
        missing.difference_update(branches[best])
    if branches and not chosen:  # a function without any branch is still called
        chosen.append(max(branches))
    for name in list(chosen):  # what was chosen early may not be needed any more
        others = {branch for other in chosen if other != name for branch in branches[other]}
        if others.issuperset(branches[name]) and len(chosen) > 1:
            chosen.remove(name)
    return set(chosen)
