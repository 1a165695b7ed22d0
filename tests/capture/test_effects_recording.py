"""What is recorded of the calls that a target makes to its dependencies: the numbers are those of the edge cases."""

from __future__ import annotations

import asyncio
import gc
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path

import pytest
from effects_support import World, captured

from snapagent.capture.effects.frames import current, open_

SOURCE = """
    import asyncio, threading
    from concurrent.futures import ThreadPoolExecutor

    real = []

    def find(status, limit=10):
        real.append(("find", status, limit))
        return [status] * 2

    def fail(reason):
        raise LookupError(reason)

    def fill(row):
        row["id"] = 7
        return row

    def nested(x):
        return find(x)

    def part(row):
        row["b"] = list(row["a"])

    shared = {"a": 1}
    def same():
        return shared

    async def fetch(key):
        await asyncio.sleep(0)
        return key * 2

    def pages(count):
        for number in range(count):
            yield number

    def use(function, *args, **kwargs):
        return function(*args, **kwargs)

    async def ause(function, *args):
        return await function(*args)

    def inner(function, *args):
        return function(*args)

    def stream(function):
        yield function()
        yield 2

    async def astream(function):
        yield function()
        yield 2
"""
CONFIG = """
    dependencies: [world:find, world:fail, world:fill, world:part, world:nested, world:same, world:fetch, world:pages]
    defaults: {keep: .inf}
    targets: [world:use, world:ause, world:inner, world:stream, world:astream]
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with captured(tmp_path, SOURCE, CONFIG) as made:
        yield made
    gc.collect()
    assert current.get() == ()


Make = Callable[..., AbstractContextManager[World]]


def test_a_call_of_a_dependency_below_a_target_is_an_effect_of_its_bundle(world: World) -> None:
    assert world.module.use(lambda: world.module.find("open", limit=3)) == ["open", "open"]

    tape = world.tape("use")
    assert tape.names() == ["find"]
    assert tape.arguments() == ("open", {"limit": 3})
    assert tape.result() == ["open", "open"]
    assert tape.header.format == 2
    assert tape.summary.dependencies == {"world:find": (0, 1)}
    assert tape.summary.previews[0]["arguments"] == "status='open', limit=3"
    assert tape.effects[0].path[-1] == "use"


def test_a_bundle_without_effects_is_of_format_1_and_has_no_word_of_them(world: World) -> None:
    world.module.use(int, 3)

    tape = world.tape("use")
    assert tape.header.format == 1
    assert b'"effects"' not in tape.header.to_json()


def test_01_with_no_target_active_the_result_is_the_very_same(world: World) -> None:
    assert world.module.same() is world.module.shared


def test_02_below_a_target_that_is_not_admitted_nothing_is_recorded(tmp_path: Path) -> None:
    with captured(tmp_path, SOURCE, CONFIG.replace("keep: .inf", "quota: 0")) as world:
        world.module.use(world.module.find, "open")
        assert world.module.real == [("find", "open", 10)]
        assert world.tapes("use") == []


def test_03_a_dependency_outside_any_target_is_not_recorded(world: World) -> None:
    world.module.find("before")
    world.module.use(int)
    world.module.find("after")
    assert world.tape("use").names() == []


def test_04_the_exception_of_a_dependency_reaches_the_caller_as_the_same_object(world: World) -> None:
    seen = []

    def body() -> None:
        try:
            world.module.fail("gone")
        except LookupError as error:
            seen.append(error)
            raise

    with pytest.raises(LookupError) as caught:
        world.module.use(body)
    assert caught.value is seen[0]
    effect = world.tape("use").effects[0]
    assert (effect.outcome, effect.exception) == ("raised", "builtins.LookupError") or effect.exception == "LookupError"


def test_05_what_a_dependency_does_to_its_arguments_is_stored(world: World) -> None:
    row = {"name": "a"}
    world.module.use(lambda: world.module.fill(row))

    tape = world.tape("use")
    assert tape.arguments() == ({"name": "a"},)
    assert pickle.loads(tape.effects[0].after or b"") == (None, ({"name": "a", "id": 7},), {})


def test_05_an_argument_whose_parts_are_no_longer_one_object_has_changed(world: World) -> None:
    both = [1]
    world.module.use(lambda: world.module.part({"a": both, "b": both}))

    _, (after,), _ = pickle.loads(world.tape("use").effects[0].after or b"")
    assert after == {"a": [1], "b": [1]}
    assert after["a"] is not after["b"]


def test_05_arguments_that_a_dependency_leaves_alone_are_stored_once(world: World) -> None:
    world.module.use(lambda: world.module.find([{"name": "a"}, b"", 1.5]))
    assert world.tape("use").effects[0].after is None


def test_06_a_result_is_stored_as_it_was_returned(world: World) -> None:
    world.module.use(lambda: world.module.find("open").append("more"))
    assert world.tape("use").result() == ["open", "open"]


def test_07_a_result_that_is_an_argument_is_known_as_that_argument(world: World) -> None:
    row = {"name": "a"}
    world.module.use(lambda: world.module.fill(row))
    assert world.tape("use").effects[0].is_argument == "row"


def test_08_the_same_object_returned_twice_is_known_as_the_same(world: World) -> None:
    world.module.use(lambda: (world.module.same(), world.module.same()))
    assert [effect.same_as for effect in world.tape("use").effects] == [None, 0]


def test_09_nested_dependencies_are_one_effect(world: World) -> None:
    world.module.use(world.module.nested, "x")
    assert world.tape("use").names() == ["nested"]


def test_10_dependencies_that_run_side_by_side_are_two_effects(world: World) -> None:
    async def both() -> object:
        return await asyncio.gather(world.module.fetch(1), world.module.fetch(2))

    assert asyncio.run(world.module.ause(both)) == [2, 4]
    tape = world.tape("ause")
    assert sorted(tape.arguments(index) for index in (0, 1)) == [(1,), (2,)]


def test_11_of_nested_targets_the_inner_has_its_own_and_the_outer_all(world: World) -> None:
    def body() -> None:
        world.module.find("outer")
        world.module.inner(world.module.find, "inner")

    world.module.use(body)
    assert [world.tape("inner").arguments(0)] == [("inner",)]
    outer = world.tape("use")
    assert [outer.arguments(0), outer.arguments(1)] == [("outer",), ("inner",)]


def test_12_an_inner_target_that_is_a_dependency_of_the_outer_is_one_effect_there(tmp_path: Path) -> None:
    config = CONFIG.replace("[world:find", "[world:inner, world:find")
    with captured(tmp_path, SOURCE, config) as world:
        world.module.use(lambda: world.module.inner(world.module.find, "x"))
        assert world.tape("use").names() == ["inner"]
        assert world.tape("inner").names() == ["find"]


def test_13_a_recursive_call_of_a_target_records_to_the_outer(world: World) -> None:
    def body(depth: int) -> None:
        world.module.find(depth)
        if depth:
            world.module.use(body, depth - 1)

    world.module.use(body, 1)
    tape = world.tape("use")
    assert [tape.arguments(0), tape.arguments(1)] == [(1,), (0,)]


def test_14_threads_and_pools_belong_to_the_target_that_starts_them(world: World) -> None:
    m = world.module

    async def in_executor() -> None:
        await asyncio.get_running_loop().run_in_executor(None, m.find, "executor")
        await asyncio.to_thread(m.find, "to_thread")

    def body() -> None:
        thread = m.threading.Thread(target=m.find, args=("thread",))
        thread.start()
        thread.join()
        assert "run" not in vars(thread)
        with m.ThreadPoolExecutor(1) as pool:
            pool.submit(m.find, "pool").result()
            list(pool.map(m.find, ["map"]))

    m.use(body)
    asyncio.run(m.ause(in_executor))
    tape = world.tape("use")
    assert [tape.arguments(index) for index in range(3)] == [("thread",), ("pool",), ("map",)]
    tape = world.tape("ause")
    assert [tape.arguments(index) for index in range(2)] == [("executor",), ("to_thread",)]


def test_15_two_requests_that_share_a_pool_do_not_mix(world: World) -> None:
    m = world.module
    with m.ThreadPoolExecutor(2) as shared:

        def request(name: str) -> None:
            for _ in range(20):
                shared.submit(m.find, name).result()

        callers = [m.threading.Thread(target=m.use, args=(request, name)) for name in "ab"]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    seen = [{tape.arguments(index) for index in range(20)} for tape in world.tapes("use")]
    assert sorted(map(sorted, seen)) == [[("a",)], [("b",)]]


def test_16_a_worker_started_in_one_call_records_to_the_call_that_submits(world: World) -> None:
    m = world.module
    with m.ThreadPoolExecutor(1) as shared:
        m.use(lambda: shared.submit(m.find, "first").result())
        m.use(lambda: shared.submit(m.find, "second").result())
        shared.submit(m.find, "outside").result()

    assert [[tape.arguments(0)] for tape in world.tapes("use")] == [[("first",)], [("second",)]]
    assert [len(tape.effects) for tape in world.tapes("use")] == [1, 1]


@pytest.mark.parametrize("own", [0, 1])
def test_17_what_a_task_does_that_outlives_the_target_is_counted_as_late(tmp_path: Path, own: int) -> None:
    async def program() -> None:
        tasks = []

        async def body() -> None:
            for _ in range(own):
                world.module.find("in time")
            tasks.append(asyncio.create_task(later()))

        async def later() -> None:
            await asyncio.sleep(0)
            world.module.find("late")

        await world.module.ause(body)
        await tasks[0]

    with captured(tmp_path, SOURCE, CONFIG, sync=False) as world:
        asyncio.run(program())
        tape = world.tape("ause")
    assert tape.names() == ["find"] * own
    assert tape.summary.late == 1


def test_18_what_the_consumer_of_a_generator_calls_is_not_recorded(world: World) -> None:
    for _ in world.module.stream(lambda: world.module.find("inside")):
        world.module.find("outside")
    tape = world.tape("stream")
    assert [tape.arguments(0)] == [("inside",)]
    assert len(tape.effects) == 1


def test_19_an_async_generator_may_be_closed_in_another_context(world: World) -> None:
    async def program() -> None:
        items = world.module.astream(lambda: world.module.find("inside"))
        await items.__anext__()
        await asyncio.create_task(close(items))

    async def close(items: object) -> None:
        await items.aclose()  # type: ignore[attr-defined]

    asyncio.run(program())
    assert world.tape("astream").header.ended == "closed"


def test_20_a_dependency_that_is_never_awaited_is_pending_and_python_warns(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    with warnings.catch_warnings():  # not `record=True`, which keeps the coroutine alive
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", lambda message, *rest: seen.append(str(message)))
        world.module.use(lambda: str(world.module.fetch("x")))

    assert seen == ["coroutine 'fetch' was never awaited"]
    assert [effect.outcome for effect in world.tape("use").effects] == ["pending"]


def test_21_a_cancelled_dependency_is_marked(world: World) -> None:
    async def body() -> None:
        task = asyncio.create_task(world.module.fetch("x"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(world.module.ause(body))
    effect = world.tape("ause").effects[0]
    assert (effect.outcome, effect.ended) == ("raised", "cancelled")


def test_22_a_generator_half_consumed_has_the_items_that_were_taken(world: World) -> None:
    def body() -> None:
        items = world.module.pages(5)
        next(items), next(items)
        items.close()

    world.module.use(body)
    tape = world.tape("use")
    assert (tape.result(), tape.effects[0].ended) == ([0, 1], "closed")


def test_24_an_endless_generator_is_capped(world: World) -> None:
    def body() -> None:
        for number in world.module.pages(20_000):
            if number > 15_000:
                break

    world.module.use(body)
    tape = world.tape("use")
    assert (len(tape.result()), tape.effects[0].ended) == (10_000, "capped")


def test_25_more_effects_than_allowed_make_the_tape_incomplete_and_keep_the_bundle(tmp_path: Path) -> None:
    with captured(tmp_path, SOURCE, CONFIG.replace("keep: .inf", "effects: 3")) as world:
        world.module.use(lambda: [world.module.find(number) for number in range(5)])
        tape = world.tape("use")
        assert len(world.module.real) == 5
        assert len(tape.effects) == 3
        assert not tape.summary.complete
        assert tape.summary.reason == "there were more than 3 calls of dependencies"


def test_26_more_bytes_than_allowed_make_the_tape_incomplete(tmp_path: Path) -> None:
    with captured(tmp_path, SOURCE, CONFIG.replace("keep: .inf", "effects_max_bytes: 10kB")) as world:
        world.module.use(lambda: [world.module.find("x" * 50_000), world.module.find("y")].clear())
        tape = world.tape("use")
        assert not tape.summary.complete
        assert "10000 bytes" in tape.summary.reason
        assert sum(part.size for part in tape.header.parts) < 40_000


def test_27_a_dependency_whose_argument_cannot_be_stored_is_called_once(world: World) -> None:
    class Odd:
        def __reduce__(self) -> str:
            raise RuntimeError("no")

    world.module.use(lambda: world.module.find(Odd()))
    assert len(world.module.real) == 1
    assert world.tape("use").names() == ["find"]


def test_31_a_fork_inside_a_target_mixes_nothing_in(world: World) -> None:
    import os

    def body() -> None:
        world.module.find("parent")
        child = os.fork()
        if child == 0:
            world.module.find("child")
            os._exit(len(open_))
        assert os.waitpid(child, 0)[1] == 0
        world.module.find("parent again")

    world.module.use(body)
    tape = world.tape("use")
    assert [tape.arguments(index) for index in range(2)] == [("parent",), ("parent again",)]
    assert len(tape.effects) == 2


def test_32_uninstall_with_an_open_tape_gives_the_very_own_functions_back(tmp_path: Path) -> None:
    with captured(tmp_path, SOURCE, CONFIG) as world:
        module = world.module
        find, code = module.find, module.find.__code__

        def body() -> object:
            world.activation.uninstall()
            return module.find("x")

        assert module.use(body) == ["x", "x"]
        assert module.find is find
        assert module.find.__code__ is not code
        assert module.find.__code__.co_varnames[:2] == ("status", "limit")
        assert "__wrapped__" not in vars(module.find)


def test_33_a_dependency_is_reached_by_names_that_were_imported_earlier(world: World) -> None:
    find = world.module.find
    world.module.use(find, "x")
    assert world.tape("use").names() == ["find"]


def test_a_context_that_outlives_the_target_does_not_keep_the_recorded_bytes(world: World) -> None:
    contexts = []

    def body() -> None:
        world.module.find("x")
        contexts.append(copy_context())

    world.module.use(body)
    (tape,) = contexts[0][current]
    assert tape.effects == []
    assert world.tape("use").names() == ["find"]


def test_idle_tapes_leave_nothing_behind(world: World) -> None:
    world.module.use(world.module.find, "x")
    world.tape("use")
    gc.collect()
    assert open_ == []


def test_the_state_of_random_is_recorded_when_a_target_begins(tmp_path: Path) -> None:
    import random

    with captured(tmp_path, SOURCE, CONFIG.replace("[world:find", "[random, world:find")) as world:
        random.seed(5)
        state = random.getstate()
        world.module.use(random.random)
        tape = world.tape("use")
    assert [effect.preset for effect in tape.effects] == ["random"]
    assert tape.result(0) == state


def test_ids_of_the_standard_library_are_recorded_by_their_preset(tmp_path: Path) -> None:
    import secrets
    import uuid

    with captured(tmp_path, SOURCE, CONFIG.replace("[world:find", "[uuid, clock, world:find")) as world:
        made = []
        world.module.use(lambda: made.extend([uuid.uuid4(), secrets.token_hex(4)]) or None)
        tape = world.tape("use")
    assert [effect.dependency for effect in tape.effects] == ["uuid:uuid4", "secrets:token_hex"]
    assert tape.arguments(1) == ({"nbytes": 4},)
    assert tape.result(0) == made[0]
