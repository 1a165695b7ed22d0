"""Running processes pause and resume on request, and report their state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from snapagent.store import Store

SERVICE = """
import sys, time
import pausing_target
for line in sys.stdin:
    pausing_target.serve(line.strip())
    print("served", flush=True)
"""


class Service:
    """A program that calls a target for each line that it is sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pausing_target.py").write_text("def serve(line):\n    return line\n")
        (folder / "service.py").write_text(SERVICE)
        (folder / "snapagent.yaml").write_text(
            "version: 1\nbudget: 100%\ndefaults: {keep: .inf}\n"
            "targets: ['pausing_target:serve', 'pausing_target:gone']\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "service.py"],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip

    def call(self, number: int) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        for one in range(number):
            print(f"call {one}", file=self.process.stdin, flush=True)
            assert self.process.stdout.readline() == "served\n"

    def say(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "snapagent", *command], cwd=self.folder, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> Any:
        return json.loads(self.say("status", "--json"))

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.process.kill()
    running.process.wait(20)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_paused_process_captures_nothing_and_goes_on_when_resumed(service: Service) -> None:
    service.call(3)
    wait_until(lambda: len(service.status()["processes"]) == 1)
    assert json.loads(service.say("pause", "--json"))["processes"] == 1
    wait_until(lambda: service.status()["processes"][0]["paused"])
    service.call(4)
    assert "paused" in service.say("status")
    service.say("resume")
    wait_until(lambda: not service.status()["processes"][0]["paused"])
    service.call(2)
    service.end()
    index = Store(service.folder / "captures").index("pausing_target.serve")
    assert (index.calls, index.captured, dict(index.skipped)) == (9, 5, {"paused": 4})


def test_a_process_that_starts_while_paused_captures_nothing(tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / ".paused").touch()
    service = Service(tmp_path)
    service.call(3)
    service.end()
    index = Store(tmp_path / "captures").index("pausing_target.serve")
    assert (index.calls, index.captured, dict(index.skipped)) == (3, 0, {"paused": 3})


def test_a_running_process_tells_what_it_wrapped_and_what_it_could_not_reach(service: Service) -> None:
    service.call(1)
    wait_until(lambda: len(service.status()["processes"]) == 1)
    (process,) = service.status()["processes"]
    assert (process["pid"], process["wrapped"], process["called"]) == (service.process.pid, 1, 1)
    assert "pausing_target:gone" in process["unreachable"]
    assert "pausing_target:gone" in service.say("status")
    service.end()
    assert service.status()["processes"] == []


def test_what_a_killed_process_told_is_not_believed(service: Service) -> None:
    service.call(1)
    wait_until(lambda: len(service.status()["processes"]) == 1)
    service.process.kill()
    service.process.wait(20)
    assert service.status()["processes"] == []
