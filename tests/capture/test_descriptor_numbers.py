"""A captured program gets the descriptor numbers that it gets without capture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SHOP = """
def quote(number):
    return [number] * 5
"""
YAML = """
version: 1
budget: 100%
targets: ["shop:quote"]
defaults: {keep: .inf}
"""
REOPENING = """
import os, time, shop
shop.quote(-1)
time.sleep(1)  # the first call loads modules, whose files have the numbers that the import system gets
wrong = 0
for number in range(20_000):
    shop.quote(number)
    os.close(0)
    wrong += os.open(os.devnull, os.O_RDWR) != 0
    if wrong:
        break
print(wrong)
"""
CLOSED = """
import os, shop
written = set()
for number in range(5_000):
    shop.quote(number)
    for stream in range(3):
        try:
            os.write(stream, b"x")
        except OSError:
            continue
        written.add(stream)
with open("written", "w") as file:
    print(written, file=file)
"""


def captured(folder: Path, program: str, **options: object) -> subprocess.CompletedProcess[str]:
    (folder / "shop.py").write_text(SHOP)
    (folder / "program.py").write_text(program)
    (folder / "snapagent.yaml").write_text(YAML)
    command = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "program.py"]
    return subprocess.run(command, cwd=folder, text=True, timeout=120, check=True, **options)


def test_a_stream_that_is_closed_and_opened_again_has_its_number(tmp_path: Path) -> None:
    with open(os.devnull) as nothing:
        done = captured(tmp_path, REOPENING, stdin=nothing, capture_output=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_what_is_written_to_a_closed_stream_reaches_no_bundle(tmp_path: Path) -> None:
    closing = f"import os\nos.closerange(0, 3)\n{CLOSED}"
    with open(os.devnull, "w") as nothing:
        captured(tmp_path, closing, stdin=subprocess.DEVNULL, stdout=nothing, stderr=nothing)

    assert (tmp_path / "written").read_text() == "set()\n"
    subprocess.run([sys.executable, "-m", "snapagent", "verify"], cwd=tmp_path, capture_output=True, check=True)
