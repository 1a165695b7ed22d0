"""Values with cycles of every form have a hash, which depends on nothing but their shape."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from live_hash import hash_call
from random_graphs import BY_ID, KINDS, Thing, are_alike, build, random_graph

from snapagent.core.signature import Parameters
from snapagent.sealing.hashing.at_once import write_at_once
from snapagent.sealing.hashing.canonical import Canonical, _write_node, argument_hash, digests_alone
from snapagent.sealing.hashing.refine import Refinement
from snapagent.sealing.preview import in_order
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.inert.nodes import nodes_of

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = int(os.environ.get("SNAPAGENT_TEST_GRAPHS", "400"))  # 20000 before a release


def parameters() -> Parameters:
    return Parameters.of_code((lambda value: value).__code__)


def hash_of(value: Any) -> str:
    return hash_call(None, (value,), {}, parameters()).hash


def test_random_graphs_have_one_hash_however_they_were_built() -> None:
    chance = random.Random(20261128)
    for number in range(GRAPHS):
        graph = random_graph(chance, (*KINDS, BY_ID))
        hashes = {hash_of(build(graph, chance)) for _ in range(3)}
        assert len(hashes) == 1, f"graph {number}"


def test_random_graphs_that_differ_have_different_hashes() -> None:
    chance = random.Random(7)
    for number in range(GRAPHS):
        kinds = chance.sample(("list", chance.choice(("dict", BY_ID)), "set", "object", "bag"), 2)
        one, other = random_graph(chance, kinds), random_graph(chance, kinds)
        if not are_alike(one, other):
            assert hash_of(build(one, chance)) != hash_of(build(other, chance)), f"graph {number}"


def interlocking_lists() -> Any:
    a: list[Any] = []
    b: list[Any] = []
    c: list[Any] = []
    a += [b, c]
    b += [c, a]
    c += [b]
    return a


def four_interlocking_lists() -> Any:
    a: list[Any] = []
    b: list[Any] = []
    c: list[Any] = []
    d: list[Any] = []
    a += [b, d]
    b += [c]
    c += [d, a]
    d += [c]
    return a


def team() -> Any:
    team, lead, dev = Thing(), Thing(), Thing()
    team.first, team.lead = dev, lead  # type: ignore[attr-defined]
    lead.staff = {dev}  # type: ignore[attr-defined]
    dev.team, dev.bosses = team, [lead]  # type: ignore[attr-defined]
    return team


def crew() -> Any:
    """Members of a set inside a cycle, which refer to each other."""
    crew = Thing()
    members = [Thing() for _ in range(12)]
    for number, member in enumerate(members):
        member.number, member.crew = number, crew  # type: ignore[attr-defined]
        member.next, member.other = members[number - 1], members[number // 2]  # type: ignore[attr-defined]
    crew.members, crew.chosen = set(members), frozenset(members[:5])  # type: ignore[attr-defined]
    return crew


SHAPES = (interlocking_lists, four_interlocking_lists, team, crew)


@pytest.mark.parametrize("make", SHAPES)
def test_interlocking_cycles_have_a_hash(make: Any) -> None:
    assert hash_of(make()) == hash_of(make())


def test_sets_inside_a_cycle_hash_alike_under_every_hash_seed() -> None:
    program = (
        "import test_hashing_cycles as cycles\n"
        "padding = [object() for _ in range(int(__import__('sys').argv[1]))]\n"
        "print([cycles.hash_of(make()) for make in cycles.SHAPES])"
    )
    found = set()
    for seed in ("0", "1", "2", "3"):
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "tests" / "sealing")])
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", program, seed], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def test_what_the_first_release_could_hash_keeps_its_hash() -> None:
    """Hashes that version 0.1.0 gave to values with cycles."""
    parent, child = Thing(), Thing()
    parent.children, child.parent = {child}, parent  # type: ignore[attr-defined]
    ring: list[Any] = [1]
    ring.append({"ring": ring, "again": [ring]})
    shared: list[Any] = [[2]]
    around = [shared, {"shared": shared}]
    shared.append(around)

    assert [hash_of(parent), hash_of(ring), hash_of(around)] == HASHES_OF_0_1_0


HASHES_OF_0_1_0 = [
    "h1:f4337f3c03d864527a80309d15a0cb4b",
    "h1:254668fb3d7c49c09cf20a28599e0094",
    "h1:565af41b7f8f7da91554f8e0b8b55b36",
]


def test_a_difference_far_from_the_start_counts_where_there_is_no_time_for_all_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("snapagent.sealing.hashing.refine.MOST_WRITES", 1)

    def ring(last: int) -> Any:
        nodes = [Thing() for _ in range(80)]
        for before, after in zip(nodes, nodes[1:] + nodes[:1], strict=True):
            before.next, after.before, before.number = after, before, 0  # type: ignore[attr-defined]
        nodes[40].number = last  # type: ignore[attr-defined]
        return [nodes[0], {nodes[0], nodes[20]}]

    assert hash_of(ring(1)) == hash_of(ring(1)) != hash_of(ring(2))


class Owner(set[Any]):
    """A set whose own pickle begins with its members, which refer to it."""


def test_an_object_that_is_met_while_its_own_arguments_are_written_has_a_hash() -> None:
    def owner() -> Owner:
        owner = Owner()
        member = Thing()
        member.owner = owner  # type: ignore[attr-defined]
        owner.add(member)
        return owner

    assert hash_of([owner(), "x" * 100_000]) == hash_of([owner(), "x" * 100_000])


def test_a_local_function_that_calls_itself_has_a_hash() -> None:
    def maker() -> Any:
        def count(number: int) -> int:
            return count(number - 1) if number else 0

        return count

    assert hash_of(maker()) == hash_of(maker())


def test_an_entangled_value_with_a_form_of_the_second_version_has_its_hash() -> None:
    value = interlocking_lists()
    value.append(os)

    assert hash_of(interlocking_lists()).startswith("h1:")
    assert hash_of(value).startswith("h2:")


def test_redacted_keys_of_a_tangled_dict_do_not_make_the_hash_depend_on_memory() -> None:
    """All redacted keys have one canonical text, so that it gives the items no order."""

    def value(numbers: Any) -> Any:
        tangled = interlocking_lists()
        items = {number: [number, tangled] for number in numbers}  # the addresses are in another order
        tangled.append({1: 0, "redacted-0123456789ab": items[2], "redacted-ba9876543210": items[3]})
        return tangled

    assert len({argument_hash({"value": value(numbers)}).hash for numbers in ((2, 3), (3, 2)) for _ in range(20)}) == 1


def test_members_that_refer_to_each_other_have_the_digests_that_each_has_alone() -> None:
    """They are refined together where that is the same, and put into one order."""
    chance = random.Random(1729)
    shared = 0
    for number in range(GRAPHS // 4):
        value = build(random_graph(chance, ("list", "dict", "set", "object", "bag")), chance)
        graph = decode(freeze_outcome(value, False, FreezeRules()).data)
        nodes = [node for node in nodes_of(graph) if type(node) is not tuple]
        assert digests_alone(nodes) == [Canonical().digest_of(node) for node in nodes], f"graph {number}"
        if write_at_once(graph) is not None:
            continue
        texts = Refinement(_write_node, write_at_once).texts(graph)
        shared += len(texts) > 1
        for node in nodes:
            if id(node) in texts:
                assert texts[id(node)] == Refinement(_write_node, write_at_once).text(node), f"graph {number}"
    assert shared > 5


def test_members_of_a_set_are_in_the_order_of_their_types_and_digests() -> None:
    graph = decode(
        freeze_outcome({3, 1.5, "b", "a", True, (2, "x"), (1, "x"), frozenset({7})}, False, FreezeRules()).data
    )
    assert in_order(graph) == sorted(graph, key=lambda member: (type(member).__name__, _key(member)))


def _key(member: Any) -> tuple[Any, ...]:
    if type(member) in (int, bool, float):
        return int(member), ""
    return 0, member if type(member) is str else Canonical().digest_of(member)
