"""A number that is the `id` of an object in the same value is that of the loaded object after loading.

Programs key tables by it (`{id(node): node}`), keep sets of it, and note it to see later that an object was replaced.
"""

from __future__ import annotations

import copy
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from freezes import frozen, frozen_call, kept, notes_by_path, rules
from sealing_support import sealed

from snapagent.compare import compare
from snapagent.core.paths import RESULT
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.thawing.load import thaw

ROOT = Path(__file__).resolve().parents[2]


class Node:
    def __init__(self, name: str, *below: Node) -> None:
        self.name = name
        self.below = list(below)


class Index:
    """Keeps nodes by `id`, as programs do for objects without a hash."""

    def __init__(self, *nodes: Node) -> None:
        self.by_id = {id(node): node for node in nodes}
        self.seen = {id(node) for node in nodes}
        self.pairs = {(id(one), id(other)) for one in nodes for other in nodes}
        self.first = id(nodes[0])
        self.own = id(self)
        self.nodes = nodes


def is_whole(index: Index) -> bool:
    ids = {id(node) for node in index.nodes}
    return (
        index.by_id == {id(node): node for node in index.nodes}
        and index.seen == ids
        and index.pairs == {(one, other) for one in ids for other in ids}
        and index.first == id(index.nodes[0])
        and index.own == id(index)
    )


def test_a_table_a_set_and_an_attribute_fit_the_loaded_objects() -> None:
    assert is_whole(kept(Index(Node("a"), Node("b", Node("c")))))


@pytest.mark.parametrize("exclude", [(), ("result.nodes[1].below",)])
def test_they_fit_where_parts_are_excluded(exclude: tuple[str, ...]) -> None:
    index = Index(Node("a"), Node("b", Node("c")))

    assert is_whole(thaw(frozen(index, rules(exclude=exclude)).data))


def test_they_fit_beside_an_object_that_is_too_big() -> None:
    index = Index(Node("a"), Node("x" * 5000))

    result = frozen(index, rules(max_bytes=3000))

    assert is_whole(thaw(result.data)) and [note.kind for note in result.notes] == ["too_big"]


def test_they_fit_when_the_stream_was_decoded_and_written_anew() -> None:
    assert is_whole(thaw(encode(decode(frozen(Index(Node("a"), Node("b"))).data))))


def test_an_object_that_refers_to_itself_by_id_is_kept() -> None:
    items: list[Any] = []
    items += [id(items), {id(items): items}, (id(items), items)]

    loaded = kept(items)

    assert loaded[0] == id(loaded) and loaded[1] == {id(loaded): loaded} and loaded[2][0] == id(loaded)


def test_a_memo_as_of_deepcopy_fits() -> None:
    node, memo = Node("a", Node("b")), dict[int, Any]()
    copy.deepcopy(node, memo)

    loaded = kept([node, memo])

    assert loaded[1][id(loaded[0])].name == "a"


def test_the_id_of_none_is_stored_as_such() -> None:
    """A program notes it to see that an option was replaced. In some builds it is a small number, always the same."""
    assert kept({"was": id(None)}) == {"was": id(None)}
    assert id(None) < 2**32 or b"identity_of" in frozen({"was": id(None)}).data


def test_numbers_that_are_no_addresses_are_kept() -> None:
    numbers = [2**45, 2**46 + 1, time.time_ns(), time.time_ns() // 1000, time.time_ns() // 10**6, 2**47 - 1, -(2**45)]
    gone = id(Node("a" * 20))

    assert kept([*numbers, gone, {number: [number] for number in numbers}])[:-2] == numbers


def test_equal_calls_have_one_hash() -> None:
    def call(index: object) -> None: ...

    one, other = (sealed(call, Index(Node("a"), Node("b"))) for _ in range(2))

    assert one.header.hash == other.header.hash


def test_equal_tables_compare_as_equal_and_others_do_not() -> None:
    one, other = Index(Node("a"), Node("b")), Index(Node("a"), Node("b"))

    assert compare(one, other) == []

    other.first = id(other.nodes[1])
    assert [difference.path for difference in compare(one, other)] == [f"{RESULT}.first"]

    other = Index(Node("a"), Node("b"))
    other.seen.discard(other.first)
    assert len(compare(one, other)) == 1


def test_the_notes_of_such_a_call_are_those_of_any_other() -> None:
    def call(index: object, file: object) -> None: ...

    with open(__file__, "a") as file:
        assert list(notes_by_path(frozen_call(call, Index(Node("a")), file))) == ["file"]


def test_a_preview_shows_them_in_short() -> None:
    def call(index: object) -> None: ...

    node = Node("a")

    assert sealed(call, {"at": id(node), "node": node}).header.previews["index"].startswith("{'at': id(Node), ")


def test_a_call_with_interlocking_tables_has_a_hash_of_the_second_version() -> None:
    def call(tables: object) -> None: ...

    hashes = set()
    for is_first in (True, False):
        one, other, node = dict[Any, Any](), dict[Any, Any](), Node("a")
        node.below = {"one": one, "other": other} if is_first else {"other": other, "one": one}  # type: ignore[assignment]
        one |= {id(other): other, id(node): node}
        other[id(node)] = node
        hashes.add(sealed(call, one).header.hash)

    assert len(hashes) == 1 and hashes.pop().startswith("h2:")


def linked(length: int) -> list[Node]:
    """Nodes in a list, each of which knows the next one by its id alone."""
    nodes = [Node(str(number)) for number in range(length)]
    for one, following in itertools.pairwise(nodes):
        one.name = id(following)  # type: ignore[assignment]
    return nodes


def test_a_chain_of_ids_is_followed_as_far_as_it_may_be() -> None:
    """A pass that goes from id to object can go deeper than the value is nested: beyond the limit, numbers stay."""
    short, long = kept(linked(20)), kept(linked(20_000))

    assert [one.name for one in short[:-1]] == [id(node) for node in short[1:]]
    assert len(long) == 20_000 and long[-1].name == "19999"


@pytest.mark.parametrize("place", ["a small stack", "a raised limit"])
def test_a_chain_of_ids_overruns_no_stack(place: str) -> None:
    setting = "threading.stack_size(256 * 1024)" if place == "a small stack" else "sys.setrecursionlimit(10**6)"
    program = f"""
import sys, threading
from test_identities import linked
from freezes import kept
{setting}
thread = threading.Thread(target=lambda: print(len(kept(linked(30_000)))))
thread.start(); thread.join()
"""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "support", ROOT / "tests" / "serializer")))
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (0, b"30000\n"), done.stderr.decode()[-300:]
