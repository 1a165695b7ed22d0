"""The real recorder, writer and store with real calls, in this process and in forked ones."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from snapagent import install, load_capture, load_captures, uninstall
from snapagent.capture.activation import current
from snapagent.capture.recording import admission, budget
from snapagent.store import Store

SOURCE = '''
def append_to(items, value):
    items.append(value)
    return items

def fail(reason):
    raise ValueError(reason, {"reason": reason})

def countdown(number):
    return number if number == 0 else countdown(number - 1)

def outer(value):
    return inner(value) + 1

def inner(value):
    return value * 2

def add(left, right=1):
    return left + right

def identity(value):
    return value

def log_in(user, password, attempts=3):
    return user

class Asks:
    """An object that calls a target while it is pickled."""

    def __reduce__(self):
        return (str, (str(add(1, 2)),))

def pages(count):
    yield from range(count)

class Drops:
    """An object that ends a captured call while it is pickled, and calls a target then."""

    def __init__(self):
        self.pages = pages(3)
        next(self.pages)

    def __reduce__(self):
        self.pages = None
        return (str, (str(add(1, 2)),))

class Slow:
    pickled = 0

    def __reduce__(self):
        import time
        Slow.pickled += 1
        time.sleep(self.seconds)
        return (str, ("slow",))
'''

Capturing = Callable[..., ModuleType]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "captures")


@pytest.fixture
def capturing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Capturing]:
    """`capturing(quota=2)` imports the sample with all its functions captured under these settings."""

    def start(**settings: Any) -> ModuleType:
        (tmp_path / "sample_calls.py").write_text(SOURCE)
        top = {name: settings.pop(name) for name in ("budget", "sync") if name in settings}
        lines = ["version: 1", *(f"{name}: {value}" for name, value in ({"budget": "100%"} | top).items())]
        lines += ["defaults:", *(f"  {name}: {value}" for name, value in ({"keep": ".inf"} | settings).items())]
        (tmp_path / "snapagent.yaml").write_text("\n".join([*lines, "targets:", '  - "sample_calls:*"']))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.chdir(tmp_path)
        install(enabled=True, config=str(tmp_path / "snapagent.yaml"))
        return importlib.import_module("sample_calls")

    yield start
    uninstall()
    sys.modules.pop("sample_calls", None)


def counts(store: Store, name: str) -> tuple[int, int, dict[str, int], dict[str, int]]:
    index = store.index(f"sample_calls.{name}")
    return index.calls, index.captured, dict(index.skipped), dict(index.failed)


def test_arguments_are_stored_as_they_were_before_the_call(capturing: Capturing, tmp_path: Path) -> None:
    """F34."""
    items = [1]
    assert capturing().append_to(items, 2) is items
    uninstall()
    bundle = load_capture("sample_calls.append_to", base_path=str(tmp_path / "captures"))
    assert bundle.args == ([1], 2)
    assert bundle.result == [1, 2]


def test_a_raised_exception_is_a_bundle_and_reaches_the_caller_untouched(capturing: Capturing, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        capturing().fail("no stock")
    assert caught.value.__context__ is None
    assert [frame.name for frame in caught.traceback][1:] == ["fail"]
    uninstall()
    bundle = load_capture("sample_calls.fail", base_path=str(tmp_path / "captures"))
    assert (bundle.outcome, type(bundle.exception)) == ("raised", ValueError)
    assert bundle.exception is not None
    assert bundle.exception.args == ("no stock", {"reason": "no stock"})


def test_a_call_inside_itself_is_counted_and_not_captured(capturing: Capturing, store: Store) -> None:
    assert capturing().countdown(3) == 0
    uninstall()
    assert counts(store, "countdown") == (4, 1, {"recursive": 3}, {})


def test_different_targets_inside_each_other_are_both_captured(capturing: Capturing, store: Store) -> None:
    assert capturing().outer(2) == 5
    uninstall()
    assert counts(store, "outer")[1] == counts(store, "inner")[1] == 1


def test_a_target_that_our_own_pickling_calls_runs_bare(capturing: Capturing, store: Store) -> None:
    """F25."""
    sample = capturing()
    sample.identity(sample.Asks())
    uninstall()
    calls, captured, skipped, failed = counts(store, "add")
    assert (captured, failed) == (0, {})
    assert skipped == {"reentrant": calls}
    assert calls >= 1


def test_a_captured_call_that_ends_while_another_is_captured_changes_nothing_for_that(
    capturing: Capturing, store: Store
) -> None:
    sample = capturing()
    sample.identity(sample.Drops())
    uninstall()
    assert counts(store, "pages")[:2] == (1, 1)
    calls, _, skipped, _ = counts(store, "add")
    assert skipped == {"reentrant": calls}


@pytest.mark.parametrize("step", ["freeze", "freeze_result", "Recorder.pending_class"])
def test_a_fault_of_ours_is_counted_and_never_reaches_the_caller(
    capturing: Capturing, store: Store, monkeypatch: pytest.MonkeyPatch, step: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sample = capturing()

    def broken(*_: object, **__: object) -> None:
        raise OSError("our own fault")

    monkeypatch.setattr(f"snapagent.capture.recording.recorder.{step}", broken)
    assert sample.add(1, 2) == 3
    with pytest.raises(ValueError) as caught:
        sample.fail("x")
    assert caught.value.__context__ is None
    monkeypatch.undo()
    uninstall()
    assert counts(store, "add") == (1, 0, {}, {"internal_error": 1})
    assert counts(store, "fail") == (1, 0, {}, {"internal_error": 1})
    assert capfd.readouterr().out == ""


class TimeLimit(Exception):
    pass


def on_alarm(*_: object) -> None:
    raise TimeLimit


def test_the_programs_time_limit_passes_through_while_we_serialise(capturing: Capturing, store: Store) -> None:
    sample = capturing()
    slow = sample.Slow()
    slow.seconds = 5
    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(TimeLimit):
            sample.identity(slow)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert sample.identity(1) == 1
    uninstall()
    assert counts(store, "identity") == (2, 1, {}, {"interrupted": 1})


def test_after_a_capture_that_took_too_long_the_next_call_runs_bare(
    capturing: Capturing, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F35."""
    monkeypatch.setattr(admission, "SLOW", 0.05)
    sample = capturing(budget="50%")
    slow = sample.Slow()
    slow.seconds = 0.1
    sample.identity(slow)
    once = sample.Slow.pickled
    sample.identity(slow)
    assert sample.Slow.pickled == once
    uninstall()
    assert counts(store, "identity") == (2, 1, {"too_slow": 1}, {})


def test_exactly_the_quota_is_captured_and_every_call_counted(capturing: Capturing, store: Store) -> None:
    sample = capturing(quota=3)
    for number in range(10):
        sample.add(number)
    uninstall()
    assert counts(store, "add") == (10, 3, {"quota_met": 7}, {})
    assert len(store.entries("sample_calls.add")) == 3


def test_calls_that_were_not_sampled_say_so(capturing: Capturing, store: Store) -> None:
    sample = capturing(sample=0.2)
    for number in range(500):
        sample.add(number)
    uninstall()
    calls, captured, skipped, _failed = counts(store, "add")
    assert calls == 500
    assert captured + skipped["not_sampled"] == 500
    assert 50 < captured < 160


def test_calls_over_the_budget_are_skipped_and_counted(
    capturing: Capturing, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "BURST", 0.0)
    sample = capturing(budget="0.001%")
    for number in range(50):
        sample.add(number)
    uninstall()
    calls, captured, skipped, _failed = counts(store, "add")
    assert (calls, captured) == (50, 1)
    assert skipped == {"over_budget": 49}


def test_the_queue_is_bounded_by_the_memory_that_waiting_calls_take(capturing: Capturing) -> None:
    """A small call is hundreds of bytes of objects for each hundred bytes of pickle."""
    sample = capturing()
    sample.add(0)
    engine = current.engine()
    assert engine is not None and engine.flush(10)
    engine.writer._limit = 1_000_000
    assert engine.writer._rounds.lock.try_acquire(10)
    tracemalloc.start()
    try:
        for number in range(10_000):
            sample.identity({"number": number})
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        engine.writer._rounds.lock.release()
    assert 500_000 < grown < 1_500_000


@pytest.mark.parametrize("sync", ["true", "false"])
def test_forked_children_count_and_capture_their_own_calls(capturing: Capturing, store: Store, sync: str) -> None:
    sample = capturing(sync=sync)
    for number in range(5):
        sample.add(number)
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            try:
                for number in range(20):
                    sample.add(number, child)
                uninstall()
            finally:
                os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    uninstall()
    assert counts(store, "add") == (65, 65, {}, {})
    assert len(store.entries("sample_calls.add")) == 65


def test_after_uninstall_the_functions_are_the_very_originals(capturing: Capturing) -> None:
    sample = capturing()
    wrapped = sample.add
    wrapped(1)
    uninstall()
    assert type(sample.add).__name__ == "function"
    assert sample.add.__code__ is wrapped.__code__
    assert sample.add is not wrapped


def test_a_function_without_calls_leaves_no_folder(capturing: Capturing, tmp_path: Path) -> None:
    capturing().add(1)
    uninstall()
    assert sorted(path.name for path in (tmp_path / "captures").iterdir() if path.name[0] != ".") == [
        "sample_calls.add"
    ]


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_positional_arguments_are_bound_and_redacted_by_parameter_name(
    capturing: Capturing, tmp_path: Path, mode: str
) -> None:
    assert capturing(mode=mode).log_in("ann", "correct horse") == "ann"
    uninstall()
    bundle = load_capture("sample_calls.log_in", base_path=str(tmp_path / "captures"))
    assert list(bundle.arguments) == ["user", "password"]
    assert dict(bundle.metadata["previews"])["attempts"] == "3"
    assert bundle.arguments["password"].startswith("redacted-")


def test_equal_calls_are_separate_bundles_with_one_hash(capturing: Capturing, tmp_path: Path) -> None:
    sample = capturing()
    for _ in range(3):
        sample.add(1, right=2)
    sample.add(left=1, right=2)
    uninstall()
    bundles = load_captures("sample_calls.add", base_path=str(tmp_path / "captures"))
    assert len(bundles) == 4
    assert len({bundle.hash for bundle in bundles}) == 1
