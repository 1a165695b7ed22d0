"""Streams that call functions for their effect alone are read in C where these are known, with the same result."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
from freezes import frozen, round_trip
from hypothesis import given
from hypothesis import strategies as st

from snapagent.serializer.inert import decode as decoding
from snapagent.serializer.inert.decode import decode, drops_results
from snapagent.serializer.inert.encode import encode
from snapagent.serializer.rebuild import make_object, set_attributes
from snapagent.serializer.thawing.load import thaw


class Past:
    """Its attributes are set by a function."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        return make_object, (Past,), dict(vars(self)), None, None, set_attributes


def put(made: Any, state: Any) -> None:
    made.value = state["value"]


class Own(Past):
    def __reduce__(self) -> Any:
        return make_object, (Own,), dict(vars(self)), None, None, put


def closure(value: Any) -> Any:
    return lambda: value


def counting(value: Any) -> Any:
    def down(number: int) -> Any:
        return value if number == 0 else down(number - 1)

    return down


def local(value: Any) -> Any:
    class Local:
        def get(self) -> Any:
            return __class__, value  # type: ignore[name-defined]

        @property
        def twice(self) -> Any:
            return [value, value]

    return Local


values = st.recursive(
    st.integers() | st.text() | st.sampled_from([b")R0", b"\x85R0", b"h\x01R0", b"\x85R0" * 3]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.builds(lambda make, value: make(value), st.sampled_from([Past, closure, counting, local]), inner)
        | st.builds(lambda value: local(value)(), inner)
    ),
    max_leaves=6,
)


@given(values)
def test_they_are_read_as_by_the_unpickler_in_python(value: Any) -> None:
    data = frozen([value, Past(value), closure(value)]).data
    assert encode(decode(data)) == encode(decoding._decode_in_python(data))


@pytest.mark.parametrize("make", [Past, closure, counting, local, lambda value: local(value)()])
def test_those_that_are_known_are_read_in_c(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = frozen([make(1), make([make(2)])]).data
    monkeypatch.setattr(decoding, "_decode_in_python", lambda data: pytest.fail("read in Python"))
    assert drops_results(data)
    thaw(encode(decode(data)))


def test_a_function_of_the_program_for_an_effect_is_kept() -> None:
    data = frozen([Own(3), Past(4), closure(Own(5))]).data
    own, past, made = thaw(encode(decode(data)))
    assert (own.value, past.value, made().value) == (3, 4, 5)


def test_streams_are_read_by_several_threads_at_once() -> None:
    data = frozen([counting(Past(1)), local(2), closure(closure(3))]).data
    expected = encode(decode(data))
    results: list[bytes] = []

    def read() -> None:
        results.extend(encode(decode(data)) for _ in range(50))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 200


def test_a_result_that_is_kept_is_no_effect() -> None:
    # a tuple of the result of `setattr`, which is kept, and of an object whose state is set, with a dropped result
    kept = b"\x80\x05cbuiltins\nsetattr\n(ctest_dropped_results\nPast\nX\x01\x00\x00\x00aK\x01tR."
    assert decode(kept).args[1:] == ("a", 1)
    assert round_trip(Past(7)).value == 7


def test_a_stream_that_is_read_again_makes_no_class_again() -> None:
    """A class is in cycles with its own parts, which only a garbage collection of the program frees."""
    data = frozen([Past(closure(1)), counting(2)]).data
    decode(data)
    gc.collect()
    before = len(decoding.Inert.__subclasses__())
    assert len([decode(data) for _ in range(5)]) == 5
    assert len(decoding.Inert.__subclasses__()) == before
