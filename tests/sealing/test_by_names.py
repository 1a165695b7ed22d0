"""The cache of what is made once for each tuple of names: it stays small, whatever keys a program makes."""

from __future__ import annotations

import pytest

from snapagent.sealing import by_names
from snapagent.sealing.by_names import ByNames


def test_a_value_is_made_once_for_equal_names() -> None:
    made: list[tuple[str, ...]] = []
    cache = ByNames(lambda names: made.append(names) or ",".join(names))
    assert [cache["a", "b"], cache["a", "b"], cache["b", "a"]] == ["a,b", "a,b", "b,a"]
    assert made == [("a", "b"), ("b", "a")]


@pytest.mark.parametrize(
    "names", [tuple(f"n{number}" for number in range(41)), ("x" * 2001,)], ids=["many names", "a long name"]
)
def test_names_that_are_data_are_not_kept(names: tuple[str, ...]) -> None:
    cache = ByNames("".join)
    assert cache[names] == "".join(names)
    assert not cache


def test_a_program_that_makes_keys_without_end_does_not_fill_the_memory() -> None:
    cache = ByNames("".join)
    for number in range(3 * by_names._MOST):
        assert cache[f"key{number}",] == f"key{number}"
        assert len(cache) <= by_names._MOST
