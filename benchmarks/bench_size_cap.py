"""Arguments far over `max_bytes`: what they cost in time and memory, beside pickling as many bytes as are allowed:
`python benchmarks/bench_size_cap.py [--json]`.

Each value has a process of its own, in which the peak of the resident size is read before and after.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from capturing import captured
from measure import Row, report

CAP = 1_000_000
SOURCE = "def check(value): return True\n"
CONFIG = 'budget: 100%\ndefaults: {max_bytes: 1MB}\ntargets: ["MODULE:check"]\n'


def array() -> Any:
    import numpy

    return numpy.ones(128 * 1024 * 1024)  # 1 GB, every page of it touched


def tree(wide: int) -> Any:
    return [[[[f"{i} {j} {k} " + "y" * 30] for i in range(30)] for j in range(30)] for k in range(wide)]


def floats() -> Any:
    return [float(number) for number in range(CAP // 9)]


# Half of this one is kept: it has to be walked through in Python to find what to leave out, and copied without it.
PARTLY_KEPT = "a tree of 90,000 lists and texts"
# A value, and one of the same kind that is as large as is allowed. For arrays and bytes, which have no smaller pieces,
# as many bytes are pickled out of plain numbers.
VALUES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "1 GB array": (array, floats),
    "20 million floats": (lambda: [float(number) for number in range(20_000_000)], floats),
    "1 GB of bytes": (lambda: bytes(2**30), floats),
    PARTLY_KEPT: (lambda: tree(50), lambda: tree(25)),
}


def peak() -> int:
    """Bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def child(name: str) -> None:
    """Prints seconds of a captured call, seconds of pickling CAP bytes, and bytes by which the peak has grown."""
    value, allowed = (make() for make in VALUES[name])
    with captured(SOURCE, CONFIG) as program:
        program.module.check(None)  # what the first capture loads is not the value's
        before = peak()
        program.flush()
        took = min(captures(program, value) for _ in range(5))
        grown = peak() - before
        pickled = min(timed(lambda: pickle.dumps(allowed)) for _ in range(15))
    print(json.dumps([took, pickled, grown]))


def captures(program: Any, value: object) -> float:
    took = timed(lambda: program.module.check(value))
    program.flush()
    return took


def timed(function: Callable[[], object]) -> float:
    began = time.thread_time()
    function()
    return time.thread_time() - began


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[1] == "child":
        return child(sys.argv[2])
    rows = []
    for name in VALUES:
        if name.endswith("array") and not importlib.util.find_spec("numpy"):
            continue
        ran = subprocess.run([sys.executable, __file__, "child", name], capture_output=True, text=True, check=True)
        took, pickled, grown = json.loads(ran.stdout)
        most = 20.0 if name == PARTLY_KEPT else 5.0
        rows.append(Row(f"{name}, peak of memory", "max_bytes", grown / CAP, most, detail=f"{grown / 1e6:.1f} MB"))
        detail = f"{took * 1e3:.2f} ms against {pickled * 1e3:.2f} ms"
        most = 40.0 if name == PARTLY_KEPT else 3.0
        rows.append(Row(f"{name}, time", "pickling max_bytes", took / pickled, most, detail=detail))
    report(rows)


if __name__ == "__main__":
    main()
