"""What hashing and sealing cost in the writer, against a Python-level pickler feeding a digest, which is how joblib
hashes (joblib itself, when it is installed), and against the C pickler feeding one, whose bytes are no key but fast:
`python benchmarks/bench_hash.py [--json]`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import Row, interleaved, microseconds, per_call, report

from snapagent.config.targets import Target
from snapagent.core.signature import Parameters
from snapagent.sealing.hashing.canonical import argument_hash
from snapagent.sealing.raw_call import RawCall
from snapagent.sealing.seal import SealRules, seal
from snapagent.serializer.inert.decode import decode

ONE = Parameters((("value", "positional_or_keyword"),))
RULES = SealRules(b"a key")


class Line:
    def __init__(self, sku: str, quantity: int) -> None:
        self.sku = sku
        self.quantity = quantity


def small() -> object:
    return {"id": 17, "name": "bolt", "price": 2.5, "tags": ["a", "b", None]}


def nested() -> object:
    """About ten thousand elements."""
    return [{"id": n, "name": f"item {n}", "tags": ["a", "b", n], "price": n * 1.5} for n in range(1450)]


def objects() -> object:
    return [Line(f"sku {n}", n) for n in range(2500)]


def values() -> Iterator[tuple[str, object, int, float, float]]:
    """Name, value, calls in a round, and the most that its hash may cost: in hashes by joblib, in pickles with md5."""
    yield "small dict", small(), 400, 0.4, 8.0
    yield "10k-element nested list", nested(), 1, 0.3, 17.0
    yield "2,500 objects", objects(), 1, 0.45, 10.0
    if importlib.util.find_spec("numpy"):
        import numpy

        yield "10 MB float array", numpy.random.default_rng(1).random(1_250_000), 1, 0.7, 0.5
    if importlib.util.find_spec("pandas"):
        import numpy
        import pandas

        count = 100_000
        columns = {
            "n": numpy.arange(count),
            "x": numpy.arange(count) / 7,
            "text": [f"row {n}" for n in range(count)],
            "when": pandas.date_range("2026-01-01", periods=count, freq="s"),
        }
        yield "100,000-row frame", pandas.DataFrame(columns), 1, 0.1, 0.5


def python_level_hash(value: object) -> str:
    buffer = io.BytesIO()
    pickle._Pickler(buffer, 5).dump(value)
    return hashlib.md5(buffer.getvalue()).hexdigest()


def pickle_hash(value: object) -> str:
    return hashlib.md5(pickle.dumps(value, 5)).hexdigest()


def yardstick() -> tuple[str, Callable[[object], object]]:
    if importlib.util.find_spec("joblib"):
        import joblib

        return "joblib.hash", joblib.hash
    return "a Python-level pickler and md5", python_level_hash


def raw_call(value: object) -> RawCall:
    return RawCall(
        target=Target("shop.pricing", "quote"),
        kind="function",
        flavor="plain",
        parameters=ONE,
        call=pickle.dumps((None, (value,), {}), 5),
        outcome=pickle.dumps({"total": 3}, 5),
        raised=False,
        started=time.time(),
        duration=0.01,
    )


def hash_rows() -> Iterator[Row]:
    name, other = yardstick()
    for title, value, number, target, pickle_target in values():
        graph = {"value": decode(pickle.dumps(value, 5))}

        def ours(graph: dict[str, object] = graph, number: int = number) -> float:
            return per_call(lambda: argument_hash(graph), number)

        def theirs(value: object = value, number: int = number) -> float:
            return per_call(lambda: other(value), number)

        def pickled(value: object = value, number: int = number) -> float:
            return per_call(lambda: pickle_hash(value), number)

        times = interleaved({"ours": ours, "theirs": theirs, "pickled": pickled})
        yield Row(f"hash: {title}", name, times["ours"] / times["theirs"], target, detail=microseconds(times["ours"]))
        yield Row(f"hash: {title}", "pickle and md5", times["ours"] / times["pickled"], pickle_target)


def seal_rows() -> Iterator[Row]:
    """Sealing a call: decoding, the look for secrets, hash, previews and header, against hashing it alone elsewhere."""
    name, other = yardstick()
    secret = {**small(), "password": "correct-horse-7", "note": "correct-horse-7 is wrong"}  # type: ignore[dict-item]
    for title, value, number, target in (
        ("small dict", small(), 100, 6.0),
        ("small dict with a secret", secret, 100, 14.0),
        ("10k-element nested list", nested(), 1, 1.0),
    ):
        raw = raw_call(value)

        def ours(raw: RawCall = raw, number: int = number) -> float:
            return per_call(lambda: seal(raw, RULES), number)

        def theirs(value: object = value, number: int = number) -> float:
            return per_call(lambda: other(value), number)

        times = interleaved({"ours": ours, "theirs": theirs})
        yield Row(f"seal: {title}", name, times["ours"] / times["theirs"], target, detail=microseconds(times["ours"]))


if __name__ == "__main__":
    report([*hash_rows(), *seal_rows()])
