"""`new-test --inline`: values as Python code, laid out as formatters do, and tests that pass without bundles."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import uuid
import zoneinfo
from pathlib import Path
from typing import NamedTuple

import attrs
import numpy
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapagent.cli.source.inline_test import InlineTest, file_source
from snapagent.cli.source.layout import call, flat, name, quoted
from snapagent.cli.workers.literals.literal import literal
from snapagent.cli.workers.literals.writer import NoLiteral, evaluated
from snapagent.compare import examine

RUFF = shutil.which("ruff", path=os.path.dirname(sys.executable))


class Colour(enum.Enum):
    RED = "red"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Place(NamedTuple):
    x: int
    label: str = "here"


@dataclasses.dataclass
class Line:
    sku: str
    quantity: int = 1
    notes: list[str] = dataclasses.field(default_factory=list)


@attrs.define
class Box:
    _lid: str
    size: int = 3


class Article(pydantic.BaseModel):
    sku: str = pydantic.Field(alias="sku-number")
    price: decimal.Decimal
    tags: set[str] = set()


class Plain:
    def __init__(self, name, _rate=1, **others):
        self._name = name
        self.rate = _rate


class Odd(Exception):
    def __init__(self, code, detail=None):
        super().__init__(f"code {code}")
        self.code = code


class Version:
    __slots__ = ("numbers",)

    def __init__(self, text):
        self.numbers = tuple(map(int, text.split(".")))

    def __str__(self):
        return ".".join(map(str, self.numbers))


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b=None):
        self.a, self.b = a, b


class Markup(str):
    pass


class Rows(list):
    pass


class Locked:
    def __init__(self):
        self.rows = [1]


VALUES = [
    None, True, ..., 0, -5, 10**30, 1.5, -0.0, float("inf"), float("-inf"), 1 + 2j, "text",
    'a "quoted" \'one\'', "é\n\x00\\",
    b"bytes'\"\xff", bytearray(b"x"), bytearray(), [], [1, [2, [3]]], (), (1,), (1, (2,)), set(), {3, 1, 2},
    frozenset(),
    frozenset({"a"}), {}, {"a": 1, (1, 2): {"b": [None]}, None: b""}, range(3), range(1, 9, 2), slice(1, None, 2),
    decimal.Decimal("1.10"), decimal.Decimal("NaN"), fractions.Fraction(-1, 3), uuid.UUID(int=5),
    datetime.datetime(2024, 2, 29, 12, 30, 1, 5), datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    datetime.date(1999, 1, 2),
    datetime.time(0, 0), datetime.time(1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=1), "X")),
    datetime.timedelta(), datetime.timedelta(days=-1, seconds=5, microseconds=7), pathlib.Path("/tmp/a"),
    pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("c:/x"), re.compile("a+b", re.I), re.compile(b"x"),
    ipaddress.ip_address("10.0.0.1"), ipaddress.ip_network("10.0.0.0/8"), collections.deque([1], maxlen=3),
    collections.Counter("aab"), collections.OrderedDict(a=1), collections.defaultdict(list, {"a": [1]}),
    Colour.RED, Rights.READ, Rights.READ | Rights.WRITE, Place(1), Place(2, "there"), Line("mug", 2, ["x"]), Box("l"),
    Article(**{"sku-number": "1", "price": "2.50"}), Article(**{"sku-number": "1", "price": 1, "tags": {"a"}}),
    Plain("n", 2), ValueError("x", 1), KeyError(), Odd, len, Colour, json.dumps, int, Locked(),
    Version("1.2"), Slotted(1), Markup("<b>"), Rows([1, 2]),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_written_as_code_is_the_same_value(value):
    again = evaluated(literal(value, "v"))

    assert type(again) is type(value)
    assert examine(value, again)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.datetimes(),
    lambda inside: (
        st.lists(inside)
        | st.tuples(inside, inside)
        | st.dictionaries(st.text() | st.integers(), inside)
        | st.tuples(inside)
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_generated_values_come_back_equal(value):
    assert examine(value, evaluated(literal(value, "v")))


HANDLE = open(os.devnull)  # noqa: SIM115


def cyclic():
    found: list[object] = []
    found.append(found)
    return found


class Changed:
    def __init__(self, n):
        self.n = n + 1


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ({"rows": [1, HANDLE]}, "v['rows'][1]", "has no literal"),
        (cyclic(), "v[0]", "contains itself"),
        ([numpy.zeros(2)], "v[0]", "ndarray"),
        ([Changed(1)], "v[0]", "differs"),
        ([lambda: 1], "v[0]", "imported"),
        ("x" * 30_000, "v", "20,000"),
        ([Odd(5)], "v[0]", "differs"),
        (iter([1]), "v", "list_iterator"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_value_that_cannot_be_written_is_named_with_its_path(value, path, said):
    with pytest.raises(NoLiteral) as caught:
        literal(value, "v")

    assert caught.value.path == path
    assert said in caught.value.reason


def formatted(text: str, tmp_path: Path) -> str:
    (tmp_path / "made.py").write_text(text)
    command = [str(RUFF), "format", "--isolated", "--diff", "made.py"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout


LONG = [
    *VALUES,
    "a text of more than eighty-eight characters, which no formatter breaks, since it is one piece of text, whole",
    "a text that fits into a line of its own, but not behind the name of the variable.",
    [f"article {n}" for n in range(20)],
    {f"key {n}": [n] * n for n in range(14)},
    {"a": {"b": {"c": {"d": {"e": [f"a rather long entry {n}" for n in range(5)]}}}}},
    (tuple(range(60)),),
    [Line(f"a long name of an article {n}", n, ["x" * n]) for n in range(5)],
    {(1, 2, "a long key of a tuple", "a long key of a tuple", "a long key of a tuple"): "a long value, so long"},
    {"k": "x" * 100, "l": b"y" * 100, "m": decimal.Decimal("1" * 100)},
    [[[[1] * 30] * 2]],
    {"only": "one"},
    [frozenset({f"member {n}" for n in range(12)}), set(range(50))],
    datetime.datetime(2024, 10, 27, 2, 30, 59, 999999, tzinfo=datetime.timezone(datetime.timedelta(hours=1), "A")),
    uuid.UUID(int=2**127),
]


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed")
def test_formatters_leave_the_file_alone(tmp_path):
    tests = []
    for number, value in enumerate(LONG):
        pieces = literal(value, "v")
        called = call([name("shop.pricing", "quote")], [pieces, ["country=", *pieces]])
        common = InlineTest("shop.pricing:quote", f"h1:{number:064}", called)
        tests.append((f"test_returned_{number}", common.replace(expected=pieces, instance=pieces)))
        raised = common.replace(raises=[name("shop.errors", "UnknownArticle")], args=pieces, is_async=True)
        tests.append((f"test_raised_{number}", raised))

    assert formatted(file_source(tests, "Many."), tmp_path) == ""


def test_names_that_clash_get_others():
    pieces = [call([name(module, "result.of")], []) for module in ("a.b", "c.b", "a.pytest")]
    tests = [(f"test_{n}", InlineTest("m:f", "h", each, expected=["1"])) for n, each in enumerate(pieces)]

    text = file_source(tests, "Clashes.")

    compile(text, "made", "exec")
    assert text.count(" as ") == 3
    assert len(set(re.findall(r"result = (\w+)\.of\(\)", text))) == 3


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed")
def test_the_file_begins_with_the_set_up_and_formatters_leave_it_alone(tmp_path):
    called = call([name("shop.pricing", "quote")], [["1"]])
    common = InlineTest("shop.pricing:quote", "h1", called, expected=["1"])
    tests = [
        ("test_own", common.replace(setup="shop.boot:App.prepare")),
        ("test_django", common.replace(setup="django", settings="site.settings")),
    ]

    text = file_source(tests, "Calls.")

    assert text.partition("def test_own")[0] == (
        '"""Calls."""\n\nimport os\n\nimport django\nimport shop.boot\n\nshop.boot.App.prepare()\n'
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")\ndjango.setup()\n\n'
        "from shop.pricing import quote  # noqa: E402\n\n\n"
    )
    assert formatted(text, tmp_path) == ""


@pytest.mark.parametrize(("text", "literal_"), [("it's", '"it\'s"'), ('say "x"', "'say \"x\"'"), ("\"'", '"\\"\'"')])
def test_quotes_are_chosen_as_formatters_do(text, literal_):
    assert quoted(text) == literal_
    assert flat([quoted(text)], lambda module, qualname: qualname) == literal_


SHOP = """
import dataclasses
import datetime
import enum


class Country(enum.Enum):
    DE = "de"


class Unknown(Exception):
    def __init__(self, sku, known):
        super().__init__(f"no {sku}")
        self.known = known


@dataclasses.dataclass
class Line:
    sku: str
    quantity: int


class Basket:
    def __init__(self, lines):
        self.lines = lines

    @property
    def size(self):
        return len(self.lines)

    def total(self, prices, country=Country.DE):
        return sum(prices[line.sku] * line.quantity for line in self.lines)

    @classmethod
    def of(cls, *skus):
        return cls([Line(sku, 1) for sku in skus])


def price(sku, known):
    if sku not in known:
        raise Unknown(sku, known)
    return {"sku": sku, "at": float("nan")}


async def later(value):
    return value


def each(lines):
    yield from lines


def now(value):
    return datetime.datetime.now()


def handle(stream):
    return stream.name
"""
DRIVE = """
import asyncio, os
import till

basket = till.Basket.of("mug", "lamp")
basket.total({"mug": 2, "lamp": 3})
basket.size
till.price("mug", ["mug"])
try:
    till.price("sofa", ["mug"])
except till.Unknown:
    pass
asyncio.run(till.later({"a": (1,)}))
list(till.each([till.Line("mug", 2)]))
till.now(1)
with open(os.devnull, "w") as stream:
    till.handle(stream)
"""
TILL = """
version: 1
sync: true
budget: 100%
targets: ["till:*", "till:Basket.total", "till:Basket.size", "till:Basket.of"]
"""


def test_the_written_tests_pass_without_the_bundles_and_the_others_are_named(tmp_path):
    (tmp_path / "till.py").write_text(SHOP)
    (tmp_path / "drive.py").write_text(DRIVE)
    (tmp_path / "snapagent.yaml").write_text(TILL)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    captured = run("snapagent", "run", "--on", "--", sys.executable, "drive.py")
    assert captured.returncode == 0, captured.stderr
    done = run("snapagent", "new-test", "**", "--inline", "-o", "test_till.py")
    none = run("snapagent", "new-test", "till:now", "--inline", "-o", "test_none.py")
    text = (tmp_path / "test_till.py").read_text()
    shutil.rmtree(tmp_path / "captures")
    passed = run("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:snapagent", "test_till.py")

    assert done.returncode == 0, done.stderr
    assert "till:handle" in done.stderr and "till:now" in done.stderr
    assert "left out" in done.stderr and "`result`" in done.stderr
    assert none.returncode == 1 and "snapagent: 0 tests of " in none.stderr and "all pass" not in none.stderr
    assert "7 passed" in passed.stdout, text + passed.stdout
    assert "snapagent" not in text and "pickle" not in text
    assert "class Unknown" not in text and "pytest.raises(Unknown)" in text
    if RUFF is not None:
        assert formatted(text, tmp_path) == ""
