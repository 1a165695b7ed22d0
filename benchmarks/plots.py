"""Draw what was measured for the docs: `python -m benchmarks.plots [FILE]`, which writes docs/images/*.svg.

Cost against the number of stored bundles comes from bench_store, latency percentiles from bench_web. FILE is what
`python -m benchmarks --json` has printed; without it both are run.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from .running import HERE, benchmarks, run
from .svg import plot

IMAGES = HERE.parent / "docs" / "images"
_STORED = re.compile(r"(naive )?(capture|newest|by hash) with ([0-9,]+) bundles stored")
_PERCENTILE = re.compile(r"p([0-9.]+) latency, (.+)")


def main() -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    measured = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else None
    for name, draw in (("store", _stored), ("web", _latency)):
        rows = measured or run(benchmarks([name])[0], quiet=True)
        if rows is None:
            return 1
        for file, text in draw(rows).items():
            (IMAGES / file).write_text(text)
            print(IMAGES / file)
    return 0


def _microseconds(detail: object) -> float:
    return float(str(detail).split()[0])


def _stored(rows: list[dict[str, object]]) -> dict[str, str]:
    lines: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in rows:
        match = _STORED.fullmatch(str(row["situation"]))
        if match is None:
            continue
        naive, what, number = match.groups()
        stored, took = float(number.replace(",", "")), _microseconds(row["detail"])
        here = lines.setdefault(what, {"snapagent": [], "naive decorator": []})
        here["naive decorator" if naive else "snapagent"].append((stored, took))
        if naive:  # the row says how many times longer than ours it takes
            here["snapagent"].append((stored, took / float(str(row["ratio"]))))
    drawn = {}
    for what, found in lines.items():
        points = {name: sorted(dict(values).items()) for name, values in found.items()}
        title = {"capture": "One capture", "newest": "Loading the newest", "by hash": "Loading by hash"}[what]
        file = f"cost-{what.replace(' ', '-')}.svg"
        drawn[file] = plot(title, "bundles stored", "microseconds", points)
    return drawn


def _latency(rows: list[dict[str, object]]) -> dict[str, str]:
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        match = _PERCENTILE.fullmatch(str(row["situation"]))
        if match is not None:
            took = float(str(row["detail"]).split()[0])
            lines.setdefault(match[2], []).append((float(match[1]), took))
    if not lines:
        return {}
    text = plot("Latency of a request", "percentile", "milliseconds", lines, log_across=False)
    return {"latency.svg": text}


if __name__ == "__main__":
    sys.exit(main())
