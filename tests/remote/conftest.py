"""Pods, object stores and the proxy between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import seaweedfs
from fault_proxy import FaultProxy
from fleet import Pod
from seaweedfs import SeaweedFS


@pytest.fixture
def proxy(seaweed: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Before the server; the environment of the test makes every client go through it."""
    found = FaultProxy(seaweed.port).start()
    for name, value in seaweedfs.environment(found.url).items():
        monkeypatch.setenv(name, value)
    yield found
    found.stop()


@pytest.fixture
def url(proxy: FaultProxy) -> str:
    """A prefix of its own for each test."""
    return f"s3://{seaweedfs.BUCKET}/t{os.urandom(6).hex()}"


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path / "pod")


@pytest.fixture
def pods(tmp_path: Path) -> Callable[[int], list[Pod]]:
    return lambda number: [Pod(tmp_path / f"pod-{at}") for at in range(number)]
