"""Captured functions that are called while another call is captured run uncaptured and are counted; nothing hangs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = """
import gc
import signal

def add(left, right=1):
    return left + right

def identity(value):
    return value

class Finalized:
    def __init__(self):
        self.me = self  # only the collector can free it
    def __del__(self):
        add(1)

class Collects:
    def __getstate__(self):
        Finalized()
        gc.collect()
        return {"x": 1}

class Signals:
    def __getstate__(self):
        signal.raise_signal(signal.SIGUSR1)
        return {"x": 1}
"""

RUN = """
import os, resource, signal, sys, time
from snapagent import install, uninstall
install(enabled=True)
import within
signal.signal(signal.SIGUSR1, lambda *args: within.add(2))
signal.signal(signal.SIGALRM, lambda *args: within.add(3))
{script}
deadline = time.monotonic() + 10
while not os.path.exists("captures/within.identity/index.json") and time.monotonic() < deadline:
    time.sleep(0.05)  # a slow machine may need longer than the two seconds that a process waits when it ends
uninstall()
"""

SCRIPTS = {
    # Without `disable` the collector may be at work in the writer's thread, and then `collect` does nothing.
    "finalizer": "within.gc.disable()\nassert type(within.identity(within.Collects())) is within.Collects",
    "handler": "assert type(within.identity(within.Signals())) is within.Signals",
    "timer": """
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for number in range(3000):
    assert within.identity([number]) == [number]
signal.setitimer(signal.ITIMER_REAL, 0)
""",
    "memory": """
within.identity(0)
rows = ["x" * 1000 + str(number) for number in range(60_000)]
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000, -1))
assert within.identity(rows) is rows
""",
}


def counts_after(script: str, folder: Path) -> dict[str, dict[str, object]]:
    """What the index of each function says after this has run."""
    (folder / "within.py").write_text(SAMPLE)
    config = 'version: 1\nbudget: 100%\ndefaults: {max_bytes: 200MB}\ntargets: ["within:add", "within:identity"]\n'
    (folder / "snapagent.yaml").write_text(config)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    command = [sys.executable, "-c", RUN.format(script=SCRIPTS[script])]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    indexes = (folder / "captures").glob("*/index.json")
    return {path.parent.name: json.loads(path.read_text()) for path in indexes}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("finalizer", id="F23 a finalizer"),
        pytest.param("handler", id="F24 a signal handler"),
    ],
)
def test_what_is_called_in_the_middle_of_a_capture_runs_bare(script: str, tmp_path: Path) -> None:
    """F23, F24: by a finalizer or a signal handler, while an argument or a result is turned into bytes."""
    found = counts_after(script, tmp_path)

    calls = found["within.add"]["calls"]
    assert calls in (1, 2)  # one for the argument and one for the result, which is the same object
    assert (found["within.add"]["captured"], found["within.add"]["skipped"]) == (0, {"reentrant": calls})
    assert (found["within.identity"]["captured"], found["within.identity"]["failed"]) == (1, {})


def test_a_signal_handler_may_call_a_captured_function_at_any_moment(tmp_path: Path) -> None:
    """F24: also while we hold a lock of ours."""
    found = counts_after("timer", tmp_path)

    assert (found["within.identity"]["calls"], found["within.identity"]["failed"]) == (3000, {})
    assert found["within.add"]["calls"] > 0


def test_what_our_own_thread_calls_runs_bare(tmp_path: Path) -> None:
    """Functions of the standard library, say, that the writer needs as well."""
    (tmp_path / "snapagent.yaml").write_text("version: 1\nbudget: 100%\ntargets: ['posixpath:*', 'json:*']\n")
    code = "import os, time\nfrom snapagent import install\ninstall(True)\nos.path.join('a', 'b')\ntime.sleep(0.7)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")

    indexes = [json.loads(path.read_text()) for path in (tmp_path / "captures").glob("*/index.json")]
    assert {reason for found in indexes for reason in found["skipped"]} == {"reentrant"}
    captured = {found["target"]: found["captured"] for found in indexes if found["captured"]}
    assert captured["posixpath:join"] == 1 and not any(target.startswith("json:") for target in captured), captured


@pytest.mark.skipif(sys.platform != "linux", reason="address space limits")
def test_a_call_is_not_affected_when_memory_runs_out_while_it_is_captured(tmp_path: Path) -> None:
    """F31: the capture is dropped and counted."""
    found = counts_after("memory", tmp_path)["within.identity"]

    assert (found["calls"], found["captured"], found["failed"]) == (2, 1, {"internal_error": 1})
