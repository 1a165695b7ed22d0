"""Replays the bundles of functions for `new-test`, to learn what a test of them must leave out and which cannot pass.

Each bundle is replayed twice by today's code, in two processes with different seeds for hashes and in opposite orders.
What differs between the two is noise.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..compare import make_options
from ..compare.outcomes import CHANGED, EQUAL, NOISE
from ..core.records import Record
from .source.modules import default_search_path
from .workers.pool import Plan, Result, Task, replay_all

Progress = Callable[[Iterator[Result], int], Iterator[Result]]  # shows how far the replay of so many bundles is

_SEED = "PYTHONHASHSEED"
_TIMEOUT = 60.0  # seconds for one bundle
_MODULE = "stand_ins_of_the_trial"


class Trial(Record):
    """The results for the bundles of one function. `ignore` are the places that vary.

    `needs` are the paths of the arguments that calls used and that their bundles lack; `failing` are the bundles that
    do not pass although `ignore` and the stand-ins are applied.
    """

    ignore: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    failing: tuple[Result, ...] = ()


class Stage:
    """How trials run: the processes, their environment and set-up, and whether real input and output is allowed."""

    def __init__(self, variables: Mapping[str, str], progress: Progress, *, setup: str | None, allow_io: bool) -> None:
        self._variables = variables
        self._progress = progress
        self.setup = setup
        self._allow_io = allow_io

    def try_out(self, tasks: Sequence[Task]) -> dict[str, Trial]:
        """A trial for each target, without stand-ins."""
        return self._judged(tasks, None, default_search_path(os.getcwd()))

    def try_with(self, tasks: Sequence[Task], stand_ins: str) -> Trial:
        """A trial of one function with stand-ins: Python source that defines a function `stand_ins`."""
        with tempfile.TemporaryDirectory(prefix="snapagent-trial-") as folder:
            with open(os.path.join(folder, f"{_MODULE}.py"), "w", encoding="utf-8") as file:
                file.write(stand_ins)
            path = [*default_search_path(os.getcwd()), folder]
            (trial,) = self._judged(tasks, f"{_MODULE}:stand_ins", path).values()
            return trial

    def _judged(self, tasks: Sequence[Task], facsimiles: str | None, path: Sequence[str]) -> dict[str, Trial]:
        with ThreadPoolExecutor(1) as beside:
            other = beside.submit(self._replayed, tasks[::-1], facsimiles, path, "2")
            first = self._replayed(tasks, facsimiles, path, "1", twice=True, progress=self._progress)
            second = other.result()
        found: dict[str, Trial] = {}
        for target in dict.fromkeys(task.target for task in tasks):
            own = [task for task in tasks if task.target == target]
            ignore = _noise([(first[task.name], second[task.name]) for task in own])
            results = [first[task.name] if first[task.name].kind != EQUAL else second[task.name] for task in own]
            if ignore:
                again = self._replayed(own, facsimiles, path, "3", ignore)
                results = [again[task.name] for task in own]
            failing = tuple(result for result in results if result.kind != EQUAL)
            needs = tuple(dict.fromkeys(one for result in failing for one in result.paths))
            found[target] = Trial(ignore, needs, failing)
        return found

    def _replayed(
        self,
        tasks: Sequence[Task],
        facsimiles: str | None,
        path: Sequence[str],
        seed: str,
        ignore: Sequence[str] = (),
        twice: bool = False,
        progress: Progress = lambda results, total: results,
    ) -> dict[str, Result]:
        """The results by file name. All in one process, as in a test session, where one call may affect later ones."""
        rules = {
            "path": path,
            "compare": {"ignore": list(ignore)},
            "facsimiles": facsimiles,
            "setup": self.setup,
            "allow_io": self._allow_io,
            "twice": twice,
        }
        plan = Plan(1, _TIMEOUT, rules, variables={**self._variables, _SEED: seed})
        return {result.task.name: result for result in progress(replay_all(tasks, plan), len(tasks))}


def _noise(pairs: Sequence[tuple[Result, Result]]) -> tuple[str, ...]:
    """The paths at which two replays of a bundle ended differently. Indices become `[*]`: lists vary in length."""
    found: dict[str, None] = {}
    for first, second in pairs:
        if not {first.kind, second.kind} <= {CHANGED, EQUAL, NOISE}:
            continue
        found.update(dict.fromkeys(map(_any_index, first.noise)))
        got = [{one["path"]: one["got"] for one in result.differences} for result in (first, second)]
        for path in [path for path in {**got[0], **got[1]} if got[0].get(path) != got[1].get(path)]:
            found[_any_index(path)] = None
    paths = sorted(path for path in found if _is_place_in_outcome(path))
    return tuple(path for path in paths if not any(_is_below(path, other) for other in paths))


def _any_index(path: str) -> str:
    return re.sub(r"\[\d+\]", "[*]", path)


def _is_below(path: str, other: str) -> bool:
    return path.startswith((f"{other}.", f"{other}["))


def _is_place_in_outcome(path: str) -> bool:
    try:
        return all(each.concerns_outcome for each in make_options(ignore=[path]).ignore)
    except ValueError:
        return False
