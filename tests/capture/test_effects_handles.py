"""Live objects that are known by the calls made on them, settings of entries, and what a process does with bad ones."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from effects_support import World, captured

SOURCE = """
    import time

    class Session:
        def __init__(self):
            self.stream = (one for one in ())

        def __reduce__(self):
            raise TypeError("a live connection")

        def query(self, sql, timeout=1):
            return [sql]

        def cursor(self):
            return Cursor()

        def itself(self):
            return self

    class Cursor:
        def __init__(self):
            self.rows = (one for one in ())

        def __reduce__(self):
            raise TypeError("a live cursor")

        def fetch(self):
            return 1

    class Service:
        def __init__(self, session):
            self.session = session

        def run(self, function):
            return function(self)

    session = Session()

    def heavy(rows):
        return rows

    def other(x):
        return x

    def use(function):
        return function()

    def lean(function):
        return function()

    def wide(function):
        return function()
"""
CONFIG = """
    dependencies:
      - "world:Session.*"
      - world:Cursor.fetch
      - world:heavy
      - {target: world:Session.query, role: read, exclude: [timeout], repeat: last}
    defaults: {keep: .inf}
    targets:
      - world:Service.run
      - world:use
      - {target: world:lean, dependencies: none}
      - {target: world:wide, dependencies: [world:other]}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with captured(tmp_path, SOURCE, CONFIG) as made:
        yield made


def test_a_call_on_a_placeholder_argument_names_its_path(world: World) -> None:
    m = world.module
    m.Service(m.session).run(lambda service: service.session.query("select", timeout=5))

    tape = world.tape("Service.run")
    assert tape.effects[0].receiver == "self.session"
    assert tape.effects[0].dependency == "world:Session.query"
    assert "self.session" in {note.path for note in tape.header.notes}


def test_a_call_on_a_global_object_has_no_receiver(world: World) -> None:
    world.module.use(lambda: world.module.session.query("select"))
    assert world.tape("use").effects[0].receiver is None


def test_a_result_that_cannot_be_stored_is_a_handle_and_calls_on_it_name_its_effect(world: World) -> None:
    m = world.module
    m.use(lambda: m.session.cursor().fetch() or None)

    first, second = world.tape("use").effects
    assert (first.kept, first.result_type, first.result) == ("handle", "world:Cursor", None)
    assert second.receiver == "effect 0"


def test_a_method_that_returns_its_instance_is_known_as_such(world: World) -> None:
    world.module.use(lambda: world.module.session.itself() and None)
    assert world.tape("use").effects[0].is_argument == "self"


def test_excluded_parameters_are_neither_stored_nor_matched(world: World) -> None:
    query = world.module.session.query
    world.module.use(lambda: (query("a", timeout=1), query("a", timeout=2), query("b", timeout=1)))

    tape = world.tape("use")
    first, second, third = tape.effects
    assert first.key == second.key != third.key
    assert (first.role, first.repeat) == ("read", "last")
    assert b"K\x02" not in (second.call or b"")


def test_none_switches_the_tape_of_a_target_off_and_a_list_adds_to_it(world: World) -> None:
    m = world.module
    for target in (m.lean, m.wide, m.use):
        target(lambda: (m.heavy(1), m.other(2)))

    assert world.tape("lean").header.format == 1
    assert world.tape("wide").names() == ["heavy", "other"]
    assert world.tape("use").names() == ["heavy"]


def test_28_an_exception_of_a_signal_handler_while_effects_are_recorded_reaches_the_program(world: World) -> None:
    class Alarm(Exception):
        pass

    def handler(number: int, frame: object) -> None:
        raise Alarm

    class Slow:
        def __reduce__(self) -> Any:
            os.kill(os.getpid(), signal.SIGUSR1)
            return str, ("x",)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(Alarm):
            world.module.use(lambda: world.module.heavy(Slow()))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not world.tape("use").summary.complete


def test_36_what_recording_costs_is_not_in_the_duration_and_counts_in_the_budget(world: World) -> None:
    m = world.module
    rows = [{"number": number, "name": str(number)} for number in range(2_000)]

    before = world.activation.engine().governor.balance
    began = time.perf_counter()
    m.use(lambda: [m.heavy(rows) for _ in range(30)].clear())
    took = time.perf_counter() - began

    tape = world.tape("use")
    assert tape.header.duration < took / 2
    assert world.activation.engine().governor.balance < before


def test_35_bad_dependencies_leave_capture_off_in_a_live_process_and_say_so_in_one_line(tmp_path: Path) -> None:
    from snapagent.cli import launch

    (tmp_path / "shop.py").write_text("def quote(x):\n    return x\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\ndependencies: [reqests]\ntargets: ['shop:*']\n")
    environ = launch.environment_for(dict(os.environ), on=True)
    command = [sys.executable, "-c", "import shop; print(shop.quote(3))"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)

    assert done.stdout == "3\n"
    (line,) = done.stderr.splitlines()
    assert "capture stays off" in line
    assert "unknown preset 'reqests'" in line


def test_a_process_without_dependencies_imports_nothing_of_them(tmp_path: Path) -> None:
    from snapagent.cli import launch

    (tmp_path / "shop.py").write_text("def quote(x):\n    return x\n")
    (tmp_path / "snapagent.yaml").write_text("version: 1\nbudget: 100%\ntargets: ['shop:*']\n")
    program = """
        import sys, threading, shop
        before = threading.Thread.start
        shop.quote(3)
        from snapagent.capture.activation import current
        current.engine().flush(10)
        print([name for name in sys.modules if "effects" in name or "snapagent.dependencies" in name])
    """
    environ = launch.environment_for(dict(os.environ), on=True)
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_arguments_that_hold_a_live_object_are_stored_with_a_placeholder(world: World) -> None:
    m = world.module
    m.use(lambda: m.heavy([m.session]) and None)
    tape = world.tape("use")
    assert any(note.path == "effects[0].rows[0]" for note in tape.header.notes)
    assert pickle.loads(tape.effects[0].call or b"")[0] is None
