"""Plain tests with literal values for `new-test --inline`, and the bundles for which none can be written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from ..compare.outcomes import EQUAL, UNDECIDED
from ..core.records import Record
from ..core.short_hashes import short_hash
from .source.inline_test import InlineTest, file_source
from .source.modules import default_search_path
from .source.new_test import name_of_test
from .trial import Trial
from .workers.pool import Plan, Task, replay_all

_TIMEOUT = 60.0  # seconds for one bundle


class Refused(Record):
    """A bundle for which no plain test can be written, and why."""

    target: str
    hash: str
    reason: str
    fails_today: bool = False


class InlineTests(Record):
    """The tests that pass, oldest bundle first, and what could not be written."""

    tests: tuple[InlineTest, ...]
    refused: tuple[Refused, ...]

    def source_for(self, targets: Sequence[str]) -> str:
        """The file with the tests of these functions; empty without any."""
        tests = [test for test in self.tests if test.target in targets]
        about = ", ".join(list(dict.fromkeys(test.target for test in tests))[:3])
        return file_source(list(_named(tests)), f"Calls {about} as captured.") if tests else ""


def write_inline(
    tasks: Sequence[Task],
    trials: dict[str, Trial],
    asking: dict[str, str],
    variables: dict[str, str],
    setup: str | None,
) -> InlineTests:
    """A test for each bundle that allows it. `asking` are the bundles that need dependencies, by file name.

    `setup` prepares the program, in the tests too.
    """
    refused: list[Refused] = []
    possible: list[Task] = []
    for task in tasks:
        reason, fails = _why_not(task, trials.get(task.target, Trial()), asking)
        if reason:
            refused.append(Refused(task.target, task.hash, reason, fails))
        else:
            possible.append(task)
    rules = {"path": default_search_path(os.getcwd()), "setup": setup}
    results = list(replay_all(possible, Plan(1, _TIMEOUT, rules, variables=variables, worker="inline")))
    refused += [Refused(one.task.target, one.task.hash, one.why) for one in results if one.kind != EQUAL]
    passing = sorted((one for one in results if one.kind == EQUAL), key=lambda one: (one.task.target, one.task.name))
    tests = [InlineTest(**one.inline) for one in passing]
    settings = next((test.settings for test in tests if test.settings), "")
    fitting = tuple(test for test in tests if test.settings in ("", settings))
    refused += [Refused(one.target, one.hash, _of_other_settings(one, settings)) for one in tests if one not in fitting]
    return InlineTests(fitting, tuple(refused))


def _of_other_settings(test: InlineTest, settings: str) -> str:
    return f"it needs the settings module {test.settings}, and other tests {settings}"


def _why_not(task: Task, trial: Trial, asking: dict[str, str]) -> tuple[str, bool]:
    """Why no test of this bundle could pass, and whether today's code is the reason."""
    for result in trial.failing:
        if result.task.name == task.name:
            return f"{result.kind}: {result.why.partition(';')[0]}", result.kind not in UNDECIDED
    if trial.ignore:
        return f"its outcome varies at {', '.join(trial.ignore)}", False
    if task.name in asking:
        return f"it asks {asking[task.name]}, which a plain test cannot serve", False
    return "", False


def _named(tests: Sequence[InlineTest]) -> Iterator[tuple[str, InlineTest]]:
    seen: dict[str, int] = {}
    for test in tests:
        name = f"{name_of_test(test.target)}_{short_hash(test.hash)}"
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name}_{seen[name]}"), test
