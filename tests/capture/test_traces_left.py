"""Nothing of a captured call is left afterwards: no reference to its arguments, and no name is lost."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from recording import instrumented

SOURCE = """
def fail(value, *, also=None):
    raise ValueError("no")

def each(value):
    yield 1
    raise ValueError("no")

async def wait(value):
    raise ValueError("no")

async def stream(value):
    yield 1
    raise ValueError("no")

class Shape:
    def __init__(self, side):
        self._side = side

    @property
    def area(self):
        return self._side ** 2

    @property
    def perimeter(self):
        return self._side * 4

    @perimeter.setter
    def perimeter(self, value):
        self._side = value / 4

    def _get(self):
        return 1

    renamed = property(_get)

def late(self):
    return 2

Shape.added = property(late)
"""


class Value:
    pass


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "sample.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("sample")
    sys.modules.pop("sample", None)


async def _drained(stream: Any) -> None:
    async for _ in stream:
        pass


CALLS: dict[str, Callable[[ModuleType, object], object]] = {
    "plain": lambda sample, value: sample.fail(value),
    "keyword": lambda sample, value: sample.fail(1, also=value),
    "generator": lambda sample, value: list(sample.each(value)),
    "coroutine": lambda sample, value: asyncio.run(sample.wait(value)),
    "async generator": lambda sample, value: asyncio.run(_drained(sample.stream(value))),
}


@pytest.mark.parametrize("captured", [True, False])
@pytest.mark.parametrize("mode", ["wrap", "inplace"])
@pytest.mark.parametrize("how", CALLS)
def test_arguments_end_with_the_frames_of_the_program(sample: ModuleType, how: str, mode: str, captured: bool) -> None:
    """`unittest.assertRaises` clears the frames of a traceback, so that the exception keeps nothing alive."""
    with instrumented(sample, mode=mode, keep=False) as memories:
        for memory in memories.made.values():
            memory.on = captured
        value = Value()
        alive = weakref.ref(value)
        try:
            CALLS[how](sample, value)
        except ValueError as error:
            caught = error
        del value
        traceback.clear_frames(caught.__traceback__)
        gc.collect()
        assert alive() is None


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_a_captured_property_keeps_its_name_in_messages(sample: ModuleType, mode: str) -> None:
    def messages() -> list[str]:
        shape = sample.Shape(2)
        found = []
        for name in ("area", "renamed", "added"):
            for change in (lambda: setattr(shape, name, 1), lambda: delattr(shape, name)):  # noqa: B023
                with pytest.raises(AttributeError) as caught:
                    change()
                found.append(str(caught.value))
        with pytest.raises(AttributeError) as caught:
            del shape.perimeter
        return [*found, str(caught.value)]

    bare = messages()
    assert any("'area'" in text for text in bare)
    with instrumented(sample, mode=mode) as memories:
        assert messages() == bare
        assert sample.Shape(2).area == 4
        assert len(memories.calls("Shape.area")) == 1
    assert messages() == bare


@pytest.mark.skipif(sys.version_info < (3, 13), reason="properties tell their name from Python 3.13 on")
def test_a_captured_property_tells_its_name(sample: ModuleType) -> None:
    with instrumented(sample):
        assert vars(sample.Shape)["renamed"].__name__ == "renamed"
        assert vars(sample.Shape)["perimeter"].__name__ == "perimeter"


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_the_namespace_of_a_caller_ends_with_the_program_s_use_of_it(sample: ModuleType, mode: str) -> None:
    """As that of `exec`: what is in it is freed at once, and what is in `__main__` when the process ends."""
    with instrumented(sample, mode=mode, keep=False):
        value = Value()
        namespace = {"Shape": sample.Shape, "each": sample.each, "value": value}
        alive = weakref.ref(value)
        exec("Shape(2).area, next(each(3))", namespace)
        del value, namespace
        assert alive() is None


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
def test_the_globals_of_a_module_that_called_end_with_the_module(sample: ModuleType, mode: str) -> None:
    with instrumented(sample, mode=mode, keep=False):
        value = Value()
        module = sys.modules["calling"] = ModuleType("calling")  # without functions, which keep their globals
        vars(module).update(Shape=sample.Shape, value=value)
        exec("for _ in range(3): Shape(2).area", vars(module))
        alive = weakref.ref(value)
        del value, module, sys.modules["calling"]
        assert alive() is None


AT_EXIT = """
import snapagent
snapagent.install(enabled=True)
import shop

class Ends:
    def __del__(self):
        print("ended")

kept = Ends()
for number in range(3):
    print(shop.quote(number))
"""


def test_what_is_in_main_ends_when_the_process_ends(tmp_path: Path) -> None:
    """Its globals were those of the last caller."""
    (tmp_path / "shop.py").write_text("def quote(number): return [number]")
    (tmp_path / "snapagent.yaml").write_text("version: 1\nbudget: 100%\ntargets: ['shop:quote']\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "SNAP"))}
    environ["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", AT_EXIT], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[0]\n[1]\n[2]\nended\n", "")
    assert list(tmp_path.glob("captures/shop.quote/*.pkl"))


WRAPT = tuple(map(int, version("wrapt").split(".")[:2]))
NAMES = """
import os, sys
with open("shop.py", "w") as file:
    file.write("def quote(number): return [number]")
with open("snapagent.yaml", "w") as file:
    file.write("version: 1\\ntargets: ['shop:quote']\\nsync: true\\n")
import snapagent
snapagent.install(enabled=True)
import shop
shop.quote(1)
assert os.listdir("captures"), "nothing was captured"
names = {"inspect", "dis", "tokenize", "dataclasses"}
if sys.version_info < (3, 14):  # there, named tuples need it
    names.add("ast")
print(sorted(names & sys.modules.keys()))
"""


@pytest.mark.skipif(WRAPT < (2, 4), reason="the C part of older releases of wrapt imports inspect")
def test_a_captured_program_has_not_the_modules_that_look_into_code(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "SNAP"))}
    environ["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", NAMES], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


MOCKED = """
import json, os, time
from unittest import mock
with open("shop.py", "w") as file:
    file.write("def quote(number): return [number]")
with open("snapagent.yaml", "w") as file:
    file.write("version: 1\\ntargets: ['shop:quote']\\nbudget: 100%\\n")
import snapagent
snapagent.install(enabled=True)
import shop
shop.quote(0)
time.sleep(0.7)
names = "listdir scandir stat fstat open close write rename mkdir unlink getpid".split()
patches = [mock.patch(f"os.{name}") for name in names] + [mock.patch("fcntl.flock"), mock.patch("hashlib.sha256")]
mocks = [patch.start() for patch in patches]
for number in range(20):
    shop.quote(number)
time.sleep(0.7)
for patch in patches:
    patch.stop()
print([one for one in mocks if one.called])
snapagent.uninstall()
with open("captures/shop.quote/index.json") as file:
    index = json.load(file)
print(index["captured"], index["failed"])
"""


def test_functions_of_the_system_that_the_program_replaces_are_not_called_for_a_capture(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "SNAP"))}
    environ["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", MOCKED], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n21 {}\n", "")


ENDING = """
import os
with open("shop.py", "w") as file:
    file.write('''
import os
class Order:
    def __getstate__(self):
        os.write(1, b"asked ")
        return {}
    def close(self):
        return self
    def __del__(self):
        os.write(1, b"gone ")
    def lines(self):
        yield self
        yield 2
def use(order):
    return order
''')
with open("snapagent.yaml", "w") as file:
    file.write("version: 1\\ntargets: ['shop:**']\\nbudget: 100%\\nsync: SYNC\\n")
import snapagent
snapagent.install(enabled=True)
import shop
shop.use(1)
class AtTheEnd:
    def __init__(self, use): self.use = use
    def __del__(self): self.use(shop_order)
at_the_end, shop_order = AtTheEnd(shop.use), shop.Order()
lines = shop.Order().lines()
next(lines)
os.write(1, b"end ")
"""


@pytest.mark.parametrize("sync", ["true", "false"])
def test_finalisers_that_run_while_the_interpreter_ends_are_not_captured(tmp_path: Path, sync: str) -> None:
    """Modules are half gone then: an object's hooks may fail, and its class may not be found under its name."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "SNAP"))}
    environ["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    program = ENDING.replace("SYNC", sync)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.rpartition("end ")[2], done.stderr) == ("gone gone ", "")
    assert len(list((tmp_path / "captures" / "shop.use").glob("*.pkl"))) == 1
