"""Both ends of the pipe between a command and a child process that imports the program or unpickles a bundle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NoReturn, TextIO

from ...compare.outcomes import NOT_REPLAYABLE
from ...config.environment import ENABLED, ENABLED_ALIAS


def environment() -> dict[str, str]:
    """The environment without the switch, so that calls in a child are not captured."""
    return {name: value for name, value in os.environ.items() if name not in (ENABLED, ENABLED_ALIAS)}


def ask(module: str, request: dict[str, Any], variables: Mapping[str, str] | None = None) -> tuple[Any, int]:
    """Run a module of this package with a JSON request; its JSON answer, None when there is none, and its exit code.

    `variables` are added to the environment of the process.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}"],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        env=environment() | dict(variables or {}),
        check=False,
    )
    try:
        return json.loads(done.stdout), done.returncode
    except ValueError:
        return None, done.returncode


def answer(respond: Callable[[dict[str, Any]], object]) -> NoReturn:
    """In the child of `ask`: answer the one request on stdin, and end the process."""
    request = json.load(sys.stdin)
    sys.path[:] = request["path"]
    with redirected_stdout() as reply:
        json.dump(respond(request), reply)
    os._exit(0)  # do not wait for threads and exit handlers of the program


def redirected_stdout() -> TextIO:
    """In a child: a file for the answer on the old stdout. From then on the program's own prints go to stderr."""
    reply = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return reply


def serve(respond: Callable[[Mapping[str, str], Mapping[str, Any]], dict[str, Any]]) -> NoReturn:
    """In a child of the pool: answer tasks until stdin ends. The first line has the rules, each further one a task."""
    rules = json.loads(sys.stdin.readline())
    sys.path[:] = rules["path"]
    reply = redirected_stdout()
    tasks = sys.stdin
    sys.stdin = open(os.devnull)  # noqa: SIM115 - for as long as the process lives
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends this process
    for line in tasks:
        began = perf_counter()
        try:
            answer = respond(json.loads(line), rules)
        except BaseException as error:  # SystemExit of the program while it is imported, for instance
            answer = as_answer(f"the call raised {type(error).__name__}: {error}", began)
        reply.write(json.dumps(answer) + "\n")
        reply.flush()
    os._exit(0)  # do not wait for threads and exit handlers of the program


def as_answer(reason: str, began: float, kind: str = NOT_REPLAYABLE) -> dict[str, Any]:
    """The answer for a task that has no other result; `began` is a reading of `perf_counter`."""
    return {"kind": kind, "reason": reason, "seconds": perf_counter() - began, "differences": []}
