"""Check that a built wheel holds what users need and nothing else: `python .ci/check_wheel.py FILE.whl`.

Exits 1 with one line for each thing that is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("snapagent/py.typed", "snapagent/__main__.py", "snapagent/capture/bootstrap/sitecustomize.py")
ENTRY_POINTS = ("snapagent = snapagent.cli:main", "snapagent = snapagent.replay.plugin")


def problems(wheel: Path) -> Iterator[str]:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = {Path(name).name: archive.read(name).decode() for name in names if ".dist-info/" in name}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "snapagent").rglob("*.py")}
    for name in sorted((sources | set(NEEDED)) - names):
        yield f"{name} is missing"
    for name in sorted(names):
        if not name.startswith("snapagent") or "test" in name.split("/")[1:-1]:
            yield f"{name} does not belong into the wheel"
        if "__pycache__" in name:
            yield f"{name} is compiled"
    for line in ENTRY_POINTS:
        if line not in metadata.get("entry_points.txt", ""):
            yield f"the entry point '{line}' is missing"
    if "Requires-Python: >=3.11" not in metadata.get("METADATA", ""):
        yield "the metadata do not say Python 3.11"
    yield from problems_in_use(wheel)


def problems_in_use(wheel: Path) -> Iterator[str]:
    """The unpacked wheel alone, away from the checkout: its data files must be where the code looks for them."""
    with tempfile.TemporaryDirectory() as folder:
        with ZipFile(wheel) as archive:
            archive.extractall(folder)
        environ = {**os.environ, "PYTHONPATH": folder}
        for words in (["--help"], ["init"], ["list"]):
            command = [sys.executable, "-m", "snapagent", *words]
            done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                yield f"'snapagent {' '.join(words)}' exits with {done.returncode}: {done.stdout}{done.stderr}"


def main() -> int:
    wheel = Path(sys.argv[1])
    found = list(problems(wheel))
    for problem in found:
        print(f"{wheel.name}: {problem}")
    if not found:
        print(f"{wheel.name}: everything is there, and nothing else")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
