"""What has become faster or slower since a git revision: `make bench-compare REV=main~5`.

Each revision runs its own benchmarks, in turn, three times each: modules may have moved in between. Names after the
revision choose benchmarks: `python -m benchmarks.compare main~5 gate capture`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .running import HERE, benchmarks, run

TIMES = 3


def main() -> int:
    if len(sys.argv) < 2:
        print("python -m benchmarks.compare REVISION [NAME ...]", file=sys.stderr)
        return 2
    revision, *names = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="bench-compare-") as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), revision], cwd=HERE.parent, check=True)
        try:
            print(f"{'':<60} {revision[:12]:>12} {'now':>12}  change")
            for path in benchmarks(names):
                if (tree / "benchmarks" / path.name).exists():
                    _compare(path, tree)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=HERE.parent, check=True)
    return 0


def _compare(path: Path, tree: Path) -> None:
    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    for _ in range(TIMES):
        for root, ratios in ((tree, before), (HERE.parent, after)):
            for row in run(root / "benchmarks" / path.name, package=root, quiet=True) or ():
                ratios.setdefault(f"{row['situation']}", []).append(float(str(row["ratio"])))
    for situation, now in after.items():
        then = before.get(situation)
        if then is None:
            print(f"{situation:<60} {'-':>12} {statistics.median(now):12.2f}")
            continue
        old, new = statistics.median(then), statistics.median(now)
        spread = (max(then) - min(then)) / old
        print(
            f"{situation:<60} {old:12.2f} {new:12.2f}  {new / old - 1:+.0%} (before: spread {spread:.0%})", flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
