"""Run every benchmark of this folder, each in a process of its own: `make bench`, or `python -m benchmarks --json`.

A benchmark is a file `bench_*.py`. Exits 1 when one of them could not be run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    failed = []
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"# {path.stem}", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, str(path), *sys.argv[1:]], check=False).returncode != 0:
            failed.append(path.name)
    if failed:
        print(f"could not be run: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
