"""`snapagent init --watch`: proposals from one run of the program, which goes as it always does."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from snapagent.capture.watching import samples
from snapagent.capture.watching.journal import Journal
from snapagent.capture.watching.watcher import Watcher
from snapagent.capture.writing import process_life
from snapagent.cli import main
from snapagent.cli.commands import init
from snapagent.cli.source import watched
from snapagent.cli.watch import WatchedRun
from snapagent.config.reading import Config, parse_config
from snapagent.dependencies.call_points import CallPoints
from snapagent.serializer.freezing.byte_limit import TooSlow

SHOP = """
import datetime
import random
import sqlite3
import uuid


def quote(rows, country="DE", *more, express=False, **options):
    return {"total": sum(rows), "country": country}


def items(count):
    yield from range(count)


async def fetched(key):
    return [key]


def number():
    return uuid.uuid4().hex


def stamped(value):
    return (value, [datetime.datetime.now() for _ in range(2)])


def fails(text):
    raise ValueError(text)


def log(text):
    print("logged", text)


def at_import(value):
    return value


TABLE = at_import({})


def never_called(value):
    return value


def create_app():
    return object()


class Orders:
    def __init__(self):
        self.connection = sqlite3.connect(":memory:")

    def place(self, request, client):
        self.connection.execute("SELECT 1")
        return (request, client)
"""
DRIVE = """
import asyncio
import multiprocessing
import sys
import threading

import shop


def of_the_script():
    return 1


def work(n):
    return shop.quote([n])


if __name__ == "__main__":
    for n in range(5):
        shop.quote([n], "AT", 1, express=True, colour="red")
    threads = [threading.Thread(target=lambda: [shop.quote([1]) for _ in range(50)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.map(work, range(3))
        pool.close()
        pool.join()
    list(shop.items(3))
    asyncio.run(shop.fetched("a"))
    shop.number()
    shop.stamped(1)
    shop.log("x")
    shop.create_app()
    shop.Orders().place("plain text", "another text")
    of_the_script()
    try:
        shop.fails("no")
    except ValueError:
        pass
    print("done", *sys.argv[1:])
    sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "drive.py").write_text(DRIVE)
    return tmp_path


def snapagent(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snapagent", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)


def proposed(project: Path) -> Config:
    return parse_config((project / "snapagent.yaml").read_text(), "snapagent.yaml")


@pytest.fixture
def watched_run(project: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    return snapagent(project, "init", "--watch", "--", sys.executable, "drive.py", "0"), project


def test_the_called_functions_are_the_targets_and_check_finds_them(watched_run):
    done, project = watched_run

    config = proposed(project)
    names = {str(rule.pattern) for rule in config.rules}
    assert names == {
        *(f"shop:{name}" for name in ("quote", "items", "fetched", "number", "stamped", "fails")),
        "shop:Orders.place",
    }
    assert [rule.preset for rule in config.dependencies] == ["sqlite3", "clock", "uuid"]
    assert done.returncode == 0
    assert snapagent(project, "check").returncode == 0


def test_only_live_values_are_excluded_whatever_the_parameters_are_called(watched_run):
    _, project = watched_run

    excluded = {str(rule.pattern): rule.settings.exclude for rule in proposed(project).rules}
    assert excluded.pop("shop:Orders.place") == ("self.connection",)
    assert set(excluded.values()) == {()}


def test_the_comments_say_what_was_seen_in_all_threads_and_processes(watched_run):
    done, project = watched_run

    text = (project / "snapagent.yaml").read_text()
    assert "# called 108 times; returns dict; its arguments can be stored\n  - shop:quote" in text
    assert "yields items" in text
    assert "no call has returned" in text
    assert "a connection to a database" in text.replace("\n  # ", " ")
    assert "# - shop:at_import" in text
    assert "# - shop:create_app" in text and "# - shop:log    # it returns nothing\n" in text
    assert "never_called" not in text
    assert "of_the_script" in done.stderr and "main script" in done.stderr


def test_the_program_prints_and_exits_as_without_it(project):
    plain = subprocess.run([sys.executable, "drive.py", "7"], cwd=project, capture_output=True, text=True, check=False)
    done = snapagent(project, "init", "--watch", "--", sys.executable, "drive.py", "7")

    assert done.returncode == plain.returncode == 7
    assert done.stdout == plain.stdout + "wrote snapagent.yaml\n"
    assert plain.stderr == ""
    assert all(line.startswith("snapagent: ") for line in done.stderr.splitlines())
    assert not (project / "captures").exists()


def test_the_programs_own_sitecustomize_runs_once(project):
    (project / "sitecustomize.py").write_text("print('customized', __name__)\n")
    environment = {**os.environ, "PYTHONPATH": str(project)}
    command = [sys.executable, "-m", "snapagent", "init", "--watch", "--force", "--", sys.executable, "drive.py", "0"]

    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=environment)

    # once in the command itself, once in the program
    assert done.stdout.count("customized sitecustomize") == 2
    assert proposed(project).rules


def test_a_server_that_is_stopped_leaves_what_it_has_called(project):
    (project / "serve.py").write_text("import shop, time\nshop.quote([1])\nprint('up', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "snapagent", "init", "--watch", "--", sys.executable, "serve.py"]
    running = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stdout.readline() == "up\n"
    time.sleep(0.1)

    running.send_signal(signal.SIGTERM)

    assert running.wait(timeout=30) == 128 + signal.SIGTERM
    running.stdout.close()
    assert [str(rule.pattern) for rule in proposed(project).rules] == ["shop:quote"]


def test_an_existing_file_stops_it_before_the_program_runs(project):
    (project / "snapagent.yaml").write_text("mine")

    done = snapagent(project, "init", "--watch", "--", sys.executable, "drive.py", "0")

    assert done.returncode == 1
    assert "done" not in done.stdout
    assert (project / "snapagent.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--watch"], "needs the command"), (["--", "python"], "--watch"), (["--watch", "--", "no-such-program"], "run")],
)
def test_a_command_and_the_option_go_together(project, words, said):
    done = snapagent(project, "init", *words)

    assert done.returncode == 2
    assert said in done.stderr
    assert not (project / "snapagent.yaml").exists()


def test_an_installed_package_is_watched_by_name(project):
    (project / "script.py").write_text("import click\nclick.unstyle('x')\n")

    done = snapagent(project, "init", "--watch", "--package", "click", "--", sys.executable, "script.py")

    assert done.returncode == 0
    assert "click.termui:unstyle" in {str(rule.pattern) for rule in proposed(project).rules}
    assert snapagent(project, "check").returncode == 0


def test_a_result_that_could_not_be_tried_is_not_taken_for_one_that_can_be_stored(monkeypatch) -> None:
    from snapagent.capture.watching import watcher

    written: list[dict[str, object]] = []
    watch = watcher.Watcher.__new__(watcher.Watcher)
    watch._journal = SimpleNamespace(write=written.append)  # type: ignore[assignment]

    def too_slow(value: object) -> list[list[str]]:
        raise TimeoutError

    monkeypatch.setattr(watcher, "result_lacking", too_slow)
    watch.returned(watcher.WatchedFunction("shop:quote", too_slow.__code__, "plain"), {})

    assert written[0]["result_lacking"] == [["result", "dict", "could not be tried: TimeoutError"]]


class Reports:
    """A journal that keeps what it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[dict[str, Any]] = []

    def write(self, entry: dict[str, Any]) -> None:
        self.entries.append(entry)
        (self.folder / "1.jsonl").write_text("".join(json.dumps(one) + "\n" for one in self.entries))

    def restart(self) -> None:
        self.entries.clear()


@pytest.fixture
def looking(tmp_path: Path) -> Iterator[tuple[Watcher, ModuleType]]:
    """A watcher of this process, whose own functions are those of a module `shop`."""
    name = "monitoring" if sys.version_info >= (3, 12) else "profiling"
    attach = importlib.import_module(f"snapagent.capture.watching.{name}").attach
    shop = ModuleType("shop")
    exec(compile("def quote(n):\n    return [n]\n\ndef other(n):\n    return [n]\n", "shop.py", "exec"), vars(shop))
    watch = Watcher(("shop",), CallPoints(), Reports(tmp_path))  # type: ignore[arg-type]
    attach(watch)
    yield watch, shop
    process_life.unregister(watch)
    if sys.version_info >= (3, 12):
        number = next(number for number in range(6) if "watch" in str(sys.monitoring.get_tool(number)))
        sys.monitoring.set_events(number, 0)
        sys.monitoring.free_tool_id(number)
    else:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.mark.parametrize("broken", ["meet", "entered", "returned"])
def test_a_function_whose_calls_cannot_be_looked_at_is_named_with_the_reason(looking, tmp_path, monkeypatch, broken):
    watch, shop = looking
    look = getattr(watch, broken)

    def break_for_quote(first: Any, *others: Any) -> Any:
        if "quote" in str(getattr(first, "code", first)):
            raise LookupError("out of order")
        return look(first, *others)

    monkeypatch.setattr(watch, broken, break_for_quote)

    assert [shop.quote(n) for n in range(5)] == [[n] for n in range(5)]
    shop.other(1)

    found = watched.read_reports(str(tmp_path))
    assert watched.unwatched(found) == ["shop:quote (LookupError: out of order)"]
    assert "shop:other" in {one.target for one in found}


def test_the_end_of_the_stack_is_no_failure_of_a_function(looking, tmp_path, monkeypatch):
    watch, shop = looking
    entered, calls = watch.entered, []

    def at_the_end_once(*call: Any) -> None:
        calls.append(call)
        if len(calls) == 1:
            raise RecursionError
        entered(*call)

    monkeypatch.setattr(watch, "entered", at_the_end_once)

    shop.quote(1), shop.quote(2)

    found = {one.target: one for one in watched.read_reports(str(tmp_path))}
    assert watched.unwatched(found.values()) == []
    assert found["shop:quote"].calls == 1


def test_init_names_what_it_could_not_watch_and_does_not_propose_it(project, monkeypatch):
    failed = watched.Watched("shop:quote", 3, failed="LookupError: out of order")
    run = WatchedRun(0, [failed, watched.Watched("shop:number", 3, results=("str",))])
    monkeypatch.setattr(init, "watch", lambda command, packages: run)
    monkeypatch.chdir(project)

    done = CliRunner().invoke(main, ["init", "--watch", "--", sys.executable, "drive.py"])

    assert "could not watch shop:quote (LookupError: out of order)" in " ".join(done.output.split())
    assert {str(rule.pattern) for rule in proposed(project).rules} == {"shop:number"}


def test_reports_that_are_lost_are_said_once(tmp_path, capsys):
    journal = Journal(str(tmp_path / "gone"))

    journal.write({}), journal.write({})

    assert capsys.readouterr().err.count("calls of this program are missed: [Errno 2]") == 1
    assert watched.read_reports(str(tmp_path / "gone")) == []


class Sleeps:
    """Its own pickling waits."""

    frozen = 0

    def __getstate__(self) -> dict[str, int]:
        Sleeps.frozen += 1
        time.sleep(0.05)
        return {}


@pytest.mark.parametrize("of", ["result", "arguments"])
def test_a_value_that_is_slow_to_store_is_given_up_after_a_fifth_of_a_second(of):
    values = [Sleeps() for _ in range(20)]
    Sleeps.frozen = 0

    with pytest.raises(TooSlow) as caught:
        if of == "result":
            samples.result_lacking(values)
        else:
            samples.arguments_lacking((lambda rows: rows).__code__, {"rows": values})

    assert Sleeps.frozen < 10
    assert samples.why_untried(caught.value) == "storing it takes too long"
