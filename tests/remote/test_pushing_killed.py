"""A push that is killed: what it had accepted arrives with the next one, though the folder may be gone by then."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_proxy import FaultProxy
from fleet import Pod, listed

CHILD = Path(__file__).parents[1] / "support" / "pushing_child.py"


def start(pod: Pod, url: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(CHILD), str(pod.captures), url, *words], stderr=subprocess.PIPE)


def accepted(pod: Pod) -> set[str]:
    """What the killed process had taken: it lies in the spool, or it was uploaded."""
    return set(pod.spooled()) | {line.split()[2] for line in pod.ledger().splitlines() if len(line.split()) == 5}


def arrives_once(pod: Pod, url: str, taken: set[str]) -> None:
    shutil.rmtree(pod.captures / "shop.pricing.quote")  # retention has removed everything meanwhile
    pod.push(url)
    names = [path.rpartition("~")[2] for path in listed(url)]
    assert len(names) == len(set(names))
    assert taken <= set(names)
    assert pod.spooled() == []


@pytest.mark.parametrize("point", ["link", "put", "ledger"])
@pytest.mark.parametrize("number", [1, 5])
def test_4_a_push_killed_at_this_point_loses_nothing(pod: Pod, url: str, point: str, number: int) -> None:
    for value in range(8):
        pod.capture(value)
    child = start(pod, url, point, str(number))
    assert child.wait(60) == -signal.SIGKILL, child.communicate()
    taken = accepted(pod)

    assert len(taken) >= (number if point == "link" else 8)
    arrives_once(pod, url, taken)


def test_4_a_push_killed_at_any_moment_loses_nothing(pods: object, tmp_path: Path, url: str, proxy: FaultProxy) -> None:
    moments = random.Random(7)
    for number in range(4):
        pod, prefix = Pod(tmp_path / f"killed-{number}"), f"{url}/{number}"
        for value in range(30):
            pod.capture(value)
        proxy.forget()
        child = start(pod, prefix)
        while child.poll() is None and not proxy.count("PUT"):
            time.sleep(0.001)
        time.sleep(moments.random() * 0.03)
        child.kill()
        child.communicate()
        arrives_once(pod, prefix, accepted(pod))


def test_a_push_that_lives_does_the_same(pod: Pod, url: str) -> None:
    for value in range(3):
        pod.capture(value)

    child = start(pod, url)

    assert child.wait(60) == 0, child.communicate()
    assert len(listed(url)) == 3
