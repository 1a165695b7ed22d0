"""The writer over the life of processes: forks, children of multiprocessing, exits of every kind."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from capturing import Program
from storing import TARGET
from test_writer import script, stored_values

from snapagent.config.settings import Settings
from snapagent.store import Counts, Store

THOROUGH = bool(os.environ.get("SNAPAGENT_THOROUGH"))
PROCESSES, CALLS = (8, 500) if THOROUGH else (8, 60)


@pytest.fixture
def base(tmp_path: Path) -> str:
    return str(tmp_path / "captures")


def run_children(base: str, settings: str, method: str, *, sync: bool = False, calls: int = CALLS) -> str:
    """Processes that each make so many calls and end normally; what they printed."""
    ran = script(
        base,
        f"""
        import multiprocessing
        import capturing_child
        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            work = ({base!r}, Settings({settings}), {sync}, {calls})
            children = [context.Process(target=capturing_child.run, args=work) for _ in range({PROCESSES})]
            for child in children: child.start()
            for child in children: child.join()
            print(*(child.exitcode for child in children))
        """,
        timeout=60,
    )
    assert ran.stdout.split() == ["0"] * PROCESSES, ran.stderr
    return ran.stderr


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_many_processes_count_exactly_and_keep_exactly_the_newest_two(base: str, method: str) -> None:
    run_children(base, "keep=2", method)

    assert Store(base).index(TARGET).counts == Counts(PROCESSES * CALLS, PROCESSES * CALLS)
    assert len(stored_values(base)) == 2
    assert list(Store(base).verify()) == []


@pytest.mark.parametrize("sync", [False, True])
def test_many_processes_lose_nothing_where_everything_is_kept(base: str, sync: bool) -> None:
    run_children(base, "keep=math.inf", "fork", sync=sync)

    index = Store(base).index(TARGET)
    assert index.counts == Counts(PROCESSES * CALLS, PROCESSES * CALLS)
    assert sorted(stored_values(base)) == sorted(list(range(CALLS)) * PROCESSES)


def test_a_forked_child_writes_its_own_calls_and_none_of_its_parents(base: str) -> None:
    program = Program(base, Settings(keep=math.inf))
    program.writer.flush(10)
    program.call("parent's, queued when it forks")
    child = os.fork()
    if child == 0:
        program.call("child's")
        program.writer.close(20)
        os._exit(0)
    os.waitpid(child, 0)
    program.call("parent's, later")
    program.writer.close(20)

    assert sorted(stored_values(base)) == ["child's", "parent's, later", "parent's, queued when it forks"]
    assert Store(base).index(TARGET).counts == Counts(3, 3)
    assert len({entry.token for entry in Store(base).entries(TARGET)}) == 2


def test_forks_under_load_end_normally(base: str) -> None:
    ran = script(
        base,
        """
        import signal, threading
        program = Program(BASE, Settings(keep=math.inf))
        done = []
        def load():
            while not done:
                program.call("load")
                time.sleep(0.0005)
        threads = [threading.Thread(target=load) for _ in range(2)]
        for thread in threads: thread.start()
        codes = []
        for _ in range(10):
            child = os.fork()
            if child == 0:
                signal.alarm(10)
                for _ in range(3): program.call("child")
                program.writer.close(5)
                os._exit(0)
            codes.append(os.waitpid(child, 0)[1])
        done.append(1)
        for thread in threads: thread.join()
        program.writer.close(20)
        print(*codes)
        """,
        timeout=60,
    )

    assert ran.stdout.split() == ["0"] * 10, ran.stderr
    assert stored_values(base).count("child") == 30
    index = Store(base).index(TARGET)
    assert index.calls == index.captured == len(stored_values(base))


def test_a_preloaded_server_captures_in_its_workers(base: str) -> None:
    """The agent is set up in the master, calls come in forked workers that end by `sys.exit`."""
    ran = script(
        base,
        """
        program = Program(BASE, Settings(keep=math.inf))
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                program.call(number)
                sys.exit(0)
            children.append(child)
        print(*(os.waitpid(child, 0)[1] for child in children))
        """,
    )

    assert ran.stdout.split() == ["0", "0", "0"], ran.stderr
    assert sorted(stored_values(base)) == [0, 1, 2]
    assert Store(base).index(TARGET).counts == Counts(3, 3)


@pytest.mark.parametrize(
    "end",
    [
        "",
        "sys.exit(3)",
        "raise ValueError",
        "import signal, time; time.sleep(0.5); os.kill(os.getpid(), signal.SIGINT)",
    ],
)
def test_an_exit_of_any_normal_kind_loses_nothing(base: str, end: str) -> None:
    ran = script(
        base,
        f"""
        program = Program(BASE, Settings(keep=math.inf))
        for number in range(20):
            program.call(number)
        {end}
        """,
    )

    bare = subprocess.run([sys.executable, "-c", f"import os, sys\n{end}"], capture_output=True)
    assert ran.returncode == bare.returncode
    assert stored_values(base) == list(range(20))
    assert Store(base).index(TARGET).counts == Counts(20, 20)


def test_os_exit_loses_at_most_the_last_half_second(base: str) -> None:
    script(
        base,
        """
        program = Program(BASE, Settings(keep=math.inf))
        program.call("long ago")
        time.sleep(0.5)
        program.call("just now")
        os._exit(0)
        """,
    )

    assert stored_values(base)[0] == "long ago"


def test_exit_waits_for_a_slow_disk_no_longer_than_its_deadline(base: str) -> None:
    began = time.monotonic()
    ran = script(
        base,
        """
        def slow(call):
            time.sleep(0.2)
            return seal(call)
        program = Program(BASE, Settings(keep=math.inf), sealing=slow, exit_wait=2)
        for number in range(100):
            program.call(number)
        """,
    )
    took = time.monotonic() - began

    assert ran.returncode == 0 and took < 12  # all of them take 20 s
    index = Store(base).index(TARGET)
    assert (index.calls, index.captured + index.failed["lost_at_exit"]) == (100, 100)
    assert 3 <= index.captured == len(stored_values(base)) <= 10
    assert ran.stderr.count("captured calls were not written in time") == 1


def test_calls_are_counted_though_the_disk_hangs_at_the_exit(base: str) -> None:
    script(
        base,
        """
        def hanging(call):
            time.sleep(0.1 if call.value > 496 else 60)
            return seal(call)
        program = Program(BASE, Settings(keep=math.inf), sealing=hanging)
        for number in range(500):
            program.call(number)
        """,
    )

    assert Store(base).index(TARGET).calls == 500


TEARDOWN = """
import atexit
from capturing import *
from storing import *
class Late:
    def __del__(self):
        self.program.call("at teardown")
late = Late()
late.program = Program(BASE, Settings(keep=math.inf))
atexit.register(late.program.call, "at exit")
{first}
sys.late = late
"""


@pytest.mark.parametrize("first", ["", "late.program.call('first')"], ids=["never started", "running"])
def test_nothing_starts_or_hangs_after_shutdown_has_begun(base: str, first: str) -> None:
    ran = script(base, TEARDOWN.format(first=first))

    assert ran.returncode == 0 and ran.stderr == ""
    assert stored_values(base) == (["first"] if first else []) + ["at exit"]


def test_a_writer_thread_keeps_no_process_alive(base: str) -> None:
    ran = script(
        base,
        """
        program = Program(BASE)
        program.call()
        program.writer.flush(5)
        import atexit
        atexit.register(lambda: print("exiting"))
        """,
    )

    assert ran.stdout == "exiting\n" and ran.returncode == 0


def test_no_signal_handler_is_installed(base: str) -> None:
    ran = script(
        base,
        """
        import signal
        before = [signal.getsignal(number) for number in signal.valid_signals()]
        program = Program(BASE)
        program.call()
        program.writer.close()
        print(before == [signal.getsignal(number) for number in signal.valid_signals()])
        """,
    )

    assert ran.stdout == "True\n"


def test_the_hook_in_a_forked_child_logs_nothing(base: str) -> None:
    """A logging handler whose lock another thread holds at the fork would never be freed in the child."""
    ran = script(
        base,
        """
        import logging, signal, threading
        class Held(logging.Handler):
            def emit(self, record): pass
        handler = Held()
        logging.getLogger().addHandler(handler)
        program = Program(BASE, Settings(keep=math.inf))
        program.call(1)
        holding = threading.Event()
        def hold():
            handler.lock = threading.Lock()  # not re-created at a fork, as those of some handlers are not
            with handler.lock:
                holding.set()
                time.sleep(3)
        threading.Thread(target=hold, daemon=True).start()
        holding.wait()
        child = os.fork()
        if child == 0:
            signal.alarm(2)
            program.call(2)
            program.writer.close(1.5)
            os._exit(0)
        print(os.waitpid(child, 0)[1])
        """,
    )

    assert ran.stdout == "0\n", ran.stderr
    assert sorted(stored_values(base)) == [1, 2]


def test_under_gevent_calls_are_written_while_the_hub_is_busy(base: str) -> None:
    pytest.importorskip("gevent")
    ran = script(
        base,
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent
        program = Program(BASE, Settings(keep=math.inf))
        def work(number):
            program.call(number)
            gevent.sleep(0.01)
        gevent.joinall([gevent.spawn(work, number) for number in range(20)])
        until = time.perf_counter() + 1.0
        while time.perf_counter() < until:  # the hub gets no turn
            pass
        print(len(program.store.entries(TARGET)))
        """,
    )

    assert ran.stdout == "20\n", ran.stderr
    assert Store(base).index(TARGET).counts == Counts(20, 20)


def test_a_worker_pool_that_is_closed_loses_nothing(base: str) -> None:
    ran = script(
        base,
        f"""
        import concurrent.futures, multiprocessing
        import capturing_child
        if __name__ == "__main__":
            with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
                list(pool.map(capturing_child.work, [{base!r}] * 10, range(10)))
            print("done")
        """,
    )

    assert ran.stdout == "done\n", ran.stderr
    assert sorted(stored_values(base)) == list(range(10))
    assert Store(base).index(TARGET).counts == Counts(10, 10)


def test_children_and_pools_of_billiard_lose_nothing(base: str) -> None:
    """As Celery starts its workers."""
    pytest.importorskip("billiard")
    ran = script(
        base,
        f"""
        import billiard
        import capturing_child
        if __name__ == "__main__":
            children = [billiard.Process(target=capturing_child.work, args=({base!r}, number)) for number in range(3)]
            for child in children: child.start()
            for child in children: child.join()
            pool = billiard.Pool(2)
            pool.starmap(capturing_child.work, [({base!r}, number) for number in range(3, 10)])
            pool.close()
            pool.join()
            print(*(child.exitcode for child in children))
        """,
    )

    assert ran.stdout.split() == ["0", "0", "0"], ran.stderr
    assert sorted(stored_values(base)) == list(range(10))
    assert Store(base).index(TARGET).counts == Counts(10, 10)


def test_under_eventlet_calls_are_written_while_the_hub_is_busy(base: str) -> None:
    pytest.importorskip("eventlet")
    ran = script(
        base,
        """
        import warnings
        warnings.simplefilter("ignore")
        import eventlet
        eventlet.monkey_patch()
        program = Program(BASE, Settings(keep=math.inf))
        def work(number):
            program.call(number)
            eventlet.sleep(0.01)
        pool = eventlet.GreenPool()
        for number in range(20): pool.spawn_n(work, number)
        pool.waitall()
        until = time.perf_counter() + 1.0
        while time.perf_counter() < until:  # the hub gets no turn
            pass
        print(len(program.store.entries(TARGET)))
        """,
    )

    assert ran.stdout == "20\n", ran.stderr
    assert Store(base).index(TARGET).counts == Counts(20, 20)


def test_a_program_without_threads_of_its_own_forks_without_a_warning(base: str) -> None:
    """Since Python 3.12 `os.fork` warns where there are others."""
    ran = script(
        base,
        """
        import warnings
        program = Program(BASE, Settings(keep=math.inf))
        program.call(1)
        program.writer.flush(10)
        time.sleep(0.2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pid = os.fork()
            if pid == 0:
                os._exit(0)
        os.waitpid(pid, 0)
        program.call(2)
        print(len(caught), program.writer.flush(10))
        """,
    )
    assert ran.stdout.split() == ["0", "True"], ran.stderr
    assert stored_values(base) == [1, 2]


def test_the_idle_thread_ends_for_a_fork_and_another_one_goes_on(base: str) -> None:
    ran = script(
        base,
        """
        from snapagent.capture.writing import process_life
        program = Program(BASE, Settings(keep=math.inf))
        for number in range(3):
            program.call(number)
            program.writer.flush(10)
            time.sleep(0.2)
            process_life._leave_all()
            print(len(os.listdir("/proc/self/task")))
        program.call(3)
        print(program.writer.flush(10))
        """,
    )
    assert ran.stdout.split() == ["1", "1", "1", "True"], ran.stderr
    assert stored_values(base) == [0, 1, 2, 3]


def test_a_child_that_a_signal_handler_forks_while_the_caller_prunes_ends_as_it_says(base: str) -> None:
    ran = script(
        base,
        """
        import signal, warnings
        from snapagent.core import system
        warnings.simplefilter("ignore")  # Python's own about a fork beside threads: this one cannot end meanwhile
        parent, unlink, statuses = os.getpid(), os.unlink, []

        def fork(*_):
            child = os.fork()
            if not child:
                program.call("of the child")
                sys.exit(4)
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        def interrupted_unlink(*args, **options):
            system.os.unlink = unlink
            os.kill(os.getpid(), signal.SIGUSR1)
            unlink(*args, **options)

        signal.signal(signal.SIGUSR1, fork)
        program = Program(BASE, Settings(keep=1), sync=True)
        program.call(1)
        system.os.unlink = interrupted_unlink
        program.call(2)
        program.writer.close()
        print(os.getpid() == parent, statuses)
        """,
    )
    assert (ran.stdout, ran.stderr) == ("True [4]\n", "")
