"""Depth and size: the process lives, memory stays small, and what is left out is the largest or the deepest."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from freezes import frozen, frozen_call, kept, notes_by_path, round_trip, rules

from snapagent.placeholder import Placeholder, note_of
from snapagent.serializer.freezing.byte_limit import TooSlow
from snapagent.serializer.freezing.freeze import FreezeRules
from snapagent.serializer.thawing.load import thaw

HERE = Path(__file__).parent
SUPPORT = Path(__file__).parents[1] / "support"


def handle(self: object, rows: object, **options: object) -> None: ...


class Service:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Node:
    def __init__(self) -> None:
        self.next: Any = None


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def chain(length: int) -> Node:
    first = node = Node()
    for _ in range(length):
        node.next = Node()
        node = node.next
    return first


@pytest.mark.parametrize("value", [nested(100_000), chain(200_000)], ids=["lists", "objects"])
def test_what_is_nested_too_deep_is_cut_where_it_is_too_deep(value: object) -> None:
    """F26."""
    result = frozen_call(handle, None, value, kept=[1])

    assert {note.kind for note in result.notes} == {"too_deep"}
    _, args, kwargs = thaw(result.data)
    assert kwargs == {"kept": [1]}
    assert type(args[1]) is type(value)


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import os, sys; sys.path[:0] = sys.argv.pop(1).split(os.pathsep)\n" + textwrap.dedent(script)
    command = [sys.executable, "-c", code, os.pathsep.join([str(SUPPORT), str(HERE)]), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_threads_with_small_stacks_survive_deep_values() -> None:
    """F27."""
    done = run(
        """
        import threading
        from collections import deque
        from freezes import frozen
        from test_limits import chain, nested

        def deque_chain(depth):
            value = deque()
            for _ in range(depth):
                value = deque([value])
            return value

        values = [nested(900), nested(3000), chain(3000), deque_chain(3000)]
        for kilobytes in (128, 256, 512):
            for value in values:
                threading.stack_size(kilobytes * 1024)
                thread = threading.Thread(target=lambda: print(frozen(value).notes[0].kind))
                thread.start()
                thread.join()
                assert threading.stack_size(0) == kilobytes * 1024, "the program's own setting was changed"
        """
    )
    assert (done.returncode, done.stdout) == (0, "too_deep\n" * 12), done.stderr


def test_a_raised_recursion_limit_does_not_end_the_process() -> None:
    """F28."""
    done = run(
        """
        from freezes import frozen
        from test_limits import chain, nested
        sys.setrecursionlimit(10**6)
        for value in chain(200_000), nested(300_000):
            print(frozen([1, value]).notes[0].kind)
        """
    )
    assert (done.returncode, done.stdout) == (0, "too_deep\n" * 2), done.stderr


def test_ordinary_depth_is_no_reason_to_cut_even_in_a_small_stack() -> None:
    found: list[object] = []
    before = threading.stack_size(256 * 1024)
    thread = threading.Thread(target=lambda: found.append(kept(nested(50))))
    thread.start()
    threading.stack_size(before)
    thread.join()

    assert found == [nested(50)]


def test_cycles_are_kept() -> None:
    """F29."""
    value: list[Any] = [1]
    value.append(value)
    node = Node()
    node.next = {"me": node}

    again, node_again = kept([value, node])

    assert again[1] is again
    assert node_again.next["me"] is node_again


# size


def test_the_largest_value_goes_and_the_rest_is_kept() -> None:
    service = Service(model="w" * 5_000_000, rates={"EUR": 1.1}, log=["line"] * 100)

    result = frozen_call(handle, service, [1, 2, 3], title="x")

    note = notes_by_path(result)["self.model"]
    assert (note.kind, note.type, note.detail) == ("too_big", "str", "length 5000000")
    _, (again, rows), options = thaw(result.data)
    assert (again.rates, again.log, rows, options) == (service.rates, service.log, [1, 2, 3], {"title": "x"})
    assert len(result.data) < 100_000


def test_a_long_list_goes_as_a_whole() -> None:
    result = frozen_call(handle, Service(rows=[{"id": i, "name": f"n{i}"} for i in range(100_000)], ok=1), [1])

    assert notes_by_path(result)["self.rows"].detail == "length 100000"
    assert thaw(result.data)[1][0].ok == 1


def test_only_as_much_goes_as_has_to() -> None:
    rows = [{"text": "x" * 400_000, "id": index} for index in range(5)]

    result = frozen_call(handle, None, rows)

    texts = [row["text"] for row in thaw(result.data)[1][1]]
    assert [type(text) for text in texts].count(str) == 2
    assert [row["id"] for row in thaw(result.data)[1][1]] == [0, 1, 2, 3, 4]
    assert len(result.data) <= 10**6


@pytest.mark.parametrize(
    "value",
    [
        "x" * 2_000_000,
        b"x" * 2_000_000,
        bytearray(2_000_000),
        list(range(2_000_000)),
        dict.fromkeys(range(1_000_000)),
        set(range(1_000_000)),
        tuple(str(index) for index in range(400_000)),
        [[[[f"{i} {j} {k} " + "y" * 30] for i in range(30)] for j in range(30)] for k in range(50)],
    ],
    ids=["str", "bytes", "bytearray", "ints", "dict", "set", "tuple", "tree"],
)
def test_any_large_value_alone_gives_a_small_bundle(value: object) -> None:
    result = frozen(value)

    assert len(result.data) <= 10**6
    assert any(note.kind == "too_big" for note in result.notes)


def test_of_many_small_values_few_and_large_parts_go_and_the_rest_stays() -> None:
    value = [[[[f"{i} {j} {k} " + "y" * 30] for i in range(30)] for j in range(30)] for k in range(50)]

    result = frozen(value)

    assert 500_000 < len(result.data) <= 10**6
    assert {note.detail for note in result.notes} == {"length 30"}
    assert len(result.notes) < 40
    assert thaw(result.data)[0] == value[0]


def test_what_the_objects_hooks_make_too_big_is_left_out() -> None:
    class Swells:
        def __init__(self) -> None:
            self.small = 1

        def __getstate__(self) -> object:
            return {"large": "x" * 3_000_000}

    result = frozen({"bad": Swells(), "good": 1})

    assert len(result.data) <= 10**6
    assert type(thaw(result.data)) in (dict, Placeholder)


def test_a_cap_smaller_than_any_bundle_still_gives_placeholders() -> None:
    again = round_trip({"a": [1, 2, 3], "b": "x" * 100}, rules(max_bytes=30))

    assert type(again) is Placeholder or all(type(value) is Placeholder for value in again.values())


MEMORY = """
    import resource, time
    from freezes import frozen
    def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    frozen([{{}}])
    value = {value}
    before, start = peak(), time.process_time()
    result = frozen({{"large": value, "small": 1}})
    took = time.process_time() - start
    print(peak() - before, took, len(result.data), result.notes[0].path)
"""


@pytest.mark.parametrize("value", ["[1.5] * 20_000_000", "bytes(1_000_000_000)"])
def test_a_huge_value_is_stopped_while_streaming(value: str) -> None:
    """F30."""
    done = run(MEMORY.format(value=value))
    assert done.returncode == 0, done.stderr
    grown, took, size, path = done.stdout.split()

    assert int(grown) < 5 * 10**6
    assert float(took) < 2  # all of it takes longer
    assert int(size) < 1000
    assert path == "result.large"


@pytest.mark.parametrize("shape", ["array", "array[::2]"])
def test_a_huge_array_is_stopped_before_it_is_copied(shape: str) -> None:
    """F30."""
    pytest.importorskip("numpy")
    script = MEMORY.replace("    value =", "    import numpy; array = numpy.zeros(40_000_000)\n    value =")
    done = run(script.format(value=shape))
    assert done.returncode == 0, done.stderr
    grown, took, _, path = done.stdout.split()

    assert int(grown) < 5 * 10**6
    assert float(took) < 2  # all of it takes longer
    assert path == "result.large"


def test_an_array_left_out_says_its_shape() -> None:
    numpy = pytest.importorskip("numpy")

    note = frozen_call(handle, Service(weights=numpy.zeros((1000, 2000))), [1]).notes[0]

    assert (note.path, note.kind, note.detail) == ("self.weights", "too_big", "shape (1000, 2000), float64")


def test_a_service_with_everything_is_captured_small_and_fast(tmp_path: Path) -> None:
    import logging
    import sqlite3

    numpy = pytest.importorskip("numpy")
    with (tmp_path / "log").open("w") as log:
        service = Service(
            db=sqlite3.connect(":memory:"),
            lock=threading.Lock(),
            logger=logging.getLogger("shop"),
            log=log,
            model=numpy.zeros(62_500_000),
            rates={"EUR": 1.1},
        )
        frozen_call(handle, Service(), [1])
        start = time.process_time()
        result = frozen_call(handle, service, [1, 2])
        took = time.process_time() - start
        service.db.close()  # type: ignore[attr-defined]

    assert took < 0.2  # pickling the array takes longer
    assert len(result.data) < 100_000
    again = thaw(result.data, facsimiles={"self.db": 1, "self.log": 2, "self.model": [3]})[1][0]
    assert (again.db, again.log, again.model, again.rates) == (1, 2, [3], {"EUR": 1.1})
    assert again.lock.acquire(timeout=1)


@pytest.mark.skipif(sys.platform != "linux", reason="address space limits")
def test_running_out_of_memory_is_told_and_leaves_the_process_alive() -> None:
    """F31."""
    done = run(
        """
        import resource
        from freezes import frozen, rules
        value = ["x" * 1000 + str(i) for i in range(60_000)]
        frozen([{}])
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000, -1))
        try:
            frozen(value, rules(max_bytes=10**9))
        except MemoryError:
            print("told", len(frozen([1]).data) > 0)
        """
    )
    assert (done.returncode, done.stdout) == (0, "told True\n"), done.stderr


def test_a_placeholder_of_a_value_left_out_by_size_knows_its_path() -> None:
    again = round_trip({"rows": ["x" * 3_000_000]})

    assert note_of(again["rows"][0]).path == "result.rows[0]"


def test_a_large_value_inside_a_closure_goes_too() -> None:
    rows = list(map(float, range(5_000_000)))
    name = "x"

    start = time.process_time()
    result = frozen({"work": lambda: (len(rows), name), "ok": 1})
    took = time.process_time() - start

    assert notes_by_path(result)["result.work.rows"].kind == "too_big"
    assert thaw(result.data)["ok"] == 1
    assert took < 5


def test_deep_values_are_pruned_too() -> None:
    value = {"deep": nested(50_000), "secret": 1}

    result = frozen(value, rules(exclude=("**.secret",)))

    assert {note.kind for note in result.notes} == {"too_deep", "excluded"}


class Slow:
    def __reduce__(self) -> Any:
        time.sleep(0.002)
        return str, ("slow",)


@pytest.mark.parametrize(
    "limited", [rules(max_bytes=60), FreezeRules(allowance=lambda: -1.0)], ids=["few bytes", "no time"]
)
def test_no_value_is_held_by_the_exception_of_a_limit(limited: FreezeRules) -> None:
    def closure_over(*inside: object) -> Any:
        return lambda: inside

    value = Slow()
    held = weakref.ref(value)
    gc.disable()  # a cycle through the traceback of an exception lives until the next collection
    try:
        with suppress(TooSlow):
            frozen([closure_over(value, "x" * 70_000)], limited)
        del value
        assert held() is None
    finally:
        gc.enable()
