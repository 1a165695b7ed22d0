"""Previews are bounded, printable, and made without calling anything of the program's."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import json
import pathlib
import pickle
import sys
import uuid
from typing import Any

import pytest

from snapagent.placeholder import restore_placeholder
from snapagent.sealing.hashing.canonical import Canonical
from snapagent.sealing.preview import preview_text
from snapagent.sealing.preview_tree import LEAF_LIMIT, TREE_DEPTH, TREE_ITEMS, TREE_NODES, previews
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome
from snapagent.serializer.inert.decode import decode


@dataclasses.dataclass
class Order:
    id: int
    lines: list[Any]


class Slotted:
    __slots__ = ("first",)

    def __init__(self, first: object) -> None:
        self.first = first


Point = collections.namedtuple("Point", "x y")


def text(value: object, limit: int = 80) -> str:
    return preview_text(decode(freeze_outcome(value, False, FreezeRules()).data), limit)


def tree(value: object) -> dict[str, Any]:
    return tree_of(decode(freeze_outcome(value, False, FreezeRules()).data))


def tree_of(graph: object) -> dict[str, Any]:
    tree: dict[str, Any] = previews({"value": graph}, Canonical())[1]["value"]
    return tree


def nodes(node: dict[str, Any]) -> int:
    return 1 + sum(map(nodes, node.get("children", ())))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        2.5,
        "text 'quoted'",
        b"\x00bytes",
        [1, "a", None],
        (),
        (1,),
        (1, 2),
        {"a": 1, 2: {"b": [3]}},
        {3},
        set(),
        frozenset(),
        frozenset({"x"}),
        decimal.Decimal("1.10"),
        "Grüße",
    ],
    ids=repr,
)
def test_plain_values_look_like_their_repr(value: object) -> None:
    assert text(value) == repr(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Order(3, ["a"]), "Order(id=3, lines=['a'])"),
        (Slotted(1), "Slotted(first=1)"),
        (Point(1, 2), "Point(x=1, y=2)"),
        (collections.OrderedDict(b=1), "OrderedDict('b': 1)"),
        (collections.deque([1, 2]), "deque(1, 2)"),
        (datetime.datetime(2026, 11, 22, 9, 30), "datetime(2026-11-22T09:30:00)"),
        (datetime.date(2026, 11, 22), "date(2026-11-22)"),
        (uuid.UUID(int=1), "UUID(00000000-0000-0000-0000-000000000001)"),
        (pathlib.PurePosixPath("/a/b"), "PurePosixPath('/a/b')"),
        (len, "<len>"),
        (Order, f"<{__name__}.Order>"),
        (restore_placeholder("x", "excluded", "torch.Model", "why", "3 layers"), "<excluded: torch.Model, 3 layers>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_are_shown_by_what_they_hold(value: object, expected: str) -> None:
    assert text(value) == expected


HUGE = {
    "int": 10**10000,
    "text": "x" * 10**6,
    "nested": [[["y" * 50] * 50] * 50] * 50,
    "dict": {str(number): number for number in range(999)},
}


@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("limit", [20, 80, 200])
def test_texts_are_bounded(kind: str, limit: int) -> None:
    found = text(HUGE[kind], limit)

    assert len(found) <= limit
    assert "..." in found or found.startswith(("<huge int>", "<too_big: str, length 1000000>"))


NASTY = "\x1b[31mred\x07\r\n\u202eright\u2066\u200b\x9b\ud800\u2028"


def test_nothing_that_steers_a_terminal_is_printed() -> None:
    value = {NASTY: [NASTY], b"\x1b[2J": NASTY.encode("utf-8", "surrogatepass")}
    bad_names = b"\x80\x05\x8c\x0dbad\x1b\xe2\x80\xaemodule\x8c\x05\x1b[31m\x93)R}\x8c\x03\x1bxyK\x01sb."

    for graph in (decode(pickle.dumps(value, 5)), decode(bad_names)):
        for shown in (preview_text(graph, 500), json.dumps(tree_of(graph), ensure_ascii=False)):
            assert shown.isprintable()


def test_cycles_are_said_to_be_cycles() -> None:
    """F29."""
    value: list[Any] = [1]
    value.append({"again": value})

    assert text(value) == "[1, {'again': <cyclic>}]"
    assert tree(value)["children"][1]["children"][0] == {"step": ".again", "type": "list", "text": "<cyclic>"}


def test_sets_are_shown_in_one_order() -> None:
    assert text({"b", "a", "c"}) == "{'a', 'b', 'c'}"
    assert text({10, 9, 1}) == "{1, 9, 10}"


def test_no_code_of_the_program_runs() -> None:
    """F22."""

    class Hostile:
        def __repr__(self) -> str:
            raise AssertionError

        __str__ = __len__ = __eq__ = __bool__ = __iter__ = __hash__ = __repr__  # type: ignore[assignment]

    Hostile.__qualname__ = "Hostile"
    setattr(sys.modules[__name__], "Hostile", Hostile)  # noqa: B010 - so that it is stored by name
    value = Hostile()
    value.inside = [value]  # type: ignore[attr-defined]

    assert text({"x": value}) == "{'x': Hostile(inside=[<cyclic>])}"
    assert tree(value)["type"] == f"{__name__}.Hostile"


def test_a_tree_says_type_text_children_and_steps() -> None:
    assert tree({"order": Order(3, [1.5]), "odd key": ("x",), 7: None}) == {
        "type": "dict",
        "text": "3 items",
        "children": [
            {
                "step": ".order",
                "type": f"{__name__}.Order",
                "text": "2 attributes",
                "children": [
                    {"step": ".id", "type": "int", "text": "3"},
                    {
                        "step": ".lines",
                        "type": "list",
                        "text": "1 item",
                        "children": [{"step": "[0]", "type": "float", "text": "1.5"}],
                    },
                ],
            },
            {
                "step": "['odd key']",
                "type": "tuple",
                "text": "1 item",
                "children": [{"step": "[0]", "type": "str", "text": "'x'"}],
            },
            {"step": "[7]", "type": "NoneType", "text": "None"},
        ],
    }


def test_trees_are_bounded_and_say_what_they_leave_out() -> None:
    wide = tree(list(range(1000)))
    assert len(wide["children"]) == TREE_ITEMS
    assert wide["more"] == 1000 - TREE_ITEMS
    assert wide["digest"] != tree([*range(999), -1])["digest"]
    assert wide["digest"] == tree(list(range(1000)))["digest"]

    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    found = tree(deep)
    for _ in range(TREE_DEPTH):
        (found,) = found["children"]
    assert found["more"] == 1 and "children" not in found

    assert nodes(tree([[[[1] * 19] * 19] * 19] * 19)) <= TREE_NODES + TREE_ITEMS * TREE_DEPTH


def test_long_leaves_are_cut_and_told_apart() -> None:
    one, other = tree("x" * 5000 + "1"), tree("x" * 5000 + "2")

    assert len(one["text"]) < LEAF_LIMIT + 40 and "5001 characters" in one["text"]
    assert one["digest"] != other["digest"]
    assert "digest" not in tree("short")
