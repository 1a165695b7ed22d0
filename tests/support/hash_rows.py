"""The rows of the hash table: run as a script, it prints as JSON what this interpreter makes of each of them.

`hashes` is one hash for each value that must hash the same in every process and on every Python, `wrong` the pairs that
came out the wrong way inside this process.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import decimal
import fractions
import importlib.util
import json
import pathlib
import pickle
import struct
import sys
import uuid
import zoneinfo
from collections.abc import Callable, Iterator, Sequence

from hash_enums import Access, Colour
from live_hash import hash_call

from snapagent.core.signature import Parameters
from snapagent.sealing.hashing.canonical import HashResult

ONE = Parameters((("value", "positional_or_keyword"),))


class Plain:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("first", "second")

    def __init__(self, first: object, second: object) -> None:
        self.first = first
        self.second = second


@dataclasses.dataclass
class Data:
    name: str
    tags: set[str]


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenData:
    name: str
    size: int


class Names(set):  # type: ignore[type-arg]
    pass


Point = collections.namedtuple("Point", "x y")
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")


def result(value: object) -> HashResult:
    return hash_call(None, (value,), {}, ONE)


def hashed(value: object) -> str:
    return result(value).hash


def documented_function() -> Callable[[int], object]:
    def documented(x: int) -> object:
        """Its first constant."""
        return "text" if x else x + 7

    return documented


def adder(number: int) -> Callable[[int], int]:
    return lambda x: x + number


def cyclic() -> list[object]:
    found: list[object] = [1]
    found.append(found)
    return found


def crossed() -> list[Plain]:
    """Every object knows every other: very many ways through."""
    family = [Plain(number=number) for number in range(12)]
    for one in family:
        one.others = [other for other in family if other is not one]  # type: ignore[attr-defined]
    return family


def other_nan() -> float:
    return struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000001))[0]  # type: ignore[no-any-return]


def values() -> Iterator[tuple[str, object]]:
    """Rows that must be stable over hash seeds and Pythons."""
    yield "small dict", {"id": 17, "name": "bolt", "price": 2.5, "tags": ["a", None, True]}
    yield "NaN", float("nan")
    yield "big int", 3**5000
    yield "lone surrogate", "\ud800 and more"
    yield "bytes and bytearray", [b"\x00\xff", bytearray(b"xy"), b"z" * 100]
    yield "date and time", datetime.datetime(2026, 11, 22, 9, 34, 8, 123456, tzinfo=datetime.UTC)
    yield "zoned time", datetime.datetime(2026, 11, 22, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))
    yield "timedelta", datetime.timedelta(days=1, microseconds=3)
    yield "decimal", decimal.Decimal("1.10")
    yield "fraction", fractions.Fraction(1, 3)
    yield "uuid", uuid.UUID(int=2**100 + 7)
    yield "path", pathlib.PurePosixPath("/srv/data/a.csv")
    yield "real path", pathlib.Path("relative/b.csv")
    yield "set of str", set(WORDS)
    yield "frozenset of str", frozenset(WORDS)
    yield "set of frozensets", {frozenset(WORDS[:3]), frozenset(WORDS[3:]), frozenset()}
    yield "subclass of set", Names(WORDS)
    yield "dict holding a set", {"names": set(WORDS)}
    yield "dataclass holding a set", Data("x", set(WORDS))
    yield "frozen dataclass with slots", FrozenData("x", 3)
    yield "mixed set", {1, "1", b"1", None, (1, "a"), 2.5}
    yield "dict with mixed keys", {1: "a", "1": "b", None: "c", (1, 2): "d"}
    yield "instance", Plain(b=1, a=[Plain()])
    yield "slots", Slotted(1, {"x"})
    yield "enum", [Colour.RED, Colour.GREEN, Access.READ | Access.WRITE]
    yield "named tuple", Point(1, 2)
    yield "ordered dict", collections.OrderedDict(b=1, a=2)
    yield "defaultdict", collections.defaultdict(list, a=[1])
    yield "counter and deque", [collections.Counter("abca"), collections.deque([1, 2], 5)]
    yield "complex and range", [1 + 2j, range(3, 9, 2), slice(1, None)]
    yield "cycle", cyclic()
    yield "many cycles", crossed()
    yield "function and class", [json.dumps, Plain, len]
    yield "exception", ValueError("no", 3)
    if importlib.util.find_spec("dill"):
        yield "lambda", lambda x: x + 1
        yield "closure", adder(3)
        yield "comprehension", lambda x: [-y * 2 for y in x if y > 1 and y not in (3, 5)]
        yield "slices", lambda x: (x[1:3], x[0], x[-1], x[:2])
        yield "folded constants", lambda x: 255 + 256 + x if x == -1 else -5
        yield "text alone", lambda x: f"{x!r:>10}"
        yield "docstring", documented_function()
    if importlib.util.find_spec("numpy"):
        yield from numpy_values()


def numpy_values() -> Iterator[tuple[str, object]]:
    import numpy

    yield "array", numpy.arange(6.0).reshape(2, 3)
    yield "scalar", [numpy.float64(2.5), numpy.int32(3)]
    yield "dtypes", [numpy.dtype("f4"), numpy.dtype([("a", "i4"), ("b", "U3")])]
    yield "object array holding a set", numpy.array([set(WORDS), None], dtype=object)
    yield "text array", numpy.array(["ab", "c"])
    yield "date array", numpy.array(["2026-01-01"], dtype="M8[s]")


def equal_pairs() -> Iterator[tuple[str, object, object]]:
    shared = [1, 2]
    pair = (1, "x")
    yield "interned and fresh string", ["abc", "abc"], ["abc", "".join(["a", "bc"])]
    yield "shared list and copies", [shared, shared], [[1, 2], [1, 2]]
    yield "shared tuple and copies", [pair, pair], [(1, "x"), (1, "".join("x"))]
    yield "dict order", {"a": 1, "b": 2}, {"b": 2, "a": 1}
    yield "attribute order", Plain(a=1, b=2), Plain(b=2, a=1)
    yield "set order", set([8, 16, 24, 0]), set([0, 24, 16, 8])  # noqa: C405 - the order of insertion is the point
    yield "zero and negative zero", [0.0, {"a": 0.0}, 0.0 + 0j], [-0.0, {"a": -0.0}, -0.0 + 0j]
    yield "NaN and another NaN", [float("nan")], [other_nan()]
    yield "one cycle and another", cyclic(), cyclic()
    yield "many cycles", crossed(), crossed()
    yield "a copy", Data("x", {"y"}), copy.deepcopy(Data("x", {"y"}))
    yield "a path and its spelling", pathlib.Path("a/b"), pathlib.Path("a") / "b"
    if importlib.util.find_spec("dill"):
        yield "two closures over equal values", adder(1), adder(1)
    if importlib.util.find_spec("numpy"):
        yield from equal_arrays()
    if importlib.util.find_spec("pandas"):
        yield from equal_frames()


def equal_arrays() -> Iterator[tuple[str, object, object]]:
    import numpy

    grid = numpy.arange(6.0).reshape(2, 3)
    numbers = [numpy.float64(0), numpy.zeros(2)]
    yield "array round trip", numbers, pickle.loads(pickle.dumps(numbers))
    yield "C and Fortran order", grid, numpy.asfortranarray(grid)
    yield "C and Fortran order of ints", grid.astype("i4"), numpy.asfortranarray(grid.astype("i4"))
    yield "C and Fortran order of complex numbers", grid * 1j, numpy.asfortranarray(grid * 1j)
    yield "strided view and copy", grid[:, ::2], grid[:, ::2].copy()
    yield "read-only and writable", grid, numpy.frombuffer(grid.tobytes()).reshape(2, 3)
    yield "zero and negative zero in an array", numpy.array([0.0]), numpy.array([-0.0])
    yield "zero and negative zero as scalars", numpy.float32(0.0), numpy.float32(-0.0)
    yield "NaN and another NaN in an array", numpy.array([numpy.nan]), numpy.array([other_nan()])


def equal_frames() -> Iterator[tuple[str, object, object]]:
    import pandas

    frame = make_frame()
    parts = [frame[[name]] for name in frame]
    yield "frame round trip", frame, pickle.loads(pickle.dumps(frame))
    yield "consolidated and assembled", frame.copy(), pandas.concat(parts, axis=1)
    yield (
        "text as objects and as text",
        frame.astype({"text": object}),
        frame.astype({"text": "str"})
        .astype(object)[list(frame)]
        .astype({"n": "int64", "x": "float64", "when": frame["when"].dtype, "m": "int64"}),
    )


def make_frame(text: Sequence[str | None] = ("a", "b")) -> object:
    import pandas

    when = pandas.to_datetime(["2026-01-01", "2026-01-02"])
    return pandas.DataFrame({"n": [1, 2], "x": [0.5, 0.25], "text": list(text), "when": when, "m": [3, 4]})


def different_pairs() -> Iterator[tuple[str, object, object]]:
    yield "int and float", 1, 1.0
    yield "int and bool", 1, True
    yield "str, bytes", "1", b"1"
    yield "bytes, bytearray", b"1", bytearray(b"1")
    yield "str, int", "1", 1
    yield "list, tuple", [1, 2], (1, 2)
    yield "set, frozenset", {1}, frozenset([1])
    yield "list order", [1, 2], [2, 1]
    yield "list repetition", [1, 1, 2], [1, 2]
    yield "nesting", [[1], 2], [[1, 2]]
    yield "texts side by side", ["ab", "c"], ["a", "bc"]
    yield "decimals", decimal.Decimal("1.10"), decimal.Decimal("1.1")
    yield "OrderedDict, dict", collections.OrderedDict(a=1), {"a": 1}
    yield "OrderedDict order", collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)
    yield "defaultdict, dict", collections.defaultdict(list), {}
    yield "instances", Plain(a=1), Plain(a=2)
    yield "classes", Plain(first=1, second=2), Slotted(1, 2)
    yield "enum members", Colour.RED, Colour.GREEN
    yield "zones", datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    yield "cycles", cyclic(), [1, [1]]
    yield "a digit of a long text", "x" * 5000 + "1", "x" * 5000 + "2"
    yield "an end of a long list", [*range(5000), 1], [*range(5000), 2]
    if importlib.util.find_spec("dill"):
        yield "constants of lambdas", lambda x: x + 1, lambda x: x + 2
        yield "closures", adder(1), adder(2)
        yield "operators of lambdas", lambda x: x + 1, lambda x: x - 1
        yield "comparisons of lambdas", lambda x: x < 1, lambda x: x > 1
        yield "names in lambdas", lambda x: len(x), lambda x: sum(x)
    if importlib.util.find_spec("numpy"):
        import numpy

        yield "array order", numpy.array([1, 2]), numpy.array([2, 1])
        yield "array types", numpy.array([1], dtype="i4"), numpy.array([1], dtype="i8")
        yield "array shapes", numpy.zeros((2, 3)), numpy.zeros((3, 2))
        yield "array transposed", numpy.arange(4).reshape(2, 2), numpy.arange(4).reshape(2, 2).T
        yield "array, list", numpy.array([1, 2]), [1, 2]
        yield "scalar, float", numpy.float64(1.5), 1.5
    if importlib.util.find_spec("pandas"):
        frame = make_frame()
        yield "frame values", frame, frame.assign(m=[3, 5])  # type: ignore[attr-defined]
        yield "frame text", frame, frame.assign(text=["a", "c"])  # type: ignore[attr-defined]
        yield "frame columns", frame, frame.rename(columns={"m": "M"})  # type: ignore[attr-defined]
        yield "frame index", frame, frame.set_index("n")  # type: ignore[attr-defined]
        yield "frame texts with line breaks", make_frame(["a\n", "b"]), make_frame(["a", "\nb"])
        yield "frame texts side by side", make_frame(["ab", "c"]), make_frame(["a", "bc"])
        yield "frame texts, some missing", make_frame(["a", None]), make_frame(["a", "None"])


def wrong_pairs() -> Iterator[str]:
    for name, one, other in equal_pairs():
        if hashed(one) != hashed(other):
            yield f"{name}: must be the same"
    for name, one, other in different_pairs():
        if hashed(one) == hashed(other):
            yield f"{name}: must differ"


if __name__ == "__main__":
    found = {name: hashed(value) for name, value in values()}
    json.dump({"hashes": found, "wrong": list(wrong_pairs()), "python": sys.version_info[:2]}, sys.stdout)
