"""Greenlets that share a thread do not take each other's calls for their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from snapagent.store import Counts, Store

LIBRARY = """
import greenlet
def load(number, then=None):
    if then is not None:
        then()
    elif greenlet.getcurrent().parent is not None:
        greenlet.getcurrent().parent.switch()
    return number
def twice(number):
    return load(number, lambda: load(number))
async def load_later(number):
    import asyncio
    await asyncio.sleep(0.01)
    return number
"""
PROGRAMS = {
    "interleaved": (
        "five = [greenlet.greenlet(lib.load) for _ in range(5)]\n"
        "for number, one in enumerate(five): one.switch(number)\n"
        "print([one.switch() for one in five])",
        Counts(5, 5),
    ),
    "recursive": (
        "five = [greenlet.greenlet(lib.twice) for _ in range(5)]\n"
        "print([one.switch(number) or one.switch() for number, one in enumerate(five)])",
        Counts(10, 5, {"recursive": 5}),
    ),
    "killed": (
        "first = greenlet.greenlet(lib.load); first.switch(1); first.throw(); del first\n"
        "second = greenlet.greenlet(lib.load); second.switch(2); print(second.switch())",
        Counts(2, 2),
    ),
}


def run(folder: Path, text: str) -> None:
    (folder / "lib.py").write_text(LIBRARY)
    (folder / "app.py").write_text("import greenlet, lib\n" + text)
    (folder / "snapagent.yaml").write_text("version: 1\nbudget: 100%\ntargets: ['lib:load', 'lib:load_later']\n")
    command = [sys.executable, "app.py"]
    bare = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)
    done = subprocess.run(
        [sys.executable, "-m", "snapagent", "run", "--on", "--", *command],
        cwd=folder, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert bare.returncode == 0, bare.stderr
    assert (done.returncode, done.stdout, done.stderr) == (0, bare.stdout, bare.stderr)


@pytest.mark.parametrize("program", PROGRAMS)
def test_only_calls_of_the_same_greenlet_are_recursive(tmp_path: Path, program: str) -> None:
    text, counts = PROGRAMS[program]

    run(tmp_path, text)

    assert Store(str(tmp_path / "captures")).index("lib.load").counts == counts


def test_calls_that_sqlalchemy_spawns_in_one_gather_are_all_captured(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
import asyncio
from sqlalchemy.util import await_only, greenlet_spawn
def then():
    await_only(asyncio.sleep(0.05))
async def main():
    print(await asyncio.gather(*(greenlet_spawn(lib.load, number, then) for number in range(5))))
asyncio.run(main())
""",
    )

    assert Store(str(tmp_path / "captures")).index("lib.load").counts == Counts(5, 5)
