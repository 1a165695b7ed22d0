"""Generated nested values come back equal, with what they share and with their cycles."""

from __future__ import annotations

import collections
import dataclasses
import decimal
import pickle
from typing import Any

import pytest
from freezes import frozen, kept, round_trip, rules

hypothesis: Any = pytest.importorskip("hypothesis")
st: Any = pytest.importorskip("hypothesis.strategies")
given = hypothesis.given


def with_examples(number: int) -> Any:
    health = list(hypothesis.HealthCheck)
    return hypothesis.settings(max_examples=number, deadline=None, suppress_health_check=health)


ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals()
    | st.fractions()
    | st.uuids()
)
KEYS = st.text(max_size=5) | st.integers() | st.tuples(st.integers(), st.text(max_size=2))


@dataclasses.dataclass
class Box:
    inside: Any
    label: str = ""


class Bag:
    def __init__(self, inside: Any) -> None:
        self.inside = inside


def containers(inner: Any) -> Any:
    return (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.tuples(inner, inner)
        | st.frozensets(KEYS, max_size=4)
        | st.sets(KEYS, max_size=4)
        | st.builds(Box, inner)
        | st.builds(Bag, inner)
        | st.builds(collections.deque, st.lists(inner, max_size=3))
        | st.builds(collections.OrderedDict, st.dictionaries(KEYS, inner, max_size=3))
    )


VALUES = st.recursive(ATOMS, containers, max_leaves=25)


def assert_alike(one: Any, other: Any, pairs: dict[int, int] | None = None) -> None:
    """Equal, of equal types, and shared in the same way; NaN is like NaN."""
    pairs = {} if pairs is None else pairs
    assert type(one) is type(other)
    if id(one) in pairs:
        assert pairs[id(one)] == id(other), "shared on one side, copied on the other"
        return
    if isinstance(one, (list, dict, Box, Bag, collections.deque)):
        pairs[id(one)] = id(other)
    if isinstance(one, (Box, Bag)):
        assert_alike(vars(one), vars(other), pairs)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_alike(one[key], other[key], pairs)
    elif isinstance(one, (list, tuple, collections.deque)):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_alike(left, right, pairs)
    elif isinstance(one, (float, complex, decimal.Decimal)):
        assert repr(one) == repr(other)
    else:
        assert one == other


@with_examples(150)
@given(VALUES)
def test_generated_values_come_back(value: Any) -> None:
    assert_alike(value, kept(value))


@with_examples(60)
@given(st.lists(VALUES, min_size=2, max_size=6), st.data())
def test_sharing_and_cycles_come_back(values: list[Any], data: Any) -> None:
    values.append(values)
    values.append(data.draw(st.sampled_from(values)))
    values.append(Bag({"again": data.draw(st.sampled_from(values)), "all": values}))

    assert_alike(values, kept(values))


@with_examples(60)
@given(VALUES)
def test_pruning_what_is_not_there_changes_nothing(value: Any) -> None:
    assert_alike(value, round_trip(value, rules(exclude=("**.no_such_name_anywhere",))))


@with_examples(50)
@given(VALUES)
def test_the_bytes_are_a_plain_pickle(value: Any) -> None:
    assert_alike(value, pickle.loads(frozen(value).data))
