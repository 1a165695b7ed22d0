"""Freezing a call is bounded by the processor time of its thread, and what was slow is remembered."""

from __future__ import annotations

import functools
import gc
import threading
import time
from typing import Any

import pytest

from snapagent.core.signature import Parameters
from snapagent.placeholder import UNSTORABLE
from snapagent.serializer.freezing import freeze, pickler, time_limit
from snapagent.serializer.freezing.byte_limit import TooSlow
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_call
from snapagent.serializer.freezing.time_limit import TimeLimit
from snapagent.serializer.thawing.load import thaw

NAMES = Parameters(())


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


class Slow:
    """Takes `seconds` of processor time to be pickled."""

    pickled = 0

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __reduce__(self) -> Any:
        type(self).pickled += 1
        burn(self.seconds)
        return str, ("slow",)


class Plain:
    def __init__(self, inside: object) -> None:
        self.inside = inside


@pytest.fixture(autouse=True)
def fresh() -> None:
    freeze._decisions.clear()
    Slow.pickled = 0


def rules(seconds: float) -> FreezeRules:
    return FreezeRules(allowance=lambda: seconds)


def test_one_slow_hook_after_the_other_ends_the_capture() -> None:
    with pytest.raises(TooSlow):
        freeze_call(None, ([Slow(0.004) for _ in range(100)],), {}, NAMES, rules(0.02))
    assert Slow.pickled < 20


def test_plain_objects_are_looked_at_too() -> None:
    values = [Plain(number) for number in range(200_000)]
    gc.disable()  # a collection of all that the other tests have left takes as long
    try:
        began = time.thread_time()
        with pytest.raises(TooSlow):
            freeze_call(None, (values,), {}, NAMES, rules(0.01))
        stopped_after = time.thread_time() - began
        freeze_call(None, (values,), {}, NAMES, FreezeRules(max_bytes=10**9, allowance=lambda: 1000.0))
        whole = time.thread_time() - began - stopped_after
    finally:
        gc.enable()
    assert stopped_after < whole / 3


def test_a_closure_stored_by_value_is_looked_at_while_dill_walks_it() -> None:
    def closure_over(values: list[Any]) -> Any:
        return lambda: values

    freeze_call(None, (closure_over([1]),), {}, NAMES, rules(1.0))  # dill is loaded
    with pytest.raises(TooSlow):
        freeze_call(None, (closure_over([[number] for number in range(100_000)]),), {}, NAMES, rules(0.02))


def test_time_that_other_threads_take_does_not_count() -> None:
    limit = TimeLimit(lambda: 0.05)
    limit.look()
    time.sleep(0.2)
    limit.look()
    assert limit.left() > 0.0
    burn(0.06)
    with pytest.raises(TooSlow):
        limit.look()


def test_a_type_that_was_slow_is_left_out_when_there_is_no_time_for_it() -> None:
    first = freeze_call(None, (Slow(0.02),), {}, NAMES, rules(1.0))
    assert not first.notes
    second = freeze_call(None, (Slow(0.02), 5), {}, NAMES, rules(0.01))
    assert [(note.kind, note.path) for note in second.notes] == [(UNSTORABLE, "args[0]")]
    assert "took too long the last time" in second.notes[0].reason
    assert Slow.pickled == 1
    third = freeze_call(None, (Slow(0.0),), {}, NAMES, rules(1.0))
    assert not third.notes  # there is time again, and it was fast
    assert not freeze_call(None, (Slow(0.0),), {}, NAMES, rules(0.01)).notes


def test_a_function_that_was_slow_to_store_is_left_out_too() -> None:
    def closure_over(values: list[Any]) -> Any:
        return lambda: values

    freeze_call(None, (closure_over([1]),), {}, NAMES, rules(1.0))
    values = [[number] for number in range(10_000)]
    first = freeze_call(None, (closure_over(values),), {}, NAMES, rules(2.0)).notes
    assert UNSTORABLE not in [note.kind for note in first]
    began = time.thread_time()
    notes = freeze_call(None, (closure_over(values),), {}, NAMES, rules(0.005)).notes
    assert [note.kind for note in notes] == [UNSTORABLE]
    assert time.thread_time() - began < 0.1


def test_slow_code_takes_a_bounded_share_of_the_time_whatever_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "process_time", lambda: 0.0)  # a process that has used no time has half a second

    def slow_closures(number: int) -> list[Any]:
        def closure_over(inside: object) -> Any:
            return lambda: inside

        return [closure_over(Slow(0.02)) for _ in range(number)]

    def quick() -> int:
        return 1

    freeze_call(None, (quick,), {}, NAMES, rules(100.0))  # dill is loaded
    began = time.thread_time()
    for _ in range(20):
        frozen = freeze_call(None, (slow_closures(10), quick, "beside"), {}, NAMES, rules(100.0))
    took = time.thread_time() - began

    assert 0.45 < took < 2.0  # all of them take four seconds
    assert frozen.notes
    _, args, _ = thaw(frozen.data)
    assert args[1]() == 1 and args[2] == "beside"


def test_slow_code_is_seldom_tried_again_once_code_has_taken_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "_CODE_SECONDS", -1.0)
    monkeypatch.setattr(time_limit, "process_time", lambda: 0.0)
    slow = [Slow(0.003), Slow(0.003)]
    for _ in range(19):
        notes = freeze_call(None, (lambda: slow,), {}, NAMES, rules(100.0)).notes
        assert [note.reason for note in notes] == [pickler.SHARE_SPENT]
    assert Slow.pickled == 4  # the first, third, sixth and eleventh time


def test_code_that_was_slow_once_is_stored_again_when_it_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "_CODE_SECONDS", -1.0)
    monkeypatch.setattr(time_limit, "process_time", lambda: 0.0)
    slow = [Slow(0.003), Slow(0.003)]
    refused = []
    for _ in range(6):
        refused.append(bool(freeze_call(None, (lambda: slow,), {}, NAMES, rules(100.0)).notes))
        slow[0].seconds = slow[1].seconds = 0.0
    assert refused == [True, True, False, False, False, False]


def test_a_hook_that_overruns_is_not_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickler, "HOOK_SECONDS", 0.03)
    monkeypatch.setattr(time_limit, "SECONDS", 0.03)

    class Waits:
        called = 0

        def __reduce__(self) -> Any:
            Waits.called += 1
            time.sleep(0.05)
            return str, ("waits",)

    monkeypatch.setitem(globals(), "Waits", Waits)
    Waits.__qualname__ = "Waits"
    for _ in range(3):
        freeze_call(None, (Waits(), 7), {}, NAMES, FreezeRules(allowance=functools.partial(max, 0.03, 0.02)))
    assert Waits.called == 1


def test_a_busy_thread_beside_does_not_make_a_fast_type_slow() -> None:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    threads = [threading.Thread(target=spin) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            freeze_call(None, (Slow(0.0),), {}, NAMES, rules(1.0))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not freeze_call(None, (Slow(0.0),), {}, NAMES, rules(0.003)).notes
