"""What was captured is written before the process ends, as far as there is time; what is lost is counted and said."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from capturing import Program
from storing import TARGET, seal
from test_writer import script, stored_values

from snapagent.config.settings import Settings
from snapagent.config.targets import Target
from snapagent.store import Counts, Store
from snapagent.store.index import UNFINISHED

MANY = [Target("lib", f"f{number}") for number in range(12)]
SLOW = """
def slow(call):
    time.sleep({seconds})
    return seal(call)
"""


@pytest.fixture
def base(tmp_path: Path) -> str:
    return str(tmp_path / "captures")


def slow_script(base: str, text: str, *, seconds: float = 0.1, timeout: float = 40) -> subprocess.CompletedProcess:
    return script(base, SLOW.format(seconds=seconds) + textwrap.dedent(text), timeout=timeout)


def adds_up(counts: Counts) -> bool:
    return counts.calls == counts.captured + sum(counts.skipped.values()) + sum(counts.failed.values())


def test_the_exit_waits_while_calls_are_written(base: str) -> None:
    slow_script(
        base,
        """
        program = Program(BASE, Settings(keep=math.inf), sealing=slow)
        for number in range(30):
            program.call(number)
        """,
    )

    assert stored_values(base) == list(range(30))  # in three seconds
    assert Store(base).index(TARGET).counts == Counts(30, 30)


def test_the_exit_gives_up_when_nothing_is_written_for_two_seconds(base: str) -> None:
    began = time.monotonic()
    ran = slow_script(
        base,
        """
        program = Program(BASE, Settings(keep=math.inf), sealing=slow, exit_wait=30)
        for number in range(3):
            program.call(number)
        """,
        seconds=60,
    )

    assert time.monotonic() - began < 30  # the call takes a minute
    counts = Store(base).index(TARGET).counts
    assert counts == Counts(3, 0, {}, {"lost_at_exit": 3})
    assert ran.stderr.count("3 captured calls were not written in time") == 1
    assert "exit_wait" in ran.stderr


def test_each_function_gets_its_first_bundle_before_any_gets_its_second(base: str) -> None:
    slow_script(
        base,
        """
        targets = tuple(Target("lib", f"f{number}") for number in range(12))
        program = Program(BASE, Settings(keep=math.inf), targets=targets, sealing=slow, exit_wait=2.5)
        for number in range(40):
            program.call(number, target=targets[0])
        time.sleep(0.6)  # the thread has begun with what is queued
        for target in targets[1:]:
            for number in range(20):
                program.call(number, target=target)
        """,
    )

    store = Store(base)
    stored = {target: len(store.entries(target)) for target in MANY}
    assert min(stored.values()) >= 1
    for target in MANY:
        counts = store.index(target).counts
        assert adds_up(counts) and counts.calls == (40 if target == MANY[0] else 20)
    assert sum(store.index(target).failed.get("lost_at_exit", 0) for target in MANY) > 100


def test_the_first_bundles_of_small_calls_are_written_before_those_of_large_ones(base: str) -> None:
    sealed: list[Target] = []

    def sealing(call):
        sealed.append(call.target)
        return seal(call)

    program = Program(base, Settings(keep=math.inf), targets=tuple(MANY), sealing=sealing)
    with program.writer._rounds.lock:  # the writer's thread waits
        for number, target in enumerate(MANY):
            assert program.call(number, target=target, size=1000 * (len(MANY) - number))
        assert program.call("a second one", target=MANY[-1])
    assert program.writer.flush(10)
    program.writer.close()

    assert sealed == [*reversed(MANY), MANY[-1]]


def test_counts_that_were_saved_before_the_last_bundles_are_in_the_index_at_the_end(base: str) -> None:
    first, second = MANY[:2]
    program = Program(base, targets=(first, second))
    program.call(1, target=first)
    assert program.writer.flush(10)
    program.ledgers[first].count_skipped("not_sampled")
    program.call(2, target=second)
    program.writer.close()

    store = Store(base)
    for target, calls in ((first, 2), (second, 1)):
        index = json.loads(Path(store.folder(target), "index.json").read_text())
        assert (index["calls"], index["captured"]) == (calls, 1)


def test_what_is_lost_is_given_back_to_the_quota(base: str) -> None:
    def run(wait: float) -> None:
        slow_script(
            base,
            f"""
            program = Program(BASE, Settings(keep=math.inf, quota=20), sealing=slow, exit_wait={wait})
            for number in range(50):
                program.call(number)
            """,
        )

    run(1)
    first = Store(base).index(TARGET)
    assert adds_up(first.counts)
    assert 0 < first.captured < 20 and first.failed["lost_at_exit"] == 20 - first.captured

    run(30)
    assert Store(base).index(TARGET).captured == len(stored_values(base)) == 20


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_the_counts_of_a_killed_process_add_up_and_lack_half_a_second(base: str, end: str) -> None:
    slow_script(
        base,
        f"""
        program = Program(BASE, Settings(keep=math.inf), sealing=slow)
        for number in range(100):
            program.call(number)
        time.sleep(2.5)
        {end}
        """,
    )

    index = Store(base).index(TARGET)
    assert index.calls == 100 and adds_up(index.counts)
    assert index.captured == len(stored_values(base)) > 0
    assert index.skipped == {UNFINISHED: 100 - index.captured}


def test_the_next_process_does_not_count_calls_of_a_killed_one_twice(base: str) -> None:
    for end in ("time.sleep(2); os._exit(0)", ""):
        slow_script(
            base,
            f"""
            program = Program(BASE, Settings(keep=math.inf), sealing=slow)
            for number in range(20):
                program.call(number)
            {end}
            """,
        )

    index = Store(base).index(TARGET)
    assert index.calls == 40 and adds_up(index.counts)


def test_the_index_is_at_most_a_second_behind_while_the_writer_is(base: str) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", HEADER.format(base=base) + SLOW.format(seconds=0.2) + BEHIND], env=environment()
    )
    try:
        until = time.monotonic() + 25  # the writer needs 40 seconds for all calls
        index = Store(base).index(TARGET)
        while time.monotonic() < until and (index.calls < 200 or index.captured < 5):
            time.sleep(0.2)
            index = Store(base).index(TARGET)
        assert index.calls == 200 and adds_up(index.counts)
        assert 5 <= index.captured < 200
        assert index.skipped == {UNFINISHED: 200 - index.captured}
    finally:
        program.kill()
        program.wait()


HEADER = """
import math, os, sys, time
from capturing import *
from storing import *
BASE = {base!r}
"""
BEHIND = """
program = Program(BASE, Settings(keep=math.inf), sealing=slow)
for number in range(200):
    program.call(number)
time.sleep(30)
"""


def environment() -> dict[str, str]:
    root = Path(__file__).resolve().parents[2]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "tests" / "support"), str(root)])}


def test_a_child_of_multiprocessing_waits_too(base: str) -> None:
    slow_script(
        base,
        """
        import multiprocessing
        program = Program(BASE, Settings(keep=math.inf), sealing=slow)
        def work():
            for number in range(30):
                program.call(number)
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
        print(child.exitcode)
        """,
    )

    assert Store(base).index(TARGET).counts == Counts(30, 30)


def test_a_call_that_a_forked_child_finishes_is_counted_by_both(base: str) -> None:
    """The child returns from a call that its parent admitted."""
    script(
        base,
        """
        program = Program(BASE, Settings(keep=math.inf))
        recorder = program.recorders[TARGET]
        recorder.admit()
        child = os.fork()
        program.writer.submit(Call(TARGET, program.settings, time.time(), child, None, 100))
        if child:
            os.waitpid(child, 0)
        """,
    )

    index = Store(base).index(TARGET)
    assert index.captured == 2 and adds_up(index.counts)


HANGING = """
import os, time
from snapagent.core import system
is_hanging = []
def hang(name):
    real = getattr(os, name)
    def hanging(*args, **kwargs):
        if is_hanging:
            time.sleep(60)
        return real(*args, **kwargs)
    for module in (os, system.os):
        setattr(module, name, hanging)
for name in ("open", "link", "rename", "replace", "write", "stat", "lstat", "unlink", "mkdir", "scandir", "listdir"):
    hang(name)
import lib
lib.work(0)
time.sleep(1)  # the process has reported itself
for number in range(20):
    lib.work(number)
is_hanging.append(True)
"""


@pytest.mark.parametrize("wait", ["1s", "20s"])
def test_a_disk_that_hangs_does_not_hold_the_exit(tmp_path: Path, wait: str) -> None:
    (tmp_path / "lib.py").write_text("def work(x): return x\n")
    (tmp_path / "app.py").write_text(HANGING)
    (tmp_path / "snapagent.yaml").write_text(
        f"version: 1\nexit_wait: {wait}\nbudget: 100%\ndefaults: {{keep: .inf}}\ntargets: ['lib:work']\n"
    )
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "app.py"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=50,
    )

    assert ran.returncode == 0, ran.stderr
    assert time.monotonic() - began < 40  # each operation takes a minute


FORKS_IN_A_THREAD = """
import os, sys, threading, lib
def worker():
    pid = os.fork()
    if pid == 0:
        lib.work(1)
        {end}
    print("ended", os.waitpid(pid, 0)[1], flush=True)
thread = threading.Thread(target=worker)
thread.start()
thread.join()
"""


@pytest.mark.parametrize("sync", ["true", "false"])
@pytest.mark.parametrize("end", ["return", "sys.exit(3)"])
def test_a_child_forked_in_a_thread_ends_with_its_last_thread(tmp_path: Path, end: str, sync: str) -> None:
    (tmp_path / "lib.py").write_text("def work(x): return x\n")
    (tmp_path / "app.py").write_text(FORKS_IN_A_THREAD.format(end=end))
    (tmp_path / "snapagent.yaml").write_text(f"version: 1\nsync: {sync}\ntargets: ['lib:work']\n")
    command = [sys.executable, "-W", "ignore", "app.py"]
    bare = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, timeout=20)
    ran = subprocess.run(
        [sys.executable, "-m", "snapagent", "run", "--on", "--", *command],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=20,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (bare.returncode, bare.stdout, bare.stderr)
    assert Store(str(tmp_path / "captures")).index("lib.work").counts == Counts(1, 1)


INTERRUPTED = """
import lib
lib.work(1)
raise KeyboardInterrupt
"""


@pytest.mark.parametrize("how", [["app.py"], ["-m", "app"], ["-c", INTERRUPTED]], ids=["script", "module", "code"])
def test_an_uncaught_interrupt_ends_with_the_same_status(tmp_path: Path, how: list[str]) -> None:
    """Evaluating source text at exit would make it 1: named tuples and dataclasses do so while they are defined."""
    (tmp_path / "lib.py").write_text("import json\ndef work(x): return x\n")
    (tmp_path / "app.py").write_text(INTERRUPTED)
    (tmp_path / "snapagent.yaml").write_text("version: 1\nbudget: 100%\ntargets: ['lib:work']\n")
    command = [sys.executable, *how]
    bare = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, timeout=20)
    codes = [
        subprocess.run(
            [sys.executable, "-m", "snapagent", "run", "--on", "--", *command],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            timeout=20,
        ).returncode
        for _ in range(3)
    ]

    assert codes == [bare.returncode] * 3
    assert Store(str(tmp_path / "captures")).index("lib.work").captured == 3


def test_a_call_that_takes_long_to_seal_is_no_reason_to_give_up_the_others(base: str) -> None:
    slow_script(
        base,
        """
        def large(call):
            if call.value == 0:
                began = time.monotonic()
                while time.monotonic() - began < 3:
                    sum(range(1000))
            return seal(call)
        program = Program(BASE, Settings(keep=math.inf), sealing=large)
        for number in range(5):
            program.call(number)
        """,
    )

    assert Store(base).index(TARGET).counts == Counts(5, 5)
