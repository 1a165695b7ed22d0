"""Tolerances, ignored paths, unordered paths, comparators, placeholders, redacted places."""

from __future__ import annotations

import random
import time
from decimal import Decimal

import pytest

from snapagent.bundle import Note
from snapagent.compare import compare, examine, make_options
from snapagent.placeholder import Placeholder


def test_floats_are_exact_unless_a_tolerance_is_given() -> None:
    assert compare(1.0, 1.0 + 1e-12)
    assert compare(1.0, 1.0 + 1e-12, rtol=1e-9) == []
    assert compare(1.0, 1.1, atol=0.2) == []
    assert compare(1.0, 1.1, atol=0.05)
    assert compare({"p": Decimal("1.000")}, {"p": Decimal("1.001")}, atol=0.01) == []


def test_tolerance_is_for_floats_only() -> None:
    assert compare(1_000_000_000_000, 1_000_000_000_001, rtol=1e-3)


def test_no_tolerance_reaches_infinity() -> None:
    assert compare(float("inf"), 1.0, rtol=1.0, atol=1.0)


def test_negative_tolerances_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        compare(1.0, 1.0, rtol=-1.0)


def test_ignored_paths_are_skipped_whatever_is_there() -> None:
    expected = {"id": 1, "rows": [{"at": 1, "n": 1}, {"at": 2, "n": 2}]}
    got = {"id": 1, "rows": [{"at": 9, "n": 1}, {"at": None, "n": 3}]}
    assert [d.path for d in compare(expected, got, ignore=["result.rows[*].at"])] == ["result.rows[1].n"]
    assert compare(expected, got, ignore=["**.at", "**.n"]) == []


def test_ignored_paths_hide_missing_and_added_entries_too() -> None:
    assert compare({"a": 1, "at": 2}, {"a": 1}, ignore=["result.at"]) == []
    assert compare({"a": 1}, {"a": 1, "at": 2}, ignore=["result.at"]) == []


def test_unordered_lists_are_compared_as_bags() -> None:
    assert compare({"tags": ["a", "b", "b"]}, {"tags": ["b", "a", "b"]}, unordered=["result.tags"]) == []
    differences = compare({"tags": ["a", "b", "b"]}, {"tags": ["b", "a", "a"]}, unordered=["result.tags"])
    assert {(d.kind, d.expected, d.got) for d in differences} == {("missing", "'b'", ""), ("added", "", "'a'")}


def test_unordered_lists_of_thousands_of_rows_take_no_time() -> None:
    rows = [{"id": number, "tags": [str(number)]} for number in range(3000)]
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    began = time.perf_counter()
    assert compare(rows, shuffled, unordered=["result"]) == []
    assert time.perf_counter() - began < 5


def test_insertions_and_removals_are_told_from_changes() -> None:
    assert [(d.path, d.kind) for d in compare([1, 2, 3, 4], [1, 3, 4])] == [("result[1]", "missing")]
    assert [(d.path, d.kind) for d in compare([1, 2, 3], [1, 9, 2, 3])] == [("result[1]", "added")]


def test_a_comparator_decides_for_its_type_and_what_derives_from_it() -> None:
    def same_start(expected: str, got: str) -> bool:
        return expected[:1] == got[:1]

    assert compare({"name": "Ann"}, {"name": "Arthur"}, comparators={str: same_start}) == []
    assert compare({"name": "Ann"}, {"name": "Bob"}, comparators={str: same_start})


def test_placeholders_are_not_compared_and_the_report_says_so() -> None:
    placeholder = Placeholder(Note("result.conn", "unstorable", "sqlite3.Connection", "it cannot be stored"))
    found = examine({"conn": placeholder, "n": 1}, {"conn": object(), "n": 1})
    assert found
    assert found.differences == ()
    assert "result.conn" in str(found)
    assert "sqlite3.Connection" in str(found)


def test_a_difference_at_a_redacted_place_is_reported_as_not_compared() -> None:
    options = make_options(excused={"result.token": "redacted"})
    assert [item.path for item in examine({"token": "redacted-1"}, {"token": "s3"}, options).not_compared] == [
        "result.token"
    ]
    assert examine({"token": "redacted-1"}, {"token": "redacted-1"}, options).not_compared == ()
    assert not examine({"token": "redacted-1", "n": 1}, {"token": "s3", "n": 2}, options)
