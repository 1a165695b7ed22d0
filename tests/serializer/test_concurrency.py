"""Other threads change values meanwhile, signals and finalizers come in between: the capture gives a whole answer."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from freezes import frozen, frozen_call, round_trip

from snapagent.placeholder import Placeholder
from snapagent.serializer.thawing.load import thaw

SUPPORT = Path(__file__).parents[1] / "support"


@contextmanager
def running(work: Any) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=lambda: all(not stop.is_set() and (work() or True) for _ in iter(int, 1)))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)


class Item:
    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Item, (self.number,)


def test_a_dict_that_another_thread_changes_gives_a_value_or_a_placeholder() -> None:
    """F32."""
    shared: dict[int, Item] = {number: Item(number) for number in range(200)}
    counter = iter(range(1000, 10**9))

    def change() -> None:
        number = next(counter)
        shared[number] = Item(number)
        shared.pop(number, None)

    with running(change):
        for _ in range(15):
            again = round_trip({"shared": shared, "still": [1, 2]})
            assert again["still"] == [1, 2]
            kept = again["shared"]
            assert type(kept) is Placeholder or {*range(200)} <= kept.keys()


def test_plain_data_is_not_torn() -> None:
    """F33: the C pickler does not let other threads in between."""
    pair = [0] * 2000

    def change() -> None:
        pair[:] = [pair[0] + 1] * 2000

    with running(change):
        for _ in range(200):
            again = round_trip(pair)
            assert again[0] == again[-1]


@pytest.fixture
def switching(request: pytest.FixtureRequest) -> Iterator[None]:
    """Threads take turns after `param` seconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(request.param)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(("switching", "kinds"), [(1e-6, {"may_be_torn"}), (100.0, set())], indirect=["switching"])
def test_code_by_value_that_takes_longer_than_a_turn_says_that_it_may_be_torn(switching: None, kinds: set[str]) -> None:
    """F33: another thread may change what a closure holds while dill takes it apart in Python."""
    pair = [0, 0]
    stop = threading.Event()
    waiting = threading.Thread(target=stop.wait)
    waiting.start()
    try:
        result = frozen_call(lambda work, rows: None, {"total": lambda: sum(pair)}, [1])
    finally:
        stop.set()
        waiting.join()

    assert {note.kind for note in result.notes if note.path == "work.total"} == kinds
    assert {note.kind for note in result.notes} == kinds
    assert thaw(result.data)[1][0]["total"]() == 0


def test_alone_in_its_process_nothing_is_torn() -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); sys.setswitchinterval(1e-6); import freezes; value = [1]\n"
    script += "print(freezes.frozen([lambda: value]).notes)"
    done = subprocess.run([sys.executable, "-c", script, str(SUPPORT)], capture_output=True, text=True, timeout=60)

    assert (done.stdout, done.stderr) == ("()\n", "")


def test_threads_freeze_at_the_same_time() -> None:
    failures: list[object] = []

    def work(number: int) -> None:
        for turn in range(100):
            value = {"n": number, "items": [Item(number), turn], "gen": (i for i in "x")}
            again = thaw(frozen(value).data)
            if (again["n"], again["items"][0].number, again["items"][1]) != (number, number, turn):
                failures.append(again)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


class Nested:
    """Freezes something itself while it is being pickled, as an instrumented program may."""

    def __getstate__(self) -> object:
        return {"inner": frozen([Item(1), "inner"]).data}


def test_freezing_inside_freezing_does_not_mix_them() -> None:
    again = round_trip([Item(7), Nested(), Item(8)])

    assert [again[0].number, again[2].number] == [7, 8]
    assert thaw(again[1].inner)[1] == "inner"


class Finalized:
    def __init__(self) -> None:
        self.me = self  # only the collector can free it

    def __del__(self) -> None:
        frozen(["from a finalizer"])


class Collects:
    def __getstate__(self) -> object:
        Finalized()
        gc.collect()
        return {"x": 1}


def test_a_finalizer_that_freezes_in_the_middle_does_no_harm() -> None:
    """F23."""
    assert round_trip([Collects(), 2])[1] == 2


def test_a_signal_handler_that_freezes_in_the_middle_does_no_harm() -> None:
    """F24."""
    seen: list[object] = []

    class Signals:
        def __getstate__(self) -> object:
            os.kill(os.getpid(), signal.SIGUSR1)
            return {"x": 1}

    before = signal.signal(signal.SIGUSR1, lambda *args: seen.append(round_trip(["from a handler"])))
    try:
        again = round_trip([Item(1), Signals(), Item(2)])
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert seen == [["from a handler"]]
    assert [again[0].number, again[2].number] == [1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_freezes_too() -> None:
    frozen([Item(1)])
    child = os.fork()
    if child == 0:
        os._exit(0 if round_trip([Item(2)])[0].number == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_nothing_of_a_value_is_held_after_it_was_frozen() -> None:
    import weakref

    class Local:
        pass

    local, module_level = Local(), Item(1)
    references = [weakref.ref(local), weakref.ref(module_level)]

    frozen([local, module_level, (i for i in "x")])
    frozen({"big": ["x" * 3_000_000], "local": local})
    del local, module_level
    gc.collect()

    assert [reference() for reference in references] == [None, None]
