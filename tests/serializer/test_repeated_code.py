"""Code that is stored again and again: its stream is made once, where nothing but the code decides over it."""

from __future__ import annotations

import functools
import types
import warnings
from typing import Any

import pytest
from freezes import frozen, round_trip
from hypothesis import given
from hypothesis import strategies as st

from snapagent.serializer import by_value, repeated_code
from snapagent.serializer.by_value import dump_by_value
from snapagent.serializer.freezing.byte_limit import TooBig
from snapagent.serializer.freezing.freeze import FreezeRules
from snapagent.serializer.freezing.pickler import Freezer
from snapagent.serializer.freezing.prune import Pruner


class General(Pruner):
    """Says that it may leave anything out, so that every object goes the general way."""

    leaves_out = True  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(FreezeRules(), (), {})


def usual(max_bytes: int = 10**6) -> Freezer:
    return Freezer(FreezeRules(max_bytes))


@pytest.fixture(autouse=True)
def fresh() -> None:
    repeated_code._forms.clear()
    by_value._streams.clear()


def made(number: Any, text: Any = "x") -> types.FunctionType:
    def inside(value: int = 3) -> Any:
        """Says more."""

        def deeper() -> Any:
            return [value, number, {"a": (1, 2.5, b"c", None)}]

        return deeper

    inside.note = text  # type: ignore[attr-defined]
    return inside  # type: ignore[return-value]


def constant(number: Any) -> types.FunctionType:
    return lambda: number  # type: ignore[return-value]


atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(st.recursive(atoms, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)))
def test_streams_are_those_of_the_general_way(value: Any) -> None:
    shared = made(value, [value, value])
    assert dump_by_value(shared, usual()) == dump_by_value(shared, General())
    assert dump_by_value(shared, usual()) == dump_by_value(shared, General())  # with what is remembered by now


def test_a_second_function_with_the_same_code_has_the_same_stream_and_is_not_stored_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = dump_by_value(constant(7), usual())
    assert first == dump_by_value(constant(7), General())
    monkeypatch.setattr(by_value, "_dump", lambda value, leaves: pytest.fail("stored anew"))
    assert dump_by_value(constant(7), usual()) == first


def test_what_a_function_closes_over_is_part_of_what_it_is() -> None:
    streams = {dump_by_value(constant(value), usual()) for value in (1, True, 0, False, None, 2**70)}
    assert len(streams) == 6
    assert [round_trip(constant(value))() for value in (1, True, 0, 2**70)] == [1, True, 0, 2**70]


def test_what_may_change_is_stored_anew() -> None:
    items = [1]
    grows, marked = constant(items), constant(1)
    before = round_trip(grows)(), getattr(round_trip(marked), "mark", None)
    items.append(2)
    marked.mark = "new"  # type: ignore[attr-defined]
    assert (before, round_trip(grows)(), round_trip(marked).mark) == (([1], None), [1, 2], "new")
    marked.__defaults__ = None
    renamed = constant(1)
    renamed.__qualname__ = "test.<locals>.other"
    assert round_trip(renamed).__qualname__ == "test.<locals>.other"


def test_a_stream_that_is_larger_than_a_bundle_may_be_is_not_taken_from_another() -> None:
    assert not frozen(constant(5)).notes
    with pytest.raises(TooBig):
        dump_by_value(constant(5), usual(max_bytes=10))


def test_the_filters_of_warnings_are_touched_once_for_each_code_object(monkeypatch: pytest.MonkeyPatch) -> None:
    items: list[int] = []
    dump_by_value(constant(items), usual())
    monkeypatch.setattr(warnings, "filterwarnings", lambda *_, **__: pytest.fail("touched again"))
    dump_by_value(constant(items), usual())


def test_a_class_whose_methods_hold_an_instance_of_it_is_met_once() -> None:
    class Kind:
        def held(self) -> Any:
            return one

    one = Kind()
    result = frozen(one)
    assert [note.reason for note in result.notes if "itself" in note.reason] == ["its class refers to itself"]
    assert len(result.data) < 10_000


def test_partials_of_such_functions_are_kept() -> None:
    assert [round_trip(functools.partial(constant(number)))() for number in (3, 3, 4)] == [3, 3, 4]
