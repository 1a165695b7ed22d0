"""A function that is wrapped and never called has no recorder; its first call makes one, and is recorded by it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from capturing import Program
from storing import TARGET

from snapagent.capture.recording.lazy_recorder import LazyRecorder
from snapagent.capture.recording.recorder import Recorder
from snapagent.config.settings import Settings
from snapagent.config.targets import Target


def price(amount: int, /, *, rate: int = 2) -> int:
    return amount * rate


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "captures", sync=True)


def lazy_recorder(make: Callable[..., Any], function: Any = price) -> LazyRecorder:
    return LazyRecorder(make, TARGET, function, "function", Settings())


def test_the_first_call_makes_the_recorder_and_is_counted_by_it(program: Program) -> None:
    made: list[tuple[Any, ...]] = []

    def make(*arguments: Any) -> Recorder:
        made.append(arguments)
        return program.recorders[TARGET]

    lazy = lazy_recorder(make)
    assert not made

    assert [lazy.admit(), lazy.admit(), lazy.admit()] == [True, True, True]

    assert made == [(TARGET, price, "function", "plain", Settings())]
    assert program.ledgers[TARGET].admitted == 3
    assert lazy.admit.__code__ is program.recorders[TARGET].admit.__code__


def test_other_parts_of_it_are_those_of_the_recorder_also_before_a_call(program: Program) -> None:
    lazy = lazy_recorder(lambda *_: program.recorders[TARGET])

    assert lazy.flavor == "plain"
    assert lazy.begin == program.recorders[TARGET].begin
    lazy.flavor = "coroutine"
    assert program.recorders[TARGET].flavor == lazy.flavor == "coroutine"


def test_threads_whose_first_calls_meet_are_all_counted(program: Program) -> None:
    together = threading.Barrier(4)

    def make(*_: Any) -> Recorder:
        together.wait(10)
        return program.recorders[TARGET]

    lazy = lazy_recorder(make)
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(lazy.admit())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [True] * 4
    assert program.ledgers[TARGET].admitted == 4


def test_a_recorder_that_cannot_be_made_leaves_the_call_alone_and_the_next_call_tries_again(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Any] = [OSError(5, "the disk"), program.recorders[TARGET]]

    def make(*_: Any) -> Recorder:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lazy = lazy_recorder(make)

    assert [lazy.admit(), lazy.admit()] == [False, True]
    assert "OSError" in caplog.text and "the disk" not in caplog.text


def test_what_a_signal_handler_raises_meanwhile_is_the_programs_own() -> None:
    def expire(*_: Any) -> None:
        raise TimeoutError("the program's time limit")

    def make(*_: Any) -> Recorder:
        os.kill(os.getpid(), signal.SIGUSR1)
        raise AssertionError("the handler runs first")

    before = signal.signal(signal.SIGUSR1, expire)
    try:
        with pytest.raises(TimeoutError):
            lazy_recorder(make).admit()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_it_keeps_the_parameters_that_the_function_had_when_it_was_wrapped(program: Program) -> None:
    functions: list[Any] = []

    def make(target: Target, function: Any, *_: Any) -> Recorder:
        functions.append(function)
        return program.recorders[TARGET]

    function = type(price)(price.__code__, globals(), "price")
    function.__kwdefaults__ = {"rate": 3}
    lazy = lazy_recorder(make, function)
    function.__code__ = (lambda *args, **kwargs: None).__code__  # as capture in place does
    lazy.admit()

    assert functions[0].__code__ is price.__code__
    assert functions[0].__kwdefaults__ == {"rate": 3}


def test_a_call_in_the_middle_of_the_first_one_is_counted_too(tmp_path: Path) -> None:
    """An audit hook of the program runs wherever a function gets other code."""
    (tmp_path / "shop.py").write_text("def quote(x):\n    return x * 2\n\ndef other(x):\n    return x\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\nbudget: 100%\nsync: true\ntargets: ['shop:*']\n")
    code = """if True:
        import sys
        from snapagent import install
        from snapagent.capture.activation import current
        install()
        import shop
        engine = current.engine()
        print(len(engine.wrapped), len(engine.recorders()))
        def hook(event, arguments):
            if event == "object.__setattr__" and arguments[1] in ("__code__", "__defaults__", "__kwdefaults__"):
                seen.append(shop.quote(len(seen)))
        seen = []
        sys.addaudithook(hook)
        print(shop.quote(21))
        (recorder,) = engine.recorders()
        print(len(seen) > 0, recorder.ledger.totals().calls == 1 + len(seen), len(engine.wrapped))
    """
    environ = {**os.environ, "SNAPAGENT_CAPTURE_ENABLED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "2 0\n42\nTrue True 2\n", done.stderr
