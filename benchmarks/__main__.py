"""Run every benchmark of this folder, each in a process of its own: `make bench`, or `python -m benchmarks --json`.

A benchmark is a file `bench_*.py` that prints rows. Names choose some of them: `python -m benchmarks gate web`.
With `--json` one list of all rows is printed at the end. Exits 1 when a benchmark could not be run.
"""

from __future__ import annotations

import json
import sys

from .running import benchmarks, run


def main() -> int:
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    failed, found = [], []
    for path in benchmarks(names):
        print(f"# {path.stem}", file=sys.stderr, flush=True)
        rows = run(path, options)
        found += rows or []
        if rows is None:
            failed.append(path.name)
    if "--json" in options:
        print(json.dumps(found, indent=1))
    if failed:
        print(f"could not be run: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
