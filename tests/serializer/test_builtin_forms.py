"""Values of built-in types that pickle refuses, and that functions take and return: each has a form of its own."""

from __future__ import annotations

import re
import struct
import sys
from collections import Counter, OrderedDict
from types import MappingProxyType
from typing import Any

import pytest
from freezes import frozen, kept, notes_by_path, rules

from snapagent.compare import compare
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.thawing.load import thaw


class Holder:
    size = 1

    def double(self) -> int:
        return 2 * self.size


class Slotted:
    __slots__ = ("size",)


def matches(pattern: str, text: str) -> list[re.Match[str]]:
    return list(re.finditer(pattern, text))


TABLE = {"a": 1, "b": [2]}
VALUES: dict[str, Any] = {
    "keys": TABLE.keys(),
    "values": TABLE.values(),
    "items": TABLE.items(),
    "keys of an ordered dict": OrderedDict(TABLE).keys(),
    "values of an ordered dict": OrderedDict(TABLE).values(),
    "items of an ordered dict": OrderedDict(TABLE).items(),
    "keys of a counter": Counter("abca").keys(),
    "values of a counter": Counter("abca").values(),
    "a read-only dict": MappingProxyType(TABLE),
    "the names of a class": vars(Holder),
    "the names of a class with slots": vars(Slotted),
    "the names of a class in C": vars(complex),
    "a match": re.match("(?P<first>a)(b)?", "abc"),
    "a match in the middle": re.search("c+", "abcc"),
    "one of many matches": matches("[a-z](?=[0-9])", "a1 b2 c3")[2],
    "a match from a position on": re.compile("^b|c").search("abc", 1),
    "a full match": re.fullmatch("a|ab", "ab"),
    "an empty match": matches("x*", "axb")[2],
    "a match of bytes": re.match(b"a", b"ab"),
    "memory": memoryview(b"abc"),
    "memory of numbers": memoryview(b"abcdefgh").cast("I"),
    "memory in rows": memoryview(b"abcdef").cast("B", (2, 3)),
    "every other byte": memoryview(b"abcdef")[::2],
    "a compiled format": struct.Struct("<IH"),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_it_is_kept_and_compares_as_equal(value: Any) -> None:
    loaded = kept(value)

    assert type(loaded) is type(value)
    assert compare(value, loaded) == []


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_its_stream_is_read_and_written_without_loading_it(value: Any) -> None:
    assert compare(value, thaw(encode(decode(frozen(value).data)))) == []


def test_views_show_the_dict_that_is_beside_them() -> None:
    table = {"a": 1}

    loaded, values, items, proxy = kept([table, table.values(), table.items(), MappingProxyType(table)])
    loaded["b"] = 2

    assert list(values) == [1, 2] and len(items) == 2 and proxy["b"] == 2


def test_a_view_of_keys_keeps_no_values() -> None:
    assert b"private" not in frozen({"a": "private"}.keys()).data


def test_groups_and_places_of_a_match_are_there() -> None:
    loaded = kept(re.compile("(?P<key>[a-z]+)=(?P<value>[0-9]+)?").search("; size=20; left="))

    assert loaded.groupdict() == {"key": "size", "value": "20"} and loaded.span("value") == (7, 9)
    assert loaded.expand(r"\g<value>") == "20" and loaded.lastgroup == "value"


def test_different_matches_and_memory_differ() -> None:
    one, other = matches("[a-z]", "ab")

    assert compare(one, other) and compare(memoryview(b"a"), memoryview(b"b"))
    assert compare({"a": 1}.values(), {"a": 2}.values()) and compare(OrderedDict(a=1).keys(), OrderedDict(b=1).keys())


def test_memory_that_can_be_changed_comes_back_so() -> None:
    assert not kept(memoryview(bytearray(b"abc"))).readonly


def test_memory_that_is_too_big_or_released_is_left_out() -> None:
    released = memoryview(b"abc")
    released.release()

    (too_big,) = notes_by_path(frozen([memoryview(b"x" * 3000)], rules(max_bytes=2000))).values()
    (gone,) = notes_by_path(frozen([released])).values()

    assert (too_big.kind, gone.kind) == ("too_big", "unstorable")


def test_facts_about_the_interpreter_are_those_of_the_process_that_loads_them() -> None:
    assert kept([sys.flags, sys.version_info, sys.float_info]) == [sys.flags, sys.version_info, sys.float_info]
