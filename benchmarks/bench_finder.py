"""One import of a module that is no target, seen by our finder and by wrapt's own:
`python benchmarks/bench_finder.py [--json]`.

Both are asked for names that they do not know, by `find_spec` alone: in a real import the finder's share is lost in
the noise. wrapt's has as many hooks registered as we have targets.
"""

from __future__ import annotations

import statistics

import wrapt
from measure import Row, cpu_per_call, report, samples
from wrapt.importer import ImportHookFinder

from snapagent.capture.importing import TargetFinder
from snapagent.config.reading import parse_config

NAMES = [f"library{number}.package.module{number % 7}" for number in range(200)]
EXACT = ["shop.pricing:quote", "shop.orders:OrderService.place", "shop.model:predict", "billing.tax:rate"]
GLOBS = ["shop.services.*:*", "shop.**:**", "billing.*:rate"]


def finder(targets: list[str]) -> TargetFinder:
    lines = "".join(f"  - '{target}'\n" for target in targets)
    config = parse_config(f"version: 1\ntargets:\n{lines}", "bench.yaml")
    return TargetFinder(config.target_set().wants_module, lambda module: None)


def asking(find_spec: object) -> float:
    """Seconds of one question, the loop taken off. Names come again and again, as those of a program's modules do."""
    scope = {"find_spec": find_spec, "names": NAMES}
    exec("def ask():\n for name in names: find_spec(name, None, None)\ndef loop():\n for name in names: None", scope)
    took = cpu_per_call(scope["ask"], 20) - cpu_per_call(scope["loop"], 20)  # type: ignore[arg-type]
    return took / len(NAMES)


def main() -> None:
    for target in EXACT:
        wrapt.register_post_import_hook(lambda module: None, target.partition(":")[0])
    known = ImportHookFinder()
    exact, globs = finder(EXACT), finder(EXACT + GLOBS)
    times = samples(
        {
            "wrapt": lambda: asking(known.find_spec),
            "exact": lambda: asking(exact.find_spec),
            "globs": lambda: asking(globs.find_spec),
        },
        21,
    )
    rows = []
    for name, most in (("exact", 0.5), ("globs", 1.5)):
        ratio = statistics.median(ours / theirs for ours, theirs in zip(times[name], times["wrapt"], strict=True))
        detail = f"{statistics.median(times[name]) * 1e9:.0f} ns"
        rows.append(Row(f"import of a module that is no target, {name}", "wrapt's finder", ratio, most, detail=detail))
    report(rows)


if __name__ == "__main__":
    main()
