"""What all tests share: an environment without the agent's own variables, and a real object store."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from seaweedfs import SeaweedFS

VARIABLES = (
    "SNAPAGENT_CAPTURE_ENABLED",
    "SNAPY_CAPTURE_ENABLED",
    "SNAPAGENT_CONFIG",
    "SNAPAGENT_CAPTURE_DIR",
    "SNAPAGENT_KEY",
    "SNAPAGENT_KEY_FILE",
    "SNAPAGENT_REMOTE",
    "SIDE_EFFECT_CAPTURE",
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the person who runs the tests reaches them; `CI` alone stays out of the side effects' way.

    A pytest that a test starts does without hypothesis, whose import takes longer than all else that most of them do.
    """
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if "CI" in os.environ:
        monkeypatch.delenv("CI")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A missing SeaweedFS is an error, so that CI cannot pass without these tests."""
    server = SeaweedFS(tmp_path_factory.mktemp("seaweedfs")).start()
    yield server
    server.stop()
