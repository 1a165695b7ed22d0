"""The writer's thread has its own stack size, and does not change the size that the program chose for its threads."""

from __future__ import annotations

import subprocess
import sys

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
