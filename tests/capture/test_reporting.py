"""The report of a process is removed when the process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import os, time
from snapagent import install, uninstall
install(enabled=True)
import told
told.add(1)
for _ in range(200 if {wait} else 0):
    time.sleep(0.05)
    if os.path.isdir("captures/.processes") and os.listdir("captures/.processes"):
        print("told")
        break
{end}
"""


@pytest.mark.parametrize("wait", [True, False], ids=["while it ran", "not yet"])
@pytest.mark.parametrize("end", ["uninstall()", ""], ids=["uninstalled", "ended"])
def test_a_process_that_ended_normally_is_not_among_the_running(wait: bool, end: str, tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("def add(left, right=1):\n    return left + right\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: ['told:add']\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-c", RUN.format(wait=wait, end=end)]

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "told\n" if wait else "")
    assert list((tmp_path / "captures").glob(".processes/*.json")) == []
