"""A pool of child processes that replay bundles.

A bundle that hangs or kills its process fails alone: another process replays the next one.
"""

from __future__ import annotations

import json
import queue
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...bundle import SETTINGS_MODULE
from ...compare import Difference
from ...compare.outcomes import EQUAL, NOT_REPLAYABLE
from ...core.records import Record
from .children import environment


class Task(Record):
    """A bundle to replay; `placeholders` are paths that a facsimile may fill.

    `settings` is the value of DJANGO_SETTINGS_MODULE that the call had. Its process gets it, unless it has one.
    """

    target: str
    name: str
    hash: str
    outcome: str
    base_path: str
    placeholders: tuple[str, ...] = ()
    settings: str = ""
    accepts: bool = False  # today's outcome is to take the place of a stored one that differs

    def to_line(self) -> str:
        fields = {**self.as_dict(), "placeholders": "\n".join(self.placeholders)}
        return json.dumps(fields) + "\n"


class Result(Record):
    """The result for one bundle. `differences` come from `compare` as dicts; `seconds` is for loading and calling.

    `paths` are the arguments because of which the outcomes are not comparable, `noise` the places where two replays
    differ, `unused` the paths of `--ignore` and `--unordered` that name no place in the outcomes. `accepted` says that
    today's outcome is stored now, `refused` why it could not be.
    """

    task: Task
    kind: str
    reason: str = ""
    seconds: float = 0.0
    differences: tuple[dict[str, Any], ...] = ()
    expected: str = ""
    got: str = ""
    notes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    accepted: bool = False
    refused: str = ""
    inline: Mapping[str, Any] = {}  # the fields of a test with literal values, from `workers/inline`

    @property
    def why(self) -> str:
        """The first line of the reason, or the first difference."""
        if self.reason:
            return self.reason.splitlines()[0]
        if self.differences:
            return str(Difference(**self.differences[0]))
        return f"expected {self.expected}, got {self.got}"

    def to_json(self) -> dict[str, Any]:
        task = self.task
        fields = {name: value for name, value in self.as_dict().items() if name not in ("task", "inline")}
        return {"target": task.target, "name": task.name, "hash": task.hash, **fields}


class Plan(Record):
    """Options for all bundles: number of processes, seconds for each bundle, and the rules for the workers.

    `variables` are added to the environment of the processes, which run the module `worker` of this folder.
    """

    jobs: int
    timeout: float
    rules: dict[str, Any]
    fail_fast: bool = False
    variables: Mapping[str, str] = {}
    worker: str = "replay"


def replay_all(tasks: Sequence[Task], plan: Plan) -> Iterator[Result]:
    """The results as they come. Ends early after the first failure with `fail_fast`."""
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    finished: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
    workers = [_Worker(plan) for _ in range(max(min(plan.jobs, len(tasks)), 1))]
    threads = [threading.Thread(target=_work, args=(w, waiting, finished), daemon=True) for w in workers]
    for thread in threads:
        thread.start()
    try:
        for _ in tasks:
            result = finished.get()
            if isinstance(result, BaseException):
                raise result
            yield result
            if plan.fail_fast and result.kind != EQUAL:
                return
    finally:
        for worker in workers:
            worker.stop()


def _work(
    worker: _Worker, waiting: queue.SimpleQueue[Task], finished: queue.SimpleQueue[Result | BaseException]
) -> None:
    while True:
        try:
            task = waiting.get_nowait()
        except queue.Empty:
            worker.kill()
            return
        try:
            finished.put(worker.replay(task))
        except _Stopped:
            return
        except BaseException as error:
            finished.put(error)
            return


class _Stopped(Exception):
    """The replay ends, so no other process is started."""


class _Worker:
    """One child process at a time, used by one thread; another thread may stop it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._process: subprocess.Popen[str] | None = None
        self._settings = ""
        self._stopped = False
        self._lock = threading.Lock()

    def replay(self, task: Task) -> Result:
        if task.settings != self._settings:
            self.kill()  # one process can have the settings of one Django project only
            self._settings = task.settings
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(task.to_line())
            process.stdin.flush()
        except OSError:
            return self._lost(task, f"the replaying process ended with code {process.wait()}")
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(self._plan.timeout):
                return self._lost(task, f"the call took longer than {self._plan.timeout:g} seconds")
        line = process.stdout.readline()
        if not line:
            return self._lost(task, _how_it_ended(process.wait()))
        answer = json.loads(line)
        fields: dict[str, Any] = {
            name: tuple(value) if type(value) is list else value for name, value in answer.items()
        }
        return Result(task, **fields)

    def _started(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopped:
                raise _Stopped
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", f"{__package__}.{self._plan.worker}"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=self._environment(),
                )
                assert self._process.stdin is not None
                self._process.stdin.write(json.dumps(self._plan.rules) + "\n")
            return self._process

    def _environment(self) -> dict[str, str]:
        variables = {**environment(), **self._plan.variables}
        if self._settings and not variables.get(SETTINGS_MODULE):
            variables[SETTINGS_MODULE] = self._settings
        return variables

    def _lost(self, task: Task, reason: str) -> Result:
        self.kill()
        return Result(task, NOT_REPLAYABLE, reason)

    def kill(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)

    def stop(self) -> None:
        """End the process and start no other one. Called by another thread; the worker's thread sees its pipe close."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is not None:
            process.kill()
            process.wait()


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        return  # unwritten data has no reader any more


def _how_it_ended(code: int) -> str:
    if code < 0:
        return f"the call killed its process (signal {-code})"
    return f"the call ended its process (exit code {code})"
