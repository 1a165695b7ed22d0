"""The program's own time limits are told from what objects raise."""

from __future__ import annotations

import functools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from recording import instrumented

from snapagent.core.signals import raised_by_signal_handler


class TimeLimit(Exception):
    pass


def limit(*_: object) -> None:
    raise TimeLimit


class Worker:
    def limit(self, *_: object) -> None:
        raise TimeLimit

    def __call__(self, *_: object) -> None:
        raise TimeLimit


@pytest.fixture
def restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("handler", [limit, Worker().limit, Worker(), functools.partial(limit)])
def test_what_a_signal_handler_raises_is_the_programs(restored: None, handler: Callable[..., None]) -> None:
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    with pytest.raises(TimeLimit) as caught:
        time.sleep(5)
    assert raised_by_signal_handler(caught.value)


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_a_signal_handler_that_is_captured_itself_is_known(restored: None, mode: str) -> None:
    module = sys.modules[__name__]
    with instrumented(module, f"{__name__}:limit", f"{__name__}:Worker.*", f"{__name__}:Worker.__call__", mode=mode):
        for handler in (vars(module)["limit"], Worker().limit, Worker()):
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            with pytest.raises(TimeLimit) as caught:
                time.sleep(5)
            assert raised_by_signal_handler(caught.value)


def test_the_same_exception_raised_by_an_object_is_not(restored: None) -> None:
    signal.signal(signal.SIGALRM, Worker().limit)
    with pytest.raises(TimeLimit) as caught:
        limit()
    assert not raised_by_signal_handler(caught.value)


def test_it_is_told_where_no_file_can_be_opened() -> None:
    """Python has `signal` in a file, and nothing may have imported it when the descriptors run out."""
    code = (
        "import resource, sys; sys.path[:0] = {path!r}\n"
        "from snapagent.core.signals import raised_by_signal_handler\n"
        "sys.modules.pop('signal', None)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\n"
        "print(raised_by_signal_handler(OSError()))"
    )
    ran = subprocess.run([sys.executable, "-c", code.format(path=sys.path)], capture_output=True, text=True)
    assert ran.stdout == "False\n", ran.stderr
