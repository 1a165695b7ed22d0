"""What cannot be stored becomes a placeholder at its leaf; what stands around it is kept, and nothing is touched."""

from __future__ import annotations

import asyncio
import contextvars
import csv
import hashlib
import io
import itertools
import logging
import os
import queue
import socket
import sqlite3
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from freezes import frozen, frozen_call, kept, notes_by_path, round_trip

from snapagent.errors import PlaceholderError
from snapagent.placeholder import Placeholder, note_of
from snapagent.serializer.thawing.load import thaw


class Service:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


def handle(self: object, rows: object, *rest: object, **options: object) -> None:
    """Its parameters name the paths."""


def numbers() -> Iterator[int]:
    yield from (1, 2, 3)


def started() -> Iterator[int]:
    generator = numbers()
    next(generator)
    return generator


def test_a_started_generator_is_not_consumed() -> None:
    """F8: it becomes a placeholder, and the program still gets all its items."""
    generator = started()

    result = frozen_call(handle, None, generator)

    assert note_of(thaw(result.data)[1][1]).type == "generator"
    assert list(generator) == [2, 3]


def test_a_coroutine_that_is_returned_is_not_awaited() -> None:
    """F8."""

    async def work() -> int:
        return 3

    coroutine = work()

    assert [note.kind for note in frozen(coroutine).notes] == ["unstorable"]
    assert asyncio.run(coroutine) == 3


ITERATORS: list[Callable[[], Iterator[int]]] = [
    lambda: iter([1, 2, 3]),
    lambda: iter((1, 2, 3)),
    lambda: iter({1: 1, 2: 2, 3: 3}),
    lambda: iter(range(1, 4)),
    lambda: map(int, "123"),
    lambda: map(int, iter("123")),
    lambda: filter(None, [1, 2, 3]),
    lambda: reversed([3, 2, 1]),
    lambda: itertools.chain([1], [2, 3]),
    lambda: itertools.islice(itertools.count(1), 3),
    lambda: itertools.tee([1, 2, 3])[0],
    lambda: (number for number, _ in zip([1, 2, 3], "abc", strict=True)),
]


@pytest.mark.parametrize("make", ITERATORS)
@pytest.mark.filterwarnings("error")  # pickling itertools is deprecated, and the program must not hear of it
def test_an_iterator_is_not_moved(make: Callable[[], Iterator[int]]) -> None:
    """F9: the program sees every item afterwards."""
    iterator = make()

    frozen([iterator, 7])

    assert list(iterator) == [1, 2, 3]


def test_zip_and_enumerate_are_not_moved() -> None:
    """F9."""
    pairs, counted = zip("ab", "cd", strict=True), enumerate("ab")

    frozen([pairs, counted])

    assert list(pairs) == [("a", "c"), ("b", "d")]
    assert list(counted) == [(0, "a"), (1, "b")]


def test_a_csv_reader_is_not_moved(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    with path.open() as file:
        reader = csv.reader(file)
        frozen(reader)
        assert list(reader) == [["a", "b"], ["1", "2"]]


def test_an_open_file_is_left_where_it_stands(tmp_path: Path) -> None:
    """F15."""
    path = tmp_path / "rows.txt"
    path.write_text("one\ntwo\n")
    with path.open() as file:
        file.readline()
        position = file.tell()
        frozen_call(handle, Service(log=file), [1])
        assert file.tell() == position and file.readline() == "two\n"


def test_a_file_open_for_writing_cannot_get_into_a_bundle(tmp_path: Path) -> None:
    """F16: loading what dill makes of one would empty the real file."""
    victim = tmp_path / "victim.txt"
    with victim.open("w") as file:
        file.write("precious")
        file.flush()
        by_value = lambda: file  # noqa: E731 - a closure is stored by dill, which would store the file as well
        data = frozen([file, by_value, Service(file=file)]).data

    thaw(data)

    assert victim.read_text() == "precious"


def test_one_bad_argument_among_five_costs_only_itself() -> None:
    """F18."""
    with socket.socket() as bad:
        result = frozen_call(handle, 1, "two", bad, [4], five=5)

    instance, args, kwargs = thaw(result.data)
    assert instance is None
    assert (args[0], args[1], args[3], kwargs) == (1, "two", [4], {"five": 5})
    assert note_of(args[2]).path == "rest[0]"


def test_a_function_with_more_defaults_than_parameters_does_not_spoil_the_search_for_paths() -> None:
    def tag(context: object, limit: int) -> object:
        return limit

    tag.__defaults__ = (1, "two", 3)
    plain = {"tag": tag, "id": 7, "rows": [iter_of_rows()]}

    result = frozen(plain)

    assert [(note.kind, note.path) for note in result.notes] == [("unstorable", "result.rows[0]")]
    assert thaw(result.data)["tag"]() == 3


def iter_of_rows() -> Iterator[int]:
    yield 1


def test_a_service_is_kept_around_its_connection_and_lock(tmp_path: Path) -> None:
    database = sqlite3.connect(":memory:")
    service = Service(db=database, lock=threading.Lock(), log=logging.getLogger("shop"), rates={"EUR": 1.1}, name="x")

    result = frozen_call(handle, service, [1])
    again = thaw(result.data)[1][0]

    assert (again.rates, again.name) == ({"EUR": 1.1}, "x")
    assert again.log is logging.getLogger("shop")
    assert notes_by_path(result)["self.db"].type == "sqlite3.Connection"
    with pytest.raises(PlaceholderError, match=r"self\.db"):
        again.db.execute("select 1")
    database.close()


def test_rows_of_a_cursor_are_still_there() -> None:
    """F14."""
    database = sqlite3.connect(":memory:")
    cursor = database.execute("select 1 union select 2")

    frozen(cursor)

    assert cursor.fetchall() == [(1,), (2,)]
    database.close()


class Connection(sqlite3.Connection):
    """A subclass is met by its base."""


def one_of_each() -> list[object]:
    loop = asyncio.new_event_loop()
    loop.close()
    frame = sys._getframe()
    return [
        loop,
        frame,
        contextvars.ContextVar("x"),
        contextvars.copy_context(),
        types.ModuleType("made_by_hand"),
        threading.local(),
        threading.current_thread(),
        weakref.WeakValueDictionary(),
        weakref.ref(Service()),
        os.scandir("."),
        Connection(":memory:"),
        numbers.__code__,
        numbers,
    ]


def test_everything_else_that_runs_or_is_open_stays_behind() -> None:
    """F18, S9."""
    values = one_of_each()
    *others, function = round_trip(values)

    assert all(type(value) is Placeholder for value in others)
    assert function is numbers


def test_the_environment_is_redacted_as_a_whole() -> None:
    """S9."""
    result = frozen({"env": os.environ, "copy": 1})

    assert notes_by_path(result)["result.env"].kind == "redacted"
    assert os.environ.get("PATH", "?").encode() not in result.data


def test_locks_come_back_fresh_and_unlocked() -> None:
    """F17."""
    held = [threading.Lock(), threading.RLock(), threading.Semaphore(1), threading.BoundedSemaphore(2)]
    for lock in held:
        lock.acquire()
    event = threading.Event()
    event.set()

    again = round_trip([*held, event, threading.Condition(), threading.Barrier(2)])

    assert all(lock.acquire(timeout=2) for lock in again[:4])
    assert not again[4].is_set()
    assert again[5].acquire(timeout=2)
    assert again[6].parties == 2


def test_a_fresh_lock_is_noted_with_its_path() -> None:
    note = notes_by_path(frozen_call(handle, Service(lock=threading.Lock()), [1]))["self.lock"]

    assert note.kind == "fresh"


def test_a_condition_keeps_sharing_its_lock() -> None:
    again = round_trip(queue.Queue())

    assert again.not_empty._lock is again.mutex
    again.put(3, timeout=2)
    assert again.get(timeout=2) == 3


def test_asyncio_locks_come_back_fresh() -> None:
    async def held() -> object:
        lock = asyncio.Lock()
        await lock.acquire()
        return round_trip([lock, asyncio.Event(), asyncio.Semaphore(3)])

    lock, event, semaphore = asyncio.run(held())  # type: ignore[misc]
    assert not lock.locked()
    assert not event.is_set()
    assert semaphore._value == 3


def test_a_bound_method_of_a_socket_is_left_out_with_it() -> None:
    with socket.socket() as real:
        again = round_trip({"send": real.send, "append": [].append})

    assert type(again["send"]) is Placeholder
    again["append"](1)
    assert again["append"].__self__ == [1]


def test_the_same_object_gives_the_same_placeholder() -> None:
    with socket.socket() as real:
        first, second = round_trip([real, {"again": real}])

    assert first is second["again"]


def test_a_leaf_inside_containers_attributes_and_slots_is_named_by_its_path() -> None:
    class Slotted:
        __slots__ = ("handle",)

    inner = Slotted()
    inner.handle = started()
    rows = [{"ok": 1}, {"odd key": [inner]}, {("a", 1): started()}, {"set": (started(),)}]
    result = frozen_call(handle, None, rows, 1, started(), option=started())

    assert set(notes_by_path(result)) == {
        "rows[1]['odd key'][0].handle",
        "rows[2][<tuple>]",
        "rows[3].set[0]",
        "rest[1]",
        "options.option",
    }


@pytest.mark.parametrize(
    "value", [types.ModuleType("made"), numbers.__code__, hashlib.sha256()], ids=["module", "code", "digest"]
)
def test_what_may_be_had_from_anywhere_is_named_by_its_path_too(value: object) -> None:
    assert list(notes_by_path(frozen_call(handle, None, [{"deep": value}]))) == ["rows[0].deep"]


def test_files_in_memory_are_data_and_stay_where_they_stand() -> None:
    data, text = io.BytesIO(b"one\ntwo\n"), io.StringIO("one\ntwo\n")
    data.readline(), text.readline()
    closed = io.BytesIO(b"x")
    closed.close()

    again = round_trip([data, text, closed])

    assert (data.tell(), text.tell()) == (4, 4)
    assert (again[0].read(), again[1].read()) == (b"two\n", "two\n")
    assert type(again[2]) is Placeholder


def test_loggers_are_kept_by_name() -> None:
    assert kept(logging.getLogger("a.b")) is logging.getLogger("a.b")
