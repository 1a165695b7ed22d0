"""Generator-based coroutines of every form stay awaitable when they are captured, and are captured as coroutines."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from recording import instrumented

import snapagent
from snapagent import load_capture
from snapagent.replay.side_effects.wrapped_call import flavor_of

SOURCE = """
import functools
import types

@types.coroutine
def step(x):
    yield
    return x + 1

class Walker:
    def __init__(self, by):
        self.by = by

    @types.coroutine
    def walk(self, x):
        yield
        return x + self.by

    @classmethod
    @types.coroutine
    def build(cls, by):
        yield
        return cls.__name__, by

    @staticmethod
    @types.coroutine
    def rest():
        yield
        return "rested"

@types.coroutine
def outer(x):
    one = yield from step(x)
    two = yield from step(one)
    return two

def decorated(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)
    return call

@decorated
@types.coroutine
def behind(x):
    yield
    return x * 2

@types.coroutine
def failing():
    yield
    raise KeyError("gone")

@types.coroutine
def made(x):
    return iter_of(x)

def iter_of(x):
    yield
    return x

def plain(x):
    yield x
    return x
"""
EARLIER = "import sample\nstep = sample.step\n"


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "sample.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("sample")
    sys.modules.pop("sample", None)


async def all_forms(sample: ModuleType) -> list[object]:
    walker = sample.Walker(10)
    results: list[object] = [
        await sample.step(1),
        await walker.walk(1),
        await sample.Walker.build(3),
        await sample.Walker.rest(),
        await sample.outer(1),
        await sample.behind(4),
        await sample.made(5),
        list(sample.plain(6)),
    ]
    try:
        await sample.failing()
    except KeyError as error:
        results.append(str(error))
    return results


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_each_form_is_awaited_as_before(sample: ModuleType, mode: str) -> None:
    bare = asyncio.run(all_forms(sample))
    with instrumented(sample, mode=mode) as memories:
        assert asyncio.run(all_forms(sample)) == bare
        assert memories.calls("step")[0] == ((1,), {}, ("returned", 2))
        assert memories.calls("Walker.walk")[0][2] == ("returned", 11)
        assert memories.calls("Walker.build")[0][2] == ("returned", ("Walker", 3))
        assert memories.calls("Walker.rest") == [((), {}, ("returned", "rested"))]
        assert [call[2] for call in memories.calls("outer")] == [("returned", 3)]
        assert memories.calls("failing") == [((), {}, ("raised", KeyError))]
        assert memories.calls("plain")[0][2] == ("ended", [6], "complete", None)
        assert {memories.made[f"sample:{name}"].flavor for name in ("step", "Walker.walk", "outer")} == {"coroutine"}
    assert asyncio.run(all_forms(sample)) == bare


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_calls_that_are_not_captured_are_awaitable_too(sample: ModuleType, mode: str) -> None:
    bare = asyncio.run(all_forms(sample))
    with instrumented(sample, mode=mode) as memories:
        for memory in memories.made.values():
            memory.on = False
        assert asyncio.run(all_forms(sample)) == bare
        assert not memories.calls("step")


def test_a_function_behind_a_decorator_is_followed_to_its_result(sample: ModuleType) -> None:
    with instrumented(sample, "sample:behind") as memories:
        assert asyncio.run(all_forms(sample))[5] == 8
        assert memories.calls("behind") == [((4,), {}, ("returned", 8))]


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_a_reference_taken_earlier_is_awaitable(sample: ModuleType, mode: str) -> None:
    step = sample.step
    with instrumented(sample, mode=mode) as memories:
        result = step(1)
        assert inspect.isawaitable(result)
        assert asyncio.run(awaited(result)) == 2
        assert memories.calls("step") == [((1,), {}, ("returned", 2))]


async def awaited(value: object) -> object:
    return await value  # type: ignore[misc]


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
@pytest.mark.parametrize("captured", [True, False])
def test_a_generator_function_that_becomes_a_coroutine_after_it_was_captured(
    sample: ModuleType, mode: str, captured: bool
) -> None:
    with instrumented(sample, "sample:iter_of", mode=mode) as memories:
        memories.made["sample:iter_of"].on = captured
        assert list(sample.iter_of(1)) == [None]
        late = types.coroutine(sample.iter_of)
        assert asyncio.run(awaited(late(7))) == 7
        assert len(memories.calls("iter_of")) == (2 if captured else 0)
    assert asyncio.run(awaited(sample.iter_of(8))) == 8


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_the_result_looks_like_that_of_an_uncaptured_function(sample: ModuleType, mode: str) -> None:
    with instrumented(sample, mode=mode):
        made = sample.step(1)
        assert type(made) is types.GeneratorType
        assert (made.__name__, made.__qualname__) == ("step", "step")
        assert list(made) == [None]
        with pytest.raises(TypeError, match="argument"):
            sample.step()


def test_a_captured_one_is_replayed(sample: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "snapagent.yaml").write_text("version: 1\nbudget: 100%\ntargets: ['sample:**']\n")
    monkeypatch.chdir(tmp_path)
    snapagent.install(enabled=True, config=str(tmp_path / "snapagent.yaml"))
    try:
        asyncio.run(all_forms(sample))
    finally:
        snapagent.uninstall()
    for name in ("step", "Walker.walk", "Walker.build", "outer", "behind"):
        load_capture(f"sample.{name}", base_path=tmp_path / "captures").check()


def test_a_side_effect_of_this_kind_is_served_as_a_coroutine(sample: ModuleType) -> None:
    assert flavor_of(sample.step) == "coroutine"
    assert flavor_of(sample.plain) == "generator"
