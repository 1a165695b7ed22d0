"""Accepting a change of what a call writes: the tape gets today's writes, and the reads keep their answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from effects_support import World, captured

from snapagent import Bundle, NotAcceptedError, load_capture

SOURCE = """
REAL = [True]

def _reach():
    if not REAL[0]:
        raise ConnectionError("the real thing was called")

def find(key):
    _reach()
    return {"key": key}

def send(text, urgent=False):
    _reach()
    return len(text)

def store(row):
    _reach()

class Session:
    def __init__(self):
        self.lock = open(__file__)
    def put(self, row):
        _reach()

def connect():
    _reach()
    return Session()

def kept(text):
    send("hello")
    session = connect()
    session.put(text)
    return text

def work(text):
    found = find("a")
    first = send("hello")
    store({"row": text})
    second = send("bye")
    return [found["key"], first, second]
"""
CONFIG = """
dependencies:
  - {target: "world:find", role: read}
  - {target: "world:send", role: write}
  - {target: "world:store", role: write}
  - {target: "world:connect", role: read, result: handle}
  - {target: "world:Session.put", role: write}
targets: ["world:work", "world:kept"]
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "snapagent.yaml").write_text("version: 1\n" + CONFIG)
    with captured(tmp_path, SOURCE, CONFIG) as world:
        world.module.work("x")
        world.module.kept("x")
        world.tape("work")
        monkeypatch.setenv("SNAPAGENT_CONFIG", str(tmp_path / "snapagent.yaml"))
        world.activation.uninstall()
        world.module.REAL[0] = False
        yield world


def bundle_of(world: World) -> Bundle:
    return load_capture("world.work", base_path=world.folder / "captures")


def sent(world: World) -> list[object]:
    return [effect.arguments for effect in bundle_of(world).effects if effect.dependency == "world:send"]


def now(source: str, name: str = "work") -> Any:
    """A function of the program as it is today, called like the target."""
    names = vars(sys.modules["world"])
    exec(compile(source, "world.py", "exec"), names)
    return names[name]


def test_a_write_with_other_arguments(world: World) -> None:
    changed = now('def work(text):\n    find("a")\n    send("hello, you", urgent=True)\n    store({"row": text})\n'
                  '    send("bye")\n    return 1\n')  # fmt: skip
    with pytest.raises(AssertionError, match=r"effects\[1\]\.text"):
        bundle_of(world).check(changed)
    verdict = bundle_of(world).accept(changed)
    assert verdict.kind == "changed"
    assert bundle_of(world).check(changed)
    assert sent(world) == [{"text": "hello, you", "urgent": True}, {"text": "bye"}]
    assert bundle_of(world).result == 1
    with pytest.raises(AssertionError):
        bundle_of(world).check(now(SOURCE[SOURCE.index("def work") :]))


def test_a_write_that_is_left_out_and_a_read_that_stays(world: World) -> None:
    changed = now('def work(text):\n    send("hello")\n    send("bye")\n    return 2\n')
    bundle_of(world).accept(changed)
    verdict = bundle_of(world).check(changed)
    assert verdict
    assert [effect.dependency for effect in bundle_of(world).effects] == ["world:find", "world:send", "world:send"]
    assert bundle_of(world).metadata["effects"]["count"] == 3
    assert bundle_of(world).metadata["effects"]["dependencies"] == {"world:find": (1, 0), "world:send": (0, 2)} or (
        bundle_of(world).metadata["effects"]["dependencies"] == {"world:find": [1, 0], "world:send": [0, 2]}
    )


def test_writes_in_another_order(world: World) -> None:
    changed = now('def work(text):\n    find("a")\n    send("bye")\n    store({"row": text})\n    send("hello")\n'
                  '    return 3\n')  # fmt: skip
    with pytest.raises(AssertionError, match="order"):
        bundle_of(world).check(changed)
    bundle_of(world).accept(changed)
    assert bundle_of(world).check(changed)
    assert [found["text"] for found in sent(world)] == ["bye", "hello"]  # type: ignore[index]


def test_the_outcome_alone_leaves_the_tape_as_it_is(world: World) -> None:
    before = world.tape("work").file.payload["effects"]
    changed = now(SOURCE[SOURCE.index("def work") :].replace("[found", "[7, found"))
    bundle_of(world).accept(changed)
    assert world.tape("work").file.payload["effects"] == before
    assert bundle_of(world).check(changed)
    assert bundle_of(world).result == [7, "a", 5, 3]


def test_a_call_without_a_recorded_answer_is_refused(world: World) -> None:
    path = bundle_of(world).path
    before = path.read_bytes()
    changed = now('def work(text):\n    return find("b")\n')
    with pytest.raises(NotAcceptedError, match=r"find\(key='b'\).*capture the call again"):
        bundle_of(world).accept(changed)
    assert path.read_bytes() == before


def test_secrets_of_a_write_are_redacted(world: World) -> None:
    secret = "Zq8-hunter2-Secret-93"
    changed = now(f'def work(text):\n    send("hello")\n    store({{"password": "{secret}"}})\n    send("bye")\n')
    bundle_of(world).accept(changed)
    assert secret.encode() not in bundle_of(world).path.read_bytes()
    assert bundle_of(world).check(changed)


def test_writes_on_a_handle_change_while_its_number_stays(world: World) -> None:
    kept = load_capture("world.kept", base_path=world.folder / "captures")
    assert [effect.receiver for effect in kept.effects] == [None, None, "effect 1"]
    changed = now('def kept(text):\n    send("hello")\n    connect().put("other")\n    return text\n', "kept")
    kept.accept(changed)
    assert kept.check(changed)
    with pytest.raises(NotAcceptedError, match="its writes have moved"):
        kept.accept(now('def kept(text):\n    connect().put("other")\n    return text\n', "kept"))


def test_a_shown_path_of_a_write_is_one_that_ignore_takes(world: World) -> None:
    changed = now('def work(text):\n    find("a")\n    send("hello, you")\n    store({"row": text})\n    send("bye")\n'
                  '    return ["a", 5, 3]\n')  # fmt: skip
    with pytest.raises(AssertionError, match=r"effects\[1\]\.text"):
        bundle_of(world).check(changed)
    verdict = bundle_of(world).check(changed, ignore=["effects[1].text"])
    assert verdict and verdict.unused == ()
    with pytest.raises(AssertionError):
        bundle_of(world).check(changed, ignore=["effects[2].text"])
