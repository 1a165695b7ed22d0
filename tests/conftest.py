"""What all tests share: an environment without the agent's own variables."""

from __future__ import annotations

import os

import pytest

VARIABLES = (
    "SNAPAGENT_CAPTURE_ENABLED",
    "SNAPY_CAPTURE_ENABLED",
    "SNAPAGENT_CONFIG",
    "SNAPAGENT_CAPTURE_DIR",
    "SNAPAGENT_KEY",
    "SNAPAGENT_KEY_FILE",
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
