"""What a process pays at its start: capture prepared but off, and on with no target module loaded:
`python benchmarks/bench_startup.py [--json]`.

Each start is a whole interpreter. "Off" is a folder with the `.pth` that `snapagent enable` writes against the same
folder without it; "on" is the finder installed from a YAML, against `python -c "import yaml"`. Both are ordinary
starts, with `site`, as those of programs are.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from measure import Row, report, samples

import snapagent
from snapagent.cli.launch import PTH_NAME, pth_text

STARTS = 51
YAML = "version: 1\ntargets:\n  - shop.pricing:quote\n  - shop.services.*:*\n"
HEAVY = ("wrapt", "dill", "filelock", "click", "rich")
SITE = "import site; site.addsitedir({folder!r})"


def start(code: str, environ: dict[str, str], *options: str) -> float:
    """Seconds of processor time of one start; the children's own, so that waiting for a processor does not count."""
    command = [sys.executable, *options, "-c", code]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        base = Path(folder)
        for name in ("without", "with"):
            (base / name).mkdir()
        (base / "with" / PTH_NAME).write_text(pth_text())
        (base / "snapagent.yaml").write_text(YAML)
        paths = dict.fromkeys(str(Path(one.__file__).parents[1]) for one in (snapagent, yaml))
        off = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(paths), "HOME": folder}
        on = {**off, "SNAPAGENT_CAPTURE_ENABLED": "1", "SNAPAGENT_CONFIG": str(base / "snapagent.yaml")}
        installing = "from snapagent import install; install()"
        seen = f"import sys; {installing}; sys.exit(any(name in sys.modules for name in {HEAVY!r}))"
        subprocess.run([sys.executable, "-c", seen], env=on, check=True)
        times = samples(
            {
                "without": lambda: start(SITE.format(folder=str(base / "without")), off, "-I"),
                "with": lambda: start(SITE.format(folder=str(base / "with")), off, "-I"),
                "yaml": lambda: start("import yaml", off),
                "on": lambda: start(installing, on),
            },
            STARTS,
        )
    middle = {name: sorted(values)[len(values) // 2] for name, values in times.items()}
    more = middle["with"] - middle["without"]
    rows = [
        Row(
            "start with capture off, .pth installed",
            "without it",
            # Half a millisecond is allowed where three per cent are less than that.
            middle["with"] / max(middle["without"], (middle["without"] + 0.0005) / 1.03),
            1.03,
            detail=f"{more * 1e3:+.2f} ms on {middle['without'] * 1e3:.1f} ms",
        ),
        Row(
            "start with capture on, no target loaded",
            'python -c "import yaml"',
            middle["on"] / middle["yaml"],
            1.12,
            detail=f"{middle['on'] * 1e3:.1f} ms",
        ),
    ]
    report(rows)


if __name__ == "__main__":
    main()
