"""Running benchmarks in processes of their own, of this version or of another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .measure import Row, line

HERE = Path(__file__).parent


def benchmarks(names: Sequence[str] = ()) -> list[Path]:
    """The files, all or those of these names (`gate` for bench_gate.py)."""
    paths = sorted(HERE.glob("bench_*.py"))
    return [path for path in paths if not names or path.stem.removeprefix("bench_") in names]


def run(
    path: Path, options: Sequence[str] = (), package: Path | None = None, quiet: bool = False
) -> list[dict[str, object]] | None:
    """The rows of one benchmark, printed as they come unless `quiet`; None when it could not be run.

    `package` is a folder that holds another version of snapagent.
    """
    command = [sys.executable, str(path), *(option for option in options if option != "--json"), "--json"]
    root = str(package or HERE.parent)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SNAPAGENT_", "SNAPY_"))}
    environ["PYTHONPATH"] = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    rows = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        for text in process.stdout:
            fields = json.loads(text)
            rows.append(fields)
            if not quiet and "--json" not in options:
                known = {name: value for name, value in fields.items() if name != "met"}
                print(line(Row(**known)), flush=True)
    return rows if process.returncode == 0 else None
