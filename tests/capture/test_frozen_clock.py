"""A program that freezes its clock has bundles with the real time, and they are written as ever."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from snapagent.store import Counts, Store

FROZEN = {
    "after the agent": "import lib; lib.work(0)\nfreeze_time('2001-02-03').start()",
    "before the agent": "freeze_time('2001-02-03').start()\nimport lib; lib.work(0)",
}


@pytest.mark.parametrize("frozen", FROZEN)
def test_bundles_are_dated_by_the_real_clock(tmp_path: Path, frozen: str) -> None:
    (tmp_path / "lib.py").write_text("def work(x): return x\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ndefaults: {keep: .inf}\ntargets: ['lib:work']\n")
    (tmp_path / "app.py").write_text(
        f"from freezegun import freeze_time\n{FROZEN[frozen]}\nfor number in range(1, 4): lib.work(number)\n"
        "import datetime; print(datetime.date.today())\n"
    )
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "app.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=30,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "2001-02-03\n", "")
    store = Store(str(tmp_path / "captures"))
    index = store.index("lib.work")
    assert index.counts == Counts(4, 4)
    year = time.strftime("%Y-", time.gmtime(began))
    assert [bundle.timestamp[:5] for bundle in index.bundles] == [year] * 4
    assert [entry.timestamp[:4] for entry in store.entries("lib.work")] == [year[:4]] * 4
