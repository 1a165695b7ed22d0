from __future__ import annotations

import math
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from capturing import Program
from storing import NOON, TARGET, Call, seal

from snapagent.capture.writing import pauses
from snapagent.config.settings import Settings
from snapagent.config.targets import Target
from snapagent.core import system
from snapagent.store import Counts, Store, own_writes
from snapagent.store.files import locked

KEEP_ALL = Settings(keep=math.inf)
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture
def base(tmp_path: Path) -> str:
    return str(tmp_path / "captures")


def stored_values(base: str) -> list[object]:
    store = Store(base)
    return [pickle.loads(store.part(store.read(entry), "outcome")) for entry in store.entries(TARGET)]


def script(base: str, text: str, *, timeout: float = 20.0, python: str = sys.executable) -> subprocess.CompletedProcess:
    """Run a program that captures into `base`, in a process of its own."""
    head = f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\nBASE = {base!r}\n"
    imports = "import math, os, time\nfrom capturing import *\nfrom storing import *\n"
    code = head + imports + textwrap.dedent(text)
    return subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=timeout)


def test_calls_are_stored_and_counted(base: str) -> None:
    program = Program(base, KEEP_ALL)

    assert all(program.call(number) for number in range(10))
    assert program.writer.flush(10)

    assert stored_values(base) == list(range(10))
    assert Store(base).index(TARGET).counts == Counts(10, 10)
    program.writer.close()


def test_no_thread_runs_before_the_first_call(base: str) -> None:
    before = set(os.listdir("/proc/self/task"))
    program = Program(base)
    assert set(os.listdir("/proc/self/task")) <= before

    program.call()

    assert len(set(os.listdir("/proc/self/task")) - before) == 1
    program.writer.close()


def test_the_index_is_at_most_a_second_behind(base: str) -> None:
    program = Program(base, KEEP_ALL)
    program.call(1)
    program.writer.flush(10)
    program.call(2)
    program.ledger.count_skipped("over_budget")

    until = time.monotonic() + 10
    while Store(base).index(TARGET).calls < 3 and time.monotonic() < until:
        time.sleep(0.05)

    assert time.monotonic() < until - 5  # a busy machine is slow, one without updates would never get there
    program.writer.close()


def test_between_its_steps_the_writer_leaves_the_interpreter_to_the_program(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "_FOR", 60.0)  # seconds: a busy machine is slow
    program = Program(base, KEEP_ALL, sealing=working)
    breaths: list[float] = []
    program.writer._rounds.pauses._never = Breaths(breaths)  # type: ignore[assignment]
    for number in range(5):
        program.call(number)
    until = time.monotonic() + 10
    while Store(base).index(TARGET).captured < 5 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(breaths) >= 5  # after each sealing
    program.writer.flush(10)

    breaths.clear()
    program.call(5)
    program.writer.flush(10)

    assert breaths == []  # somebody waits
    program.writer.close()


def working(call):
    """Seal a call in three milliseconds of processor time."""
    until = time.thread_time() + 0.003
    while time.thread_time() < until:
        pass
    return seal(call)


class Breaths:
    """Stands for the queue that nobody ever puts anything into."""

    def __init__(self, taken: list[float]) -> None:
        self.taken = taken

    def get(self, block: bool, seconds: float) -> None:
        self.taken.append(seconds)


def test_surplus_calls_of_a_burst_are_captured_without_being_written(base: str) -> None:
    written: list[object] = []

    def sealing(call):
        written.append(call.value)
        return seal(call)

    program = Program(base, Settings(keep=2), sealing=sealing)
    program.call("bad", exception="ValueError")
    for number in range(200):
        program.call(number)
    program.writer.flush(10)

    assert stored_values(base) == ["bad", 198, 199]
    assert Store(base).index(TARGET).counts == Counts(201, 201)
    assert len(written) < 100
    program.writer.close()


def test_calls_that_come_while_the_thread_writes_wait_for_its_next_round(base: str) -> None:
    written: list[object] = []
    rounds = Rounds(written)

    def sealing(call):
        written.append(call.value)
        if len(written) < 100:
            caller = threading.Thread(target=program.call, args=(call.value + 1,))
            caller.start()
            caller.join()
        return seal(call)

    program = Program(base, Settings(keep=1), sealing=sealing, periodic=rounds)
    program.call(0)
    until = time.monotonic() + 10
    while len(rounds.ended) < 2 and time.monotonic() < until:
        time.sleep(0.01)

    assert rounds.ended[:2] == [1, 1]  # asked after the first call, because an update was due, and after the round
    program.writer.close()
    assert stored_values(base) == [written[-1]]


class Rounds:
    """Notes how many calls were written when the thread had time for its periodic task."""

    def __init__(self, written: list[object]) -> None:
        self.written = written
        self.ended: list[int] = []

    def run_if_due(self) -> None:
        self.ended.append(len(self.written))

    def restart(self) -> None:
        pass

    def end(self) -> None:
        pass


def test_a_full_queue_drops_and_counts(base: str) -> None:
    go = threading.Event()
    program = Program(base, KEEP_ALL, sealing=lambda call: go.wait(10) and seal(call), queue_bytes=1000)
    taken = [program.call(number, size=100) for number in range(30)]
    go.set()
    program.writer.flush(10)

    assert 10 <= sum(taken) <= 20 and taken[0]
    assert len(stored_values(base)) == sum(taken)
    assert Store(base).index(TARGET).counts == Counts(30, sum(taken), {"queue_full": 30 - sum(taken)})
    assert program.call("room again")
    program.writer.close()


def test_one_call_that_is_larger_than_the_queue_is_taken_when_nothing_waits(base: str) -> None:
    program = Program(base, KEEP_ALL, queue_bytes=1000)

    assert program.call("large", size=5000)
    program.writer.flush(10)

    assert stored_values(base) == ["large"]
    program.writer.close()


@pytest.mark.parametrize("sync", [False, True])
def test_calls_from_many_threads_are_all_stored(base: str, sync: bool) -> None:
    program = Program(base, KEEP_ALL, sync=sync)
    threads = [
        threading.Thread(target=lambda first=first: [program.call(first + step) for step in range(50)])
        for first in range(0, 400, 50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    program.writer.close(20)

    assert sorted(stored_values(base)) == list(range(400))
    index = Store(base).index(TARGET)
    assert (index.calls, index.captured, index.stored) == (400, 400, 400)


def test_sync_writes_and_trims_before_the_call_returns(base: str) -> None:
    program = Program(base, Settings(keep=2), sync=True)

    for number in range(5):
        program.call(number)
        assert stored_values(base) == list(range(max(number - 1, 0), number + 1))

    program.writer.close()
    assert Store(base).index(TARGET).counts == Counts(5, 5)


def test_sync_keeps_exactly_what_it_should_with_bundles_of_an_earlier_run(base: str) -> None:
    for value in range(3):
        program = Program(base, Settings(keep=2), sync=True)
        program.call(value)
        program.writer.close()

    assert stored_values(base) == [1, 2]


def test_a_process_without_threads_writes_in_the_caller(base: str) -> None:
    ran = script(
        base,
        """
        import types
        sys.modules["uwsgi"] = types.SimpleNamespace(opt={b"http": b":80"})
        program = Program(BASE, Settings(keep=math.inf))
        for number in range(3):
            program.call(number)
        print(len(os.listdir("/proc/self/task")), len(program.store.entries(TARGET)))
        """,
    )

    assert ran.stdout.split() == ["1", "3"], ran.stderr
    assert Store(base).index(TARGET).counts == Counts(3, 3)


def test_uwsgi_with_threads_has_a_thread(base: str) -> None:
    ran = script(
        base,
        """
        import types
        sys.modules["uwsgi"] = types.SimpleNamespace(opt={"enable-threads": b"true"})
        program = Program(BASE)
        program.call()
        print(len(os.listdir("/proc/self/task")))
        """,
    )

    assert ran.stdout.split() == ["2"], ran.stderr


def test_a_call_that_cannot_be_sealed_is_counted_and_the_others_are_stored(base: str, caplog) -> None:
    def sealing(call):
        if call.value == "bad":
            raise KeyError("secret")
        return seal(call)

    program = Program(base, KEEP_ALL, sealing=sealing)
    for value in (1, "bad", 2):
        program.call(value)
    program.writer.close()

    assert stored_values(base) == [1, 2]
    assert Store(base).index(TARGET).counts == Counts(3, 2, {}, {"internal_error": 1})
    assert "secret" not in caplog.text


def test_five_failures_in_a_row_turn_calls_away_for_a_while(base: str) -> None:
    def sealing(call):
        raise ValueError

    program = Program(base, KEEP_ALL, sealing=sealing, sync=True)
    taken = [program.call() for _ in range(8)]
    program.writer.close()

    assert taken == [True] * 5 + [False] * 3
    assert Store(base).index(TARGET).counts == Counts(8, 0, {"backing_off": 3}, {"internal_error": 5})


def test_a_disk_that_fails_turns_the_calls_of_all_targets_away(base: str, tmp_path: Path, caplog) -> None:
    other = Target("shop", "other")
    (tmp_path / "captures").write_text("not a folder")
    program = Program(base, KEEP_ALL, sync=True, targets=(TARGET, other))

    for _ in range(10):
        program.call()

    assert program.gate.closed == program.gates[other].closed == "not_a_folder"
    assert program.ledger.totals() == Counts(10, 0, {"not_a_folder": 7}, {"not_a_folder": 3})
    assert caplog.text.count("not_a_folder") == 1
    program.writer.close()


def test_it_recovers_when_the_disk_does(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapagent.capture.recording.admission.FIRST_PAUSE", 0.05)
    Path(base).write_text("not a folder")
    program = Program(base, KEEP_ALL, sync=True)
    for _ in range(4):
        program.call()
    os.unlink(base)
    time.sleep(0.1)

    assert program.call("again")

    program.writer.close()
    assert stored_values(base) == ["again"]


def test_a_quota_is_met_exactly_by_all_processes_together(base: str) -> None:
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            program = Program(base, Settings(keep=math.inf, quota=50))
            for number in range(100):
                program.call(number)
            program.writer.close(20)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)

    assert len(stored_values(base)) == 50
    index = Store(base).index(TARGET)
    assert (index.calls, index.captured) == (400, 50)


def test_what_failed_gives_its_place_of_the_quota_back(base: str) -> None:
    def sealing(call):
        if call.value < 3:
            raise ValueError
        return seal(call)

    program = Program(base, Settings(keep=math.inf, quota=2), sealing=sealing, sync=True)
    for number in range(6):
        program.gate.open()
        program.call(number)
    program.writer.close()

    assert stored_values(base) == [3, 4]


def test_a_stopped_lock_holder_delays_no_call_and_loses_no_bundle(base: str) -> None:
    os.makedirs(Store(base).folder(TARGET), 0o700)
    program = Program(base, KEEP_ALL)
    with locked(Store(base).folder(TARGET), 1.0):
        began = time.monotonic()
        for number in range(20):
            program.call(number)
        took = time.monotonic() - began
        program.writer.close(5.0)
        in_all = time.monotonic() - began

    assert took < 0.9 and in_all < 10  # who waited for the lock would wait for a second, each time
    assert len(stored_values(base)) == 20
    assert Store(base).index(TARGET).counts == Counts(20, 20)


def test_after_closing_nothing_is_taken_and_nothing_is_started(base: str) -> None:
    program = Program(base)
    before = set(os.listdir("/proc/self/task"))
    program.writer.close()

    assert not program.call()
    assert set(os.listdir("/proc/self/task")) <= before
    assert program.writer.close() and program.writer.flush()


def test_a_time_limit_that_fires_while_we_write_reaches_the_program(base: str) -> None:
    def on_alarm(number: int, frame: object) -> None:
        raise TimeoutError("the program's own limit")

    def sealing(call):
        time.sleep(5)
        return seal(call)

    program = Program(base, sealing=sealing, sync=True)
    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(TimeoutError, match="own limit"):
            program.call()
    finally:
        signal.signal(signal.SIGALRM, before)
    program.writer.close()


@pytest.mark.parametrize("while_sealing", [True, False])
def test_an_interrupt_loses_no_call_but_one_that_was_being_written(
    base: str, while_sealing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are sealed side by side with it, or may be sealed already, and not written yet."""
    calls = [Call(settings=KEEP_ALL, started=NOON + number, value=number) for number in range(10)]
    steps: list[str] = []

    def sealing(call: Call):
        steps.append("seal")
        if while_sealing and len(steps) > 5 and steps.count("interrupt") == 0:
            steps.append("interrupt")
            raise KeyboardInterrupt
        return seal(call)

    program = Program(base, KEEP_ALL, sealing=sealing)
    real = program.store.write

    def write(*args, **kwargs):
        steps.append("write")
        if not while_sealing and steps.count("write") > 5 and steps.count("interrupt") == 0:
            steps.append("interrupt")
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(program.store, "write", write)
    queues = [calls]
    storer = program.writer._rounds.storer
    with pytest.raises(KeyboardInterrupt):
        storer.store_all(lambda: queues.pop() if queues else ())
    storer.store_all(lambda: ())

    assert steps[:5] == ["seal", "write", "seal", "seal", "seal"]  # the first bundle of a function does not wait
    assert len(set(stored_values(base))) == len(stored_values(base)) == 9 + while_sealing
    assert storer.unsettled == 1 - while_sealing
    program.writer.close()


def test_at_the_end_no_call_is_begun_that_takes_longer_than_what_is_left(base: str) -> None:
    program = Program(base, KEEP_ALL)
    program.gate.seal_per_byte = 1.0
    storer = program.writer._rounds.storer
    storer.end.begin(60.0)
    queues = [[Call(settings=KEEP_ALL, started=NOON + size, value=size, size=size) for size in (1000, 1)]]

    storer.store_all(lambda: queues.pop() if queues else ())

    assert stored_values(base) == [1]
    assert storer.unsettled == 1
    program.writer.close()


@pytest.mark.parametrize("name", ["open", "write", "rename", "fsync", "fstat", "close", "mkdir", "link", "unlink"])
def test_a_time_limit_that_fires_in_a_system_call_is_not_taken_for_a_fault_of_the_disk(
    base: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TimeoutError` is an `OSError`, as it happens."""

    def on_alarm(number: int, frame: object) -> None:
        raise TimeoutError("the program's own limit")

    fired: list[bool] = []
    real = getattr(os, name)

    def interrupted(*args: object, **kwargs: object) -> object:
        done = real(*args, **kwargs)
        if not fired:
            fired.append(True)
            signal.raise_signal(signal.SIGALRM)
        return done

    program = Program(base, Settings(keep=1), sync=True, store=Store(base, durability="power"))
    program.writer.flush(5)
    before = signal.signal(signal.SIGALRM, on_alarm)
    monkeypatch.setattr(system.os, name, interrupted)
    try:
        with pytest.raises(TimeoutError, match="own limit"):
            for _ in range(3):
                program.call()
    finally:
        monkeypatch.undo()
        signal.signal(signal.SIGALRM, before)
    program.call("after")
    program.writer.close()
    assert [path.name for path in Path(base).rglob(".tmp-*")] == []
    assert stored_values(base)[-1] == "after"


def test_a_signal_handler_may_call_captured_functions_at_any_moment(base: str) -> None:
    ran = script(
        base,
        """
        import signal
        program = Program(BASE, Settings(keep=2), sync=SYNC)
        inside = []
        def handler(*_):
            if not inside:
                inside.append(1)
                program.call("from the handler")
                inside.pop()
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            program.call("from the program")
        signal.setitimer(signal.ITIMER_REAL, 0)
        program.writer.close(20)
        totals = program.ledger.totals()
        print(totals.calls == totals.captured + sum(totals.skipped.values()), totals.failed)
        """.replace("SYNC", "True"),
    )

    assert ran.stdout.split() == ["True", "{}"], ran.stderr
    assert len(stored_values(base)) == 2


def test_a_reader_in_the_process_waits_only_for_what_is_on_its_way(base: str) -> None:
    program = Program(base, KEEP_ALL)
    own_writes.wait_for_writers()

    program.call(1)
    own_writes.wait_for_writers()
    assert stored_values(base) == [1]

    asked = []
    program.writer.flush = lambda: asked.append(1)
    own_writes.wait_for_writers()
    assert not asked
    program.writer.close()


@pytest.mark.parametrize("keep", [math.inf, 40])
@pytest.mark.parametrize("sync", [False, True])
def test_a_burst_stays_within_the_limit_of_the_store_and_leaves_the_newest(base: str, keep: float, sync: bool) -> None:
    store = Store(base, max_bytes=100_000)
    program = Program(base, Settings(keep=keep), store=store, sync=sync)

    for number in range(100):
        assert program.call(f"{number:2}" * 2500)  # 10,000 bytes: the value is in both parts
    program.writer.close()

    sizes = [path.stat().st_size for path in Path(base).rglob("*.pkl")]
    assert 60_000 < sum(sizes) <= 100_000
    index = Store(base).index(TARGET)
    assert (index.captured, index.failed, index.bytes, index.stored) == (100, {}, sum(sizes), len(sizes))
    if keep == math.inf:
        assert [value[:2] for value in stored_values(base)] == [str(number) for number in range(100)][-len(sizes) :]
