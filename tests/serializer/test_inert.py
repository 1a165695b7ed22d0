"""Pickle streams are read without the program, and written again as streams that build the same objects."""

from __future__ import annotations

import collections
import copyreg
import dataclasses
import datetime
import decimal
import enum
import functools
import pathlib
import pickle
import signal
import sys
import time
import uuid
from typing import Any

import dill
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapagent.sealing.hashing.canonical import Canonical
from snapagent.serializer.by_value import load_by_value
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome
from snapagent.serializer.inert.decode import decode, drops_results
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.inert.nodes import names_called, nodes_of
from snapagent.serializer.inert.stand_ins import Inert, InertError, StandIn, is_inert

CALLS: list[str] = []


class Loud:
    """Says so whenever any of its code runs."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        return make_loud, (self.value,), {"value": self.value}

    def __setstate__(self, state: object) -> None:
        CALLS.append("setstate")

    def __hash__(self) -> int:
        CALLS.append("hash")
        return 1

    def __eq__(self, other: object) -> bool:
        CALLS.append("eq")
        return self is other

    def __repr__(self) -> str:
        CALLS.append("repr")
        return "Loud"


def make_loud(value: object) -> Loud:
    CALLS.append("make")
    return Loud(value)


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Node:
    name: str
    others: list[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    first: int
    second: str


class Listing(list):  # type: ignore[type-arg]
    pass


class Mapping(dict):  # type: ignore[type-arg]
    pass


class Keyed:
    """Made by NEWOBJ_EX."""

    def __new__(cls, *, size: int) -> Keyed:
        found = object.__new__(cls)
        found.size = size  # type: ignore[attr-defined]
        return found

    def __getnewargs_ex__(self) -> Any:
        return (), {"size": self.size}  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class WithSetter:
    """Its state is put in by a function that the pickle calls, and whose result it drops."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        return WithSetter, (None,), self.value, None, None, set_value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WithSetter) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


def set_value(owner: WithSetter, value: object) -> None:
    owner.value = value


Point = collections.namedtuple("Point", "x y")

VALUES = [
    None,
    [1, 2.5, "x", b"y", bytearray(b"z"), True, {1: {2}}, frozenset("ab"), (1, (2,))],
    Node("a", [Slotted(1, "s"), Colour.RED]),
    Listing([1, 2]),
    Mapping(a=1),
    collections.OrderedDict(b=1, a=2),
    collections.defaultdict(list, a=[1]),
    collections.deque([1, 2], 3),
    collections.Counter("aab"),
    Point(1, 2),
    Keyed(size=3),
    [WithSetter([1, 2]), WithSetter("x")],
    datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    decimal.Decimal("1.10"),
    uuid.UUID(int=5),
    pathlib.PurePosixPath("/a/b"),
    range(3),
    3 + 4j,
    len,
    Node,
    datetime.datetime.fromisoformat,
    "x" * 100_000,
    list(range(5000)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("protocol", (3, 4, 5))
def test_what_was_decoded_and_encoded_loads_to_equal_objects(value: object, protocol: int) -> None:
    again = encode(decode(pickle.dumps(value, protocol)))

    assert pickle.loads(again) == value
    assert pickle.loads(encode(decode(again))) == value
    assert Canonical().of(decode(again)) == Canonical().of(decode(pickle.dumps(value, protocol)))


atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.uuids()
)
keys = st.text() | st.integers() | st.tuples(st.integers(), st.text())


def containers(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inside)
        | st.tuples(inside, inside)
        | st.dictionaries(keys, inside)
        | st.sets(keys)
        | st.frozensets(keys)
        | st.builds(Node, st.text(), st.lists(inside))
        | st.builds(collections.deque, st.lists(inside))
        | st.builds(Slotted, st.integers(), inside)
    )


nested = st.recursive(atoms, containers, max_leaves=25)


@given(nested)
@settings(max_examples=150, deadline=None)
def test_generated_values_come_back_equal(value: Any) -> None:
    assert pickle.loads(encode(decode(pickle.dumps(value, 5)))) == value


def shape(value: Any, seen: dict[int, int] | None = None) -> Any:
    """A description of a value with its sharing and cycles: each container by the order in which it is first met."""
    seen = {} if seen is None else seen
    if not isinstance(value, (list, dict, tuple, Node)):
        return value
    if id(value) in seen:
        return f"again {seen[id(value)]}"
    if value != ():
        seen[id(value)] = len(seen)
    if isinstance(value, dict):
        return {key: shape(item, seen) for key, item in value.items()}
    if isinstance(value, Node):
        return ["node", value.name, shape(value.others, seen)]
    return [type(value).__name__, *(shape(item, seen) for item in value)]


@st.composite
def graphs(draw: Any) -> Any:
    """Lists, dicts and objects that hold each other at random, with cycles and shared ones."""
    nodes: list[Any] = [draw(st.sampled_from([[], {}, None])) for _ in range(draw(st.integers(1, 6)))]
    nodes = [[] if node == [] else {} if node == {} else Node("n", []) for node in nodes]
    for node in nodes:
        for number, index in enumerate(draw(st.lists(st.integers(0, len(nodes) - 1), max_size=3))):
            child: Any = nodes[index] if draw(st.booleans()) else (nodes[index], number)
            if isinstance(node, dict):
                node[f"k{number}"] = child
            else:
                (node.others if isinstance(node, Node) else node).append(child)
    return nodes


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_sharing_and_cycles_are_kept(value: Any) -> None:
    again = pickle.loads(encode(decode(pickle.dumps(value, 5))))

    assert shape(again) == shape(value)


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_frozen_values_keep_sharing_and_cycles_too(value: Any) -> None:
    frozen = freeze_outcome(value, False, FreezeRules()).data

    assert shape(pickle.loads(encode(decode(frozen)))) == shape(value)


def test_nothing_of_the_program_is_called() -> None:
    data = pickle.dumps([Loud(1), {"k": Loud(2)}, (Loud(3),)])
    CALLS.clear()

    graph = decode(data)
    list(nodes_of(graph))
    encode(graph)

    assert CALLS == []


def test_nothing_is_imported(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "never_imported.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    data = b"\x80\x05\x8c\x0enever_imported\x8c\x04Evil\x93\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R\x85R."

    graph = decode(data)

    assert type(graph).name == "never_imported:Evil"
    assert names_called(graph) == {"never_imported:Evil", "os:system"}
    assert "never_imported" not in sys.modules


# All but BYTEARRAY8, with which CPython may free a buffer twice.
OPCODES = [bytes([code]) for code in (*b"ciRobPQtled}])|.NKaus0(1IFLSTUVXBCGhjgpqr", *range(0x80, 0x96), 0x97, 0x98)]


@given(st.lists(st.sampled_from(OPCODES) | st.binary(max_size=2) | st.just(b"builtins\nprint\n"), max_size=12))
@settings(max_examples=400, deadline=None)
def test_no_stream_reaches_a_global(pieces: list[bytes]) -> None:
    listen()
    found: list[str] = []
    LOOKUPS.append(found)
    try:
        decode(b"".join(pieces) + b".")
    except InertError:
        pass
    finally:
        LOOKUPS.pop()
    assert not found


LOOKUPS: list[list[str]] = []


@functools.cache
def listen() -> None:
    def heard(event: str, arguments: Any) -> None:
        if LOOKUPS and event == "pickle.find_class":
            LOOKUPS[-1].append(str(arguments))

    sys.addaudithook(heard)


def test_program_classes_in_the_extension_registry_are_not_handed_out() -> None:
    copyreg.add_extension(__name__, "Loud", 0x7F01)  # type: ignore[arg-type]
    try:
        data = pickle.dumps([Loud, Node], 5)
        pickle.loads(data)  # puts the class into the unpickler's cache

        graph = decode(data)

        assert all(is_inert(item) for item in graph)
        assert graph[0].name == f"{__name__}:Loud"
        assert pickle.loads(encode(graph)) == [Loud, Node]
    finally:
        copyreg.remove_extension(__name__, "Loud", 0x7F01)  # type: ignore[arg-type]


def make_counter() -> Any:
    count = 41

    def recursive(number: int) -> int:
        return number if number > count else recursive(number + 1)

    return recursive


class Local:
    """Stored by value in these tests, as classes of `__main__` are."""

    size = 3

    def doubled(self) -> int:
        return self.size * 2


@pytest.mark.parametrize(
    ("value", "use"),
    [
        (lambda x, y=2: x + y, lambda f: f(40)),
        (make_counter(), lambda f: f(1) + 0),
        (Local, lambda cls: cls().doubled()),
    ],
    ids=["lambda", "closure", "class"],
)
def test_code_by_value_is_decoded_and_still_works(value: Any, use: Any) -> None:
    data = dill.dumps(value, byref=False, recurse=False)

    again = dill.loads(encode(decode(data)))

    assert use(again) == use(value)


def test_streams_within_streams_are_opened_and_closed_again() -> None:
    inner = dill.dumps(lambda x: x + 41, recurse=False)
    data = pickle.dumps(Reduced(inner))

    graph = decode(data)

    assert "dill._dill:_create_function" in names_called(graph)
    assert pickle.loads(encode(graph))(1) == 42
    graph.raw = None  # as after a change inside
    assert pickle.loads(encode(graph))(1) == 42


class Reduced:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self) -> Any:
        return load_by_value, (self.data,)


def test_the_result_of_any_call_may_serve_as_a_class() -> None:
    data = b"\x80\x05\x8c\x03app\x8c\x04make\x93)R)\x81}\x8c\x04size\x4b\x03sb."

    graph = decode(data)

    assert isinstance(graph, Inert)
    assert graph.state == {"size": 3}
    assert encode(graph)[2:].replace(b"\x94", b"").count(b"\x81") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"not a pickle",
        b"\x80\x05N",
        b"\x80\x05\x8c\x01aQ.",
        b"Pname\n.",
        b"\x80\x05\x97.",
        b"\x80\x05\x82\x77.",
    ],
    ids=["empty", "cut", "text", "no stop", "persistent id", "persistent name", "buffer", "unknown extension"],
)
def test_streams_that_need_more_than_themselves_are_refused(data: bytes) -> None:
    with pytest.raises(InertError):
        decode(data)


def test_texts_that_look_like_opcodes_do_not_make_decoding_slow() -> None:
    assert not drops_results(pickle.dumps([f"PR0{number}" for number in range(1000)], 5))
    assert not drops_results(pickle.dumps("one\nR0" * 1000, 5))
    assert drops_results(pickle.dumps(WithSetter(1), 5))
    assert drops_results(dill.dumps(make_counter(), byref=False, recurse=False))


def test_an_effect_on_nothing_that_can_be_seen_is_refused() -> None:
    data = b"\x80\x05\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R0N."

    with pytest.raises(InertError, match="os:system"):
        decode(data)


def test_deep_streams_are_decoded_without_recursion() -> None:
    data = b"\x80\x05" + b"]" * 50_000 + b"a" * 49_999 + b"."

    graph = decode(data)

    assert sum(1 for _ in nodes_of(graph)) == 50_000


def test_stand_ins_are_made_once_per_name() -> None:
    first, second = decode(pickle.dumps(Node("a", []))), decode(pickle.dumps(Node("b", [])))

    assert type(first) is type(second)
    assert isinstance(type(first), StandIn)
    assert type(first).name == f"{__name__}:Node"


class Part:
    """An object that is rebuilt by a call, and gets its state by another one."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return make_part, (self.number,), vars(self), None, None, set_state


def make_part(number: int) -> Part:
    return Part(number)


def set_state(part: Part, state: dict[str, Any]) -> None:
    vars(part).update(state)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_tuple_that_its_own_members_refer_to_is_read(size: int) -> None:
    """A pickler drops the members that it has written when it finds the tuple in its memo."""
    parts = [Part(number) for number in range(size)]
    whole = tuple(parts)
    parts[-1].all = whole  # type: ignore[attr-defined]

    graph = decode(pickle.dumps(whole, 5))

    assert type(graph) is tuple and len(graph) == size
    again = pickle.loads(encode(graph))
    assert [part.number for part in again] == list(range(size))
    assert again[-1].all is again


class ProgramsTimeLimit(Exception):
    pass


def _time_is_up(*_: object) -> None:
    raise ProgramsTimeLimit


def test_a_time_limit_of_the_program_that_fires_meanwhile_passes_through() -> None:
    """With `sync` a call is sealed in the caller's thread."""
    data = pickle.dumps([decimal.Decimal(number) for number in range(1000)], 5)
    before = signal.signal(signal.SIGALRM, _time_is_up)
    # Again and again: what is raised in a callback of the garbage collector is ignored, and hypothesis has a callback.
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    until = time.monotonic() + 20
    try:
        with pytest.raises(ProgramsTimeLimit):
            while time.monotonic() < until:
                decode(data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
