"""An object's own hooks may raise, recurse, lie or be slow: the capture goes on without that object."""

from __future__ import annotations

import asyncio
import copyreg
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from freezes import frozen, frozen_call, notes_by_path, round_trip, rules

from snapagent.placeholder import Placeholder, note_of
from snapagent.serializer.freezing import pickler
from snapagent.serializer.freezing.byte_limit import TooSlow
from snapagent.serializer.thawing.load import thaw


class OddError(BaseException):
    pass


class Raises:
    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise self.error("secret text of the program")


class StateRaises(Raises):
    __reduce_ex__ = object.__reduce_ex__

    def __getstate__(self) -> object:
        raise self.error("secret text of the program")


RAISED = [ValueError, asyncio.CancelledError, GeneratorExit, OddError, StopIteration, RecursionError, MemoryError]


@pytest.mark.parametrize("make", [Raises, StateRaises])
@pytest.mark.parametrize("error", RAISED)
def test_whatever_a_hook_raises_costs_only_that_object(make: Callable[..., Any], error: type[BaseException]) -> None:
    result = frozen({"bad": make(error), "good": [1, 2]})

    again = thaw(result.data)
    assert again["good"] == [1, 2]
    assert note_of(again["bad"]).kind == "unstorable"
    assert note_of(again["bad"]).path == "result.bad"
    assert b"secret text" not in result.data


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_stop_of_the_program_passes_through(error: type[BaseException]) -> None:
    with pytest.raises(error):
        frozen([Raises(error)])


class TimeLimit(Exception):
    pass


class Slow:
    def __reduce_ex__(self, protocol: Any) -> Any:
        time.sleep(5)
        return int, (1,)


class Patient:
    """Waits too, and swallows nothing."""

    def __getstate__(self) -> object:
        time.sleep(5)
        return {}


def holding(value: object) -> Callable[[], object]:
    return lambda: value


@pytest.mark.parametrize("value", [Slow(), Patient(), holding(Slow())])
@pytest.mark.parametrize("limit", [TimeLimit, asyncio.CancelledError])
def test_a_time_limit_of_the_program_that_fires_meanwhile_reaches_the_program(
    value: object, limit: type[BaseException]
) -> None:
    def over(number: int, frame: object) -> None:
        raise limit

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(limit):
            frozen({"value": value})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert round_trip([1]) == [1]  # and the next capture is not affected


class Counted:
    times = 0

    def __reduce_ex__(self, protocol: Any) -> Any:
        type(self).times += 1
        return Counted, ()


def test_a_hook_runs_once_per_capture() -> None:
    """F21."""
    one, other = Counted(), Counted()
    Counted.times = 0

    frozen([one, one, {"deep": other}])

    assert Counted.times == 2


class Dawdles:
    asked = 0

    def __reduce_ex__(self, protocol: Any) -> Any:
        type(self).asked += 1
        time.sleep(0.02)
        return int, (self.asked,)


@pytest.mark.parametrize("hold", [list, holding], ids=["in a list", "in a closure"])
def test_objects_that_are_slow_to_ask_are_not_all_waited_for(
    monkeypatch: pytest.MonkeyPatch, hold: Callable[[object], object]
) -> None:
    """F35: between objects the clock is looked at, and over the budget the capture is given up."""
    monkeypatch.setattr(pickler, "HOOK_SECONDS", 0.1)
    value = hold([Dawdles() for _ in range(100)])
    Dawdles.asked = 0

    with pytest.raises(TooSlow):
        frozen({"value": value}, rules(max_bytes=10_000))

    assert Dawdles.asked < 20
    assert round_trip([1]) == [1]


class Delegator:
    """Recurses without end when it is asked for `__setstate__` before it has its state."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_a_class_that_delegates_unknown_attributes_is_loaded_without_asking_it() -> None:
    """F19."""
    (loaded,) = thaw(frozen([Delegator([1])]).data, target="shop:quote")

    assert type(loaded) is Delegator and loaded.inner == [1]


class Liar:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise AssertionError("its class was asked for")


class Pretender:
    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return dict


class Silent:
    def __init__(self) -> None:
        self.value = 3

    def __getattribute__(self, name: str) -> Any:
        if name in ("value", "path"):
            raise AssertionError("an attribute was read")
        return object.__getattribute__(self, name)


def test_objects_that_lie_about_their_class_are_kept_by_their_real_one() -> None:
    """F20."""
    liar, pretender = Liar(), Pretender()
    liar.__dict__["value"] = pretender.__dict__["value"] = 3

    again = round_trip([liar, pretender])

    assert [type(value) for value in again] == [Liar, Pretender]
    assert [object.__getattribute__(value, "__dict__")["value"] for value in again] == [3, 3]


def test_attributes_are_not_read_one_by_one() -> None:
    """F20."""
    again = round_trip([Silent()])[0]

    assert object.__getattribute__(again, "__dict__") == {"value": 3}


class Touchy:
    """No question about it has an answer."""

    def __init__(self) -> None:
        self.value = 3

    def _refuse(self, *args: object) -> Any:
        raise AssertionError("a hook was called that pickling does not need")

    __repr__ = __str__ = __len__ = __eq__ = __hash__ = __bool__ = __iter__ = __getattr__ = _refuse  # type: ignore


def test_nothing_is_asked_of_an_object_but_its_pickle_form() -> None:
    """F22."""
    touchy = Touchy()

    result = frozen_call(lambda first, second: None, {"key": touchy}, [touchy, sys.stdout])

    assert list(notes_by_path(result)) == ["second[1]"]
    assert len(result.data) > 0


class TouchyType(type):
    def _refuse(cls, other: object) -> Any:
        raise AssertionError("a class was compared")

    __eq__ = __ne__ = __instancecheck__ = __subclasscheck__ = _refuse  # type: ignore
    __hash__ = type.__hash__


class OfTouchyType(metaclass=TouchyType):
    def __init__(self) -> None:
        self.value = 3


def test_classes_are_not_compared_by_their_metaclass() -> None:
    """F20, F22: their own `__eq__` is a hook like any other."""
    again = round_trip({"object": OfTouchyType(), "class": OfTouchyType, "big": "x" * 2_000_000, "good": [1]})

    assert again["object"].value == 3
    assert again["class"] is OfTouchyType
    assert again["good"] == [1]


class Malformed:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.answer


def _endless() -> Iterator[int]:
    yield 1
    raise ValueError


@pytest.mark.parametrize(
    "answer",
    [None, 3, (), (int,), (int, None), (3, ()), "no.such.name", (int, (), None, None, None, 3), [int, ()], (1,) * 7],
)
def test_a_malformed_pickle_form_costs_only_that_object(answer: object) -> None:
    again = round_trip({"bad": Malformed(answer), "good": 1})

    assert again["good"] == 1
    assert type(again["bad"]) is Placeholder


def test_items_that_break_off_are_kept_as_far_as_they_came() -> None:
    again = round_trip({"list": Malformed((list, (), None, _endless())), "good": 1})

    assert again == {"list": [1], "good": 1}


class Registered:
    pass


def test_a_reducer_registered_with_copyreg_is_used() -> None:
    import copyreg

    copyreg.pickle(Registered, lambda value: (dict, ([("made", 1)],)))  # type: ignore[arg-type]
    try:
        assert round_trip([Registered()]) == [{"made": 1}]
    finally:
        del copyreg.dispatch_table[Registered]


class Doorkeeper(type):
    def __getattribute__(cls, name: str) -> Any:
        if name == "Inner":
            raise AssertionError("not for you")
        return type.__getattribute__(cls, name)


class Outer(metaclass=Doorkeeper):
    class Inner:
        def __init__(self) -> None:
            self.value = 3

    @classmethod
    def made(cls) -> int:
        return 1


Inner = Outer.__dict__["Inner"]
bare_made = Outer.__dict__["made"].__func__


def test_a_class_that_cannot_be_reached_by_its_name_comes_by_value() -> None:
    again = round_trip({"function": bare_made, "good": [1]})

    assert again["good"] == [1]
    assert again["function"](None) == 1


def test_a_class_that_cannot_be_had_costs_only_its_objects() -> None:
    again = round_trip({"inner": Inner(), "good": [1]})

    assert again["good"] == [1]


def test_objects_of_extension_modules_that_cannot_be_pickled_cost_only_themselves() -> None:
    import hashlib
    import threading

    handle = getattr(threading.main_thread(), "_handle", None)  # since Python 3.13

    again = round_trip({"bad": [hashlib.sha256(), handle], "good": 1})

    assert again["good"] == 1
    assert type(again["bad"][0]) is Placeholder


class Observed(type):
    """A metaclass that notes which attributes of its classes are set."""

    def __setattr__(cls, name: str, value: object) -> None:
        noted.append(name)
        super().__setattr__(name, value)


noted: list[str] = []


class Slotted(metaclass=Observed):
    __slots__ = ("__hidden", "first")

    def __init__(self) -> None:
        self.first, self.__hidden = 1, 2


class SlottedTwin(metaclass=Observed):
    __slots__ = ("__hidden", "first")


class Open(metaclass=Observed):
    def __init__(self) -> None:
        self.first = 1


def test_a_metaclass_is_not_asked_to_keep_the_slots_of_a_class() -> None:
    loaded = thaw(frozen((Slotted(), Open())).data)
    assert noted == []
    assert (loaded[0].first, loaded[0]._Slotted__hidden, vars(loaded[1])) == (1, 2, {"first": 1})
    usual = copyreg._slotnames(SlottedTwin)
    assert vars(Slotted)["__slotnames__"] == [name.replace("Twin", "") for name in usual]
    assert vars(Open)["__slotnames__"] == []
