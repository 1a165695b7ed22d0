"""Calls captured with their dependencies by the real recorder, and replayed with the real things out of reach."""

from __future__ import annotations

import importlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from effects_support import captured

from snapagent import (
    Bundle,
    EffectNotRecorded,
    NotComparableError,
    PlaceholderError,
    UndeclaredEffect,
    load_capture,
    load_captures,
)

SOURCE = """
import asyncio
import contextvars
import secrets
import socket
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

REAL = [True]


def _reach():
    if not REAL[0]:
        raise ConnectionError("the real thing was called")


def find(key):
    _reach()
    return {"key": key}


def count():
    _reach()
    count.calls = getattr(count, "calls", 0) + 1
    return count.calls


def send(text, timeout=None):
    _reach()
    return len(text)


def log_in(user, password):
    _reach()
    return {"token": "tok-4f9a8b7c6d5e"}


def fetch(token, path):
    _reach()
    return f"{path} for {len(token)}"


async def slow(name, delay):
    _reach()
    await asyncio.sleep(delay)
    return name


async def later():
    _reach()
    await asyncio.sleep(0)
    later.calls = getattr(later, "calls", 0) + 1
    return later.calls


def pages(count):
    _reach()
    yield from range(count)


async def apages(count):
    for number in range(count):
        yield number


class Cursor:
    def __init__(self, database):
        self.database = database
        self.lock = threading.Lock()
        self.rows = []

    def execute(self, sql):
        _reach()
        self.rows = [(sql, number) for number in range(2)]

    def fetchall(self):
        _reach()
        return self.rows


class Connection:
    def __init__(self, name):
        self.name = name
        self.sock = socket.socket()

    def cursor(self):
        _reach()
        return Cursor(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.sock.close()


def connect(name):
    _reach()
    return Connection(name)


# ---- targets


def in_threads(keys):
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(find, keys))
    thread = threading.Thread(target=lambda: found.append(find("thread")))
    thread.start()
    thread.join()
    return found


async def in_executor(key):
    return await asyncio.get_running_loop().run_in_executor(None, find, key)


async def gathered():
    return await asyncio.gather(slow("a", 0.02), slow("b", 0.0))


async def as_done():
    tasks = [asyncio.create_task(slow(name, delay)) for name, delay in (("a", 0.03), ("b", 0.0), ("c", 0.01))]
    return [await task for task in asyncio.as_completed(tasks)]


async def first():
    return await later()


async def second():
    return await later()


async def two_callers():
    return await asyncio.gather(first(), second())


def queries(name):
    connection = connect(name)
    cursors = [connection.cursor(), connection.cursor()]
    for cursor, sql in zip(cursors, ("select a", "select b")):
        cursor.execute(sql)
    return [cursor.fetchall() for cursor in cursors]


def ids():
    return [uuid.uuid4(), secrets.token_hex(4)]


def secret_call(user, password):
    token = log_in(user, password)["token"]
    return fetch(token, "/me")


def half(count):
    found = []
    for page in pages(count):
        found.append(page)
        if len(found) == 2:
            break
    return found


def all_pages(count):
    return list(pages(count))


async def all_apages(count):
    return [page async for page in apages(count)]


def dials(port):
    find("x")
    connection = socket.create_connection(("127.0.0.1", port), timeout=2)
    connection.close()
    return "connected"


def opens(path):
    find("x")
    with sqlite3.connect(path) as database:
        return database.execute("select 1").fetchone()


def sent(text):
    return send(text, timeout=3)


def cached(key, _cache={}):
    if key not in _cache:
        _cache[key] = find(key)
    find("other")
    return _cache[key]


def uses(connection):
    cursor = connection.cursor()
    cursor.execute("select 1")
    return cursor.fetchall()


def stamped():
    started = datetime.now(UTC)
    send(started.isoformat())
    return {"at": started, "epoch": time.time()}
"""
CONFIG = """
    dependencies:
      - target: trip:find
        role: read
      - {target: trip:count, role: read}
      - target: trip:send
        exclude: [timeout]
      - trip:log_in
      - {target: trip:fetch, role: read}
      - {target: trip:slow, role: read}
      - {target: trip:later, role: read}
      - {target: trip:pages, role: read}
      - {target: trip:apages, role: read}
      - {target: trip:connect, role: read, result: handle}
      - {target: trip:Connection.cursor, role: read, result: handle}
      - {target: trip:Cursor.execute, role: read}
      - {target: trip:Cursor.fetchall, role: read}
      - uuid
    defaults: {keep: .inf}
    targets:
      - trip:in_threads
      - trip:in_executor
      - trip:gathered
      - trip:as_done
      - trip:two_callers
      - trip:queries
      - trip:ids
      - trip:secret_call
      - trip:half
      - trip:all_pages
      - trip:all_apages
      - trip:dials
      - trip:opens
      - trip:sent
      - trip:cached
      - trip:uses
      - trip:stamped
"""
Take = Callable[..., Bundle]


@pytest.fixture
def take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Take]:
    """Captures one call of a function of the program; afterwards its dependencies are out of reach."""
    config = tmp_path / "snapagent.yaml"
    config.write_text("version: 1\n" + "\n".join(line[4:] for line in CONFIG.splitlines()) + "\n")
    monkeypatch.setenv("SNAPAGENT_CONFIG", str(config))
    monkeypatch.syspath_prepend(str(tmp_path))

    def taken(name: str, *args: Any, real: bool = False) -> Bundle:
        sys.modules.pop("trip", None)
        with captured(tmp_path, SOURCE, CONFIG, "trip") as world:
            value = getattr(world.module, name)(*args)
            if hasattr(value, "__await__"):
                import asyncio

                asyncio.run(value)
            assert world.activation.engine().flush(10)
        sys.path.insert(0, str(tmp_path))
        importlib.import_module("trip").REAL[0] = real
        return load_capture(f"trip:{name}", base_path=tmp_path / "captures")

    yield taken
    sys.modules.pop("trip", None)


def test_14_calls_in_pools_threads_and_executors_are_served(take: Take) -> None:
    assert take("in_threads", ["a", "b"]).check().notes == ("effects: 3 served",)
    assert take("in_executor", "k").check().notes == ("effects: 1 served",)


def test_22_a_generator_that_was_left_half_consumed_is_served_as_far(take: Take) -> None:
    bundle = take("half", 5)
    assert bundle.check()
    with pytest.raises(EffectNotRecorded, match="was recorded up to item 2 only"):
        bundle.call(sys.modules["trip"].all_pages)


def test_generators_are_served_to_their_end(take: Take) -> None:
    assert take("all_pages", 3).check()
    assert take("all_apages", 3).check()


def test_29_a_token_of_one_effect_is_sent_in_the_next_and_served(take: Take) -> None:
    bundle = take("secret_call", "ann", "hunter2-and-more")
    assert bundle.check().notes == ("effects: 2 served",)
    assert b"tok-4f9a8b7c6d5e" not in bundle.path.read_bytes()
    assert b"hunter2" not in bundle.path.read_bytes()


def test_a_call_that_went_another_way_for_want_of_a_secret_is_not_comparable(take: Take) -> None:
    bundle = take("secret_call", "ann", "hunter2-and-more")

    def refused(user: str, password: str) -> str:
        raise PermissionError(user)  # as where the password is compared with a stored one: `log_in` is not called

    with pytest.raises(NotComparableError, match="`password` was redacted"):
        bundle.check(refused)
    with pytest.raises(AssertionError, match="changed") as caught:
        bundle.check(lambda user, password: bundle.result)  # the outcome is right, and a write is missing
    assert not isinstance(caught.value, NotComparableError)


def test_50_two_callers_resumed_in_the_other_order_each_get_their_own_answer(take: Take) -> None:
    bundle = take("two_callers")
    trip = sys.modules["trip"]

    async def two_callers() -> list[int]:
        import asyncio

        found = await asyncio.gather(trip.second(), trip.first())
        return found[::-1]

    assert bundle.check()
    assert bundle.check(two_callers)


def test_52_an_id_more_is_deterministic_and_noted(take: Take) -> None:
    bundle = take("ids")
    assert bundle.check().notes == ("effects: 2 served",)
    trip = sys.modules["trip"]

    def more() -> list[Any]:
        return [trip.uuid.uuid4(), trip.secrets.token_hex(4), trip.uuid.uuid4(), trip.secrets.token_hex(3)]

    first, second = bundle.call(more), bundle.call(more)
    assert first == second and first[0] == bundle.result[0]
    assert first[2].version == 4 and len(first[3]) == 6
    assert bundle.check(lambda: more()[:2]).notes == ("effects: 2 served, 2 new",)


def test_54_56_readings_of_the_clock_are_excused_as_recorded(take: Take) -> None:
    bundle = take("stamped")
    assert bundle.check().kind == "equal"
    assert bundle.call()["at"].tzinfo is not None


def test_61_an_undeclared_connection_is_refused_with_the_line_for_the_yaml(take: Take) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        bundle = take("dials", port)
        with pytest.raises(UndeclaredEffect) as caught:
            bundle.check()
        assert f"connected to 127.0.0.1:{port}" in str(caught.value)
        assert "      - trip:dials\n" in str(caught.value)
        assert "check(live=['trip:dials'])" in str(caught.value)
        assert isinstance(caught.value, AssertionError)
        assert bundle.check(live=["trip:dials"]) and bundle.check(live="socket")
        assert bundle.verdict().kind == "changed"


def test_61_a_database_that_nothing_declares_is_refused(take: Take, tmp_path: Path) -> None:
    bundle = take("opens", str(tmp_path / "shop.db"))
    with pytest.raises(UndeclaredEffect, match=r"opened the database .*shop\.db"):
        bundle.call()
    assert bundle.call(live=["sqlite3"]) == (1,) or bundle.call(live=["trip:opens"]) == (1,)


def test_61_the_refusal_ends_with_the_replay(take: Take, tmp_path: Path) -> None:
    import sqlite3

    bundle = take("opens", str(tmp_path / "shop.db"))
    with pytest.raises(UndeclaredEffect):
        bundle.call()
    sqlite3.connect(":memory:").close()


def test_61_other_threads_of_the_test_are_not_refused(take: Take, tmp_path: Path) -> None:
    import sqlite3

    bundle = take("cached", "a")
    found: list[Any] = []
    stop = threading.Event()

    def connect_often() -> None:
        while not stop.is_set():
            try:
                sqlite3.connect(":memory:").close()
            except Exception as error:
                found.append(error)
                return

    thread = threading.Thread(target=connect_often)
    thread.start()
    try:
        for _ in range(20):
            bundle.check()
    finally:
        stop.set()
        thread.join(10)
    assert found == []


def test_63_as_completed_sees_the_recorded_order(take: Take) -> None:
    bundle = take("as_done")
    assert bundle.result == ["b", "c", "a"]
    for _ in range(5):
        assert bundle.check()
    assert take("gathered").check()


def test_64_a_query_inserted_or_left_out_leaves_the_others_served(take: Take) -> None:
    bundle = take("queries", "main")
    assert bundle.check().kind == "equal"
    trip = sys.modules["trip"]

    def second_query_first(name: str) -> list[Any]:
        connection = trip.connect(name)
        one, two = connection.cursor(), connection.cursor()
        one.execute("select b")
        two.execute("select a")
        return [two.fetchall(), one.fetchall()]

    def only_the_second(name: str) -> list[Any]:
        cursor = trip.connect(name).cursor()
        cursor.execute("select b")
        return [bundle.result[0], cursor.fetchall()]

    assert bundle.check(second_query_first)
    assert bundle.check(only_the_second).kind == "equal"


def test_57_a_handle_is_of_its_class_and_refuses_what_was_not_recorded(take: Take) -> None:
    bundle = take("queries", "main")
    trip = sys.modules["trip"]
    seen: dict[str, Any] = {}

    def peek(name: str) -> list[Any]:
        connection = trip.connect(name)
        seen["is"] = isinstance(connection, trip.Connection)
        with pytest.raises(PlaceholderError, match=r"effects\[0\]\.result\.name"):
            _ = connection.name
        with pytest.raises(PlaceholderError, match=r"__enter__"), connection:
            pass
        return trip.queries(name)

    bundle.call(peek)
    assert seen == {"is": True}


def test_65_a_warm_cache_is_named_as_the_likely_cause(take: Take) -> None:
    bundle = take("all_pages", 3)
    trip = sys.modules["trip"]
    with pytest.raises(EffectNotRecorded, match="a cache above it may have been warm"):
        bundle.check(lambda count: [trip.find("a")])


def test_74_checks_in_parallel_threads_do_not_cross(take: Take, tmp_path: Path) -> None:
    bundles = [take("sent", text) for text in ("a", "bb", "ccc")]
    bundles = load_captures("trip:sent", base_path=tmp_path / "captures")
    problems: list[BaseException] = []

    def check(bundle: Bundle) -> None:
        try:
            for _ in range(10):
                assert bundle.check().notes == ("effects: 1 served",)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=check, args=(bundle,)) for bundle in bundles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []


def test_effects_are_served_in_a_process_that_captures_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    with captured(tmp_path, SOURCE, CONFIG, "trip") as world:
        world.module.queries("main")
        world.module.secret_call("ann", "hunter2-and-more")
        assert world.activation.engine().flush(10)
        world.module.REAL[0] = False
        for name in ("queries", "secret_call"):
            bundle = load_capture(f"trip:{name}", base_path=tmp_path / "captures")
            assert bundle.check().kind == "equal"
            assert bundle.check().kind == "equal"
        world.module.REAL[0] = True
        assert world.module.find("a") == {"key": "a"}
    sys.modules.pop("trip", None)


def test_a_promoted_bundle_keeps_its_effects(take: Take, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from snapagent.cli import main

    bundle = take("secret_call", "ann", "hunter2-and-more")
    to = tmp_path / "promoted"
    done = CliRunner().invoke(
        main, ["promote", "trip.secret_call", "--to", str(to), "--captures-dir", str(tmp_path / "captures")]
    )
    assert done.exit_code == 0, done.output
    promoted = load_capture("trip:secret_call", base_path=to)
    assert [effect.stored for effect in promoted.effects] == [effect.stored for effect in bundle.effects]
    assert promoted.header.effects == bundle.header.effects
    assert promoted.check().notes == ("effects: 2 served",)


def test_an_excluded_argument_may_differ(take: Take) -> None:
    bundle = take("sent", "hello")
    trip = sys.modules["trip"]
    assert bundle.check(lambda text: trip.send(text, timeout=99))
    assert bundle.check(lambda text: trip.send(text))
