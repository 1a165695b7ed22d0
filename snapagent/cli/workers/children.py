"""Both ends of the pipe between a command and a child process that imports the program or unpickles a bundle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

from ...config.environment import ENABLED, ENABLED_ALIAS


def environment() -> dict[str, str]:
    """The environment without the switch, so that calls in a child are not captured."""
    return {name: value for name, value in os.environ.items() if name not in (ENABLED, ENABLED_ALIAS)}


def ask(module: str, request: dict[str, Any]) -> tuple[Any, int]:
    """Run a module of this package with a JSON request; its JSON answer, None when there is none, and its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}"],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
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
