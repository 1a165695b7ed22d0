"""Python is not asked for the threads of interpreters that have a lock and memory of their own."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from types import FrameType

import pytest

from snapagent.core.threads import idents

PROGRAM = """
import sys, threading, time
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
from snapagent.core.threads import idents

def busy():
    interpreter = interpreters.create()
    interpreters.run_string(interpreter, BUSY)
    interpreters.destroy(interpreter)

BUSY = '''
import sys, time
sys.path[:0] = PATHS
from snapagent.core.threads import idents
assert idents() is None
end = time.monotonic() + 0.5
while time.monotonic() < end:
    [time.monotonic() for _ in range(50)]
'''.replace("PATHS", repr(sys.path))
print(idents() is None)
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads: thread.start()
while any(thread.is_alive() for thread in threads):
    idents()
print(idents() is None)
"""


def test_the_threads_are_those_that_run_python() -> None:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait)
    before = set(idents() or ())
    thread.start()
    try:
        assert set(idents() or ()) - before == {thread.ident}
    finally:
        go_on.set()
        thread.join()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="all interpreters have one lock")
def test_other_interpreters_run_undisturbed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("False\nFalse\n", "", 0)


def test_asking_for_the_threads_keeps_nothing_of_the_program_alive() -> None:
    """The answer comes with the frames of all threads, and a frame keeps its values alive."""

    class Value:
        pass

    ask, asked = threading.Event(), threading.Event()

    def asking() -> None:
        ask.wait(60)
        kept.append(idents())
        asked.set()

    def used() -> weakref.ref[Value]:
        value = Value()
        ask.set()
        assert asked.wait(60)
        kept.append(idents())
        return weakref.ref(value)

    kept: list[object] = []
    thread = threading.Thread(target=asking)
    thread.start()
    gc.collect()
    gc.disable()
    try:
        alive = used()
        thread.join()
        assert len(kept) == 2
        assert alive() is None
        kept.clear()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert [one for one in gc.garbage if type(one) is FrameType] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
