"""What the shape of the arguments costs in the writer, against all that it does for a stored call, and what
`keep_shapes` costs for a call that is not stored: `python benchmarks/bench_shape.py [--json]`.

A call that newer ones make surplus is not stored. Without `keep_shapes` it costs the writer next to nothing; with it,
the writer has to look at its arguments.
"""

from __future__ import annotations

import itertools
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from capturing import SMALL, nested
from measure import Row, cpu_per_call, interleaved, microseconds, report

from snapagent.config.targets import Target
from snapagent.core.signature import Parameters
from snapagent.sealing.opened_call import OpenedCall
from snapagent.sealing.raw_call import RawCall
from snapagent.sealing.seal import SealRules, seal, shape_before_sealing
from snapagent.sealing.shape import shape_of
from snapagent.store import Store

TARGET = Target("shop.pricing", "quote")
TWO = Parameters((("order", "positional_or_keyword"), ("number", "positional_or_keyword")))
RULES = SealRules(b"a key")
SHARE = 0.05  # of the writer's time for a stored call


class Order:
    def __init__(self) -> None:
        self.id, self.customer, self.coupon, self.lines = 17, "Ada", None, [1, 2, 3]
        self.total, self.paid, self.notes = 9.99, False, ""


def raw_call(value: object) -> RawCall:
    return RawCall(
        target=TARGET,
        kind="function",
        flavor="plain",
        parameters=TWO,
        call=pickle.dumps((None, (value, 7), {})),
        outcome=pickle.dumps({"total": 7}),
        raised=False,
        started=time.time(),
        duration=0.001,
    )


def variants(name: str, value: object, number: int, base: str) -> dict[str, Callable[[], float]]:
    raw = raw_call(value)
    opened = OpenedCall(raw.parameters, False, raw.call)
    store = Store(f"{base}/{name.replace(' ', '_')}")
    moments = itertools.count(1)

    def stored() -> None:
        store.publish(TARGET, *seal(raw, RULES), when=float(next(moments)))

    return {
        f"{name}: stored": lambda: cpu_per_call(stored, number),
        f"{name}: shape": lambda: cpu_per_call(lambda: shape_of(opened.bound()), number),
        f"{name}: looked at": lambda: cpu_per_call(lambda: shape_before_sealing(raw), number),
    }


def main() -> None:
    values = (("small dict", SMALL, 200), ("object", Order(), 200), ("10k elements", nested(), 2))
    with tempfile.TemporaryDirectory(prefix="bench-shape-") as base:
        times: dict[str, float] = {}
        for name, value, number in values:
            times |= interleaved(variants(name, value, number, base))
    rows = []
    for name, _, _ in values:
        whole, shape, looked_at = (times[f"{name}: {what}"] for what in ("stored", "shape", "looked at"))
        yardstick = f"sealing and storing it ({microseconds(whole)})"
        rows.append(Row(f"shape of a call, {name}", yardstick, shape / whole, SHARE, detail=microseconds(shape)))
        rows.append(Row(f"surplus call with keep_shapes, {name}", yardstick, looked_at / whole,
                        detail=microseconds(looked_at)))  # fmt: skip
    report(rows)


if __name__ == "__main__":
    main()
