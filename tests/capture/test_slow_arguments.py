"""A call whose arguments take too long to freeze is given up and counted, and its gate closed for a while."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from snapagent import install, uninstall
from snapagent.capture.recording import admission, budget
from snapagent.serializer.freezing import pickler
from snapagent.store import Store

SOURCE = """
import time

class Slow:
    def __reduce__(self):
        time.sleep(0.02)
        return str, ("slow",)

def count(items):
    return len(items)
"""


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "slow_sample.py").write_text(SOURCE)
    (tmp_path / "snapagent.yaml").write_text(
        "version: 1\ndefaults: {max_bytes: 10kB}\ntargets: ['slow_sample:count']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    install(enabled=True, config=str(tmp_path / "snapagent.yaml"))
    yield importlib.import_module("slow_sample")
    uninstall()
    sys.modules.pop("slow_sample", None)


def test_a_capture_over_its_time_is_given_up_and_the_second_call_runs_bare(
    sample: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F35: slow objects, one after the other, end the capture; the function's next call is not looked at.

    It is counted and not logged: that is usual in a large program, and its log is its own.
    """
    monkeypatch.setattr(pickler, "HOOK_SECONDS", 0.1)
    monkeypatch.setattr(admission, "SLOW", 0.05)
    monkeypatch.setattr(budget, "LONGEST_LOADING", 0.0)  # seconds that count as loading are more than these
    items = [sample.Slow() for _ in range(100)]

    took = []
    for _ in range(2):
        began = time.perf_counter()
        assert sample.count(items) == 100
        took.append(time.perf_counter() - began)
    uninstall()

    index = Store(tmp_path / "captures").index("slow_sample.count")
    assert took[0] < 1.0
    assert took[1] < 0.05
    assert (index.calls, index.captured) == (2, 0)
    assert (dict(index.failed), dict(index.skipped)) == ({"too_slow": 1}, {"too_slow": 1})
    assert caplog.messages == []
