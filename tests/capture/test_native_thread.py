"""The writer's thread has its own stack size, and does not change the size that the program chose for its threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import pickle, threading
from _queue import SimpleQueue
threading.stack_size(128 * 1024)
from snapagent.capture.writing import thread as native_thread

class Link:
    def __init__(self, rest):
        self.rest = rest

done = SimpleQueue()

def chain(length):
    link = None
    for _ in range(length):
        link = Link(link)
    return link

def deep():
    done.put(len(pickle.dumps(chain(150))))
    link = chain(20_000)
    link = None
    done.put("freed")

assert native_thread.start(deep)
print(done.get(timeout=20) > 0, done.get(timeout=20))
print(threading.stack_size())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size that may be chosen differs elsewhere")
def test_a_program_with_small_stacks_gets_a_writer_with_a_large_one_and_keeps_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "freed", str(128 * 1024)], done.stderr


WAITS = """
import os, signal, resource
from _queue import SimpleQueue
from snapagent.capture.writing import thread as native_thread

begin, written = SimpleQueue(), SimpleQueue()

def write():
    begin.get()
    try:
        with open("large", "wb") as file:
            file.write(bytes(1000))
    except OSError:
        written.put("failed")

assert native_thread.start(write)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
print(signal.sigwait([signal.SIGTERM]).name)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
begin.put(None)
print(written.get(timeout=20))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the program waits for a signal as Linux does")
def test_signals_of_the_process_are_left_to_the_threads_of_the_program(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WAITS], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.stdout.split(), done.returncode) == (["SIGTERM", "failed"], 0), done.stderr


INTERRUPTED = """
import random, signal, threading
from snapagent.capture.writing import thread as native_thread

class TimeIsUp(Exception):
    pass

def time_is_up(*_):
    raise TimeIsUp

signal.signal(signal.SIGALRM, time_is_up)
for _ in range(1000):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-6, 8e-5))
        native_thread.start(lambda: None)
        for _ in range(2000):
            pass
        signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeIsUp:
        pass
print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


def test_a_signal_handler_that_raises_while_the_thread_is_started_leaves_no_signal_blocked() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["set()"], done.stderr


INTERPRETERS = """
import threading, time, shop
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def work():
    interpreter = interpreters.create()
    interpreters.run_string(interpreter, "import sys; sys.path.insert(0, '.'); import shop; shop.quote(-1)")
    interpreters.run_string(interpreter, "import time; end = time.time() + 1\\nwhile time.time() < end: len(str(end))")
    interpreters.destroy(interpreter)

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
number = 0
while any(thread.is_alive() for thread in threads):
    number += 1
    shop.quote(number)
    time.sleep(0.05)
print("ended")
"""


@pytest.mark.skipif(
    sys.version_info < (3, 13), reason="3.12.1 crashes at exit when such an interpreter imports hashlib"
)
def test_a_program_with_interpreters_that_have_locks_of_their_own_runs_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("def quote(number): return [number] * 5\n")
    (tmp_path / "program.py").write_text(INTERPRETERS)
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: ['shop:quote']\n")
    command = [sys.executable, "-m", "snapagent", "run", "--on", "--", sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("ended\n", "", 0)
