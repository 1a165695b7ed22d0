"""Hashes cut as short as they may be typed."""

from __future__ import annotations

import random

from snapagent.core.short_hashes import Abbreviations, told_apart


def test_a_prefix_is_the_shortest_that_no_other_hash_has_and_not_under_four_digits():
    shortest = Abbreviations(["3fa9c1d2", "3fa9c1e0", "3fa90000", "77b01e4f"])

    assert shortest.of("3fa9c1d2") == "3fa9c1d"
    assert shortest.of("3fa9c1e0") == "3fa9c1e"
    assert shortest.of("3fa90000") == "3fa90"
    assert shortest.of("77b01e4f") == "77b0"


def test_equal_hashes_need_not_be_told_apart():
    assert Abbreviations(["3fa9c1d2", "3fa9c1d2"]).of("3fa9c1d2") == "3fa9"


def test_each_of_many_is_told_from_all_the_others():
    source = random.Random(7)
    hashes = sorted({f"{source.getrandbits(32):08x}" for _ in range(600)})
    shortest = Abbreviations(hashes)

    for prefix in map(shortest.of, hashes):
        assert sum(other.startswith(prefix) for other in hashes) == 1


def test_what_is_not_among_them_is_told_from_its_neighbours():
    assert Abbreviations(["3fa9c1d2"]).of("3fa9c1d3") == "3fa9c1d3"
    assert Abbreviations([]).of("3fa9c1d3") == "3fa9"


def test_a_message_shows_hashes_as_file_names_do_and_longer_where_they_would_be_the_same():
    digits = ["0123456701", "0123456702", "77b01e4f55"]

    assert told_apart(f"h1:{one}" for one in digits) == ["0123456701", "0123456702", "77b01e4f"]
