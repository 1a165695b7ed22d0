"""The set-up of the application runs once in a process, before the first bundle is loaded or called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from bundles import Shop

from snapagent import Bundle, load_capture
from snapagent.errors import NotReplayableError

BOOT = """
log = []

def prepare():
    log.append("prepare")

def fails():
    log.append("fails")
    raise LookupError("no database")

def stops():
    raise SystemExit(3)

async def later():
    log.append("later")

class App:
    @classmethod
    def start(cls):
        log.append("start")

class Starter:
    __hash__ = None

    def __call__(self):
        log.append("starter")

starter = Starter()
"""


@pytest.fixture
def boot(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module that `setup:` names; each test has a new one."""
    (tmp_path / "till_boot.py").write_text(BOOT)
    (tmp_path / "snapagent.yaml").write_text("version: 1\n")
    monkeypatch.setenv("SNAPAGENT_CONFIG", str(tmp_path / "snapagent.yaml"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    sys.modules.pop("till_boot", None)
    yield importlib.import_module("till_boot")
    sys.modules.pop("till_boot", None)


@pytest.fixture
def bundle(boot: ModuleType, program: ModuleType, shop: Shop) -> Bundle:
    shop.capture("till_program:quote", program.quote, [1, 2])
    return load_capture("till_program.quote", base_path=shop.base_path)


def write_config(tmp_path: Path, name: str) -> None:
    (tmp_path / "snapagent.yaml").write_text(f"version: 1\nsetup: till_boot:{name}\n")


USES: dict[str, Callable[[Bundle], object]] = {
    "call": lambda bundle: bundle.call(),
    "check": lambda bundle: bundle.check(),
    "replay": lambda bundle: bundle.replay(),
    "verdict": lambda bundle: bundle.verdict(),
    "args": lambda bundle: bundle.args,
    "result": lambda bundle: bundle.result,
    "prepare": lambda bundle: bundle.prepare(),
    "call of another function": lambda bundle: bundle.call(lambda rows: rows),
}


@pytest.mark.parametrize("use", USES)
def test_any_first_use_of_a_bundle_sets_up_and_the_next_one_does_not(
    bundle: Bundle, boot: ModuleType, tmp_path: Path, use: str
) -> None:
    write_config(tmp_path, "prepare")
    assert bundle.outcome == "returned"
    assert boot.log == []

    USES[use](bundle)
    bundle.check()

    assert boot.log == ["prepare"]


@pytest.mark.parametrize(("name", "said"), [("App.start", "start"), ("starter", "starter")])
def test_any_callable_is_called_once(bundle: Bundle, boot: ModuleType, tmp_path: Path, name: str, said: str) -> None:
    write_config(tmp_path, name)

    bundle.check()
    bundle.check()

    assert boot.log == [said]


def test_a_set_up_that_fails_is_not_tried_again_and_is_the_reason_each_time(
    bundle: Bundle, boot: ModuleType, tmp_path: Path
) -> None:
    write_config(tmp_path, "fails")

    for _ in range(2):
        with pytest.raises(NotReplayableError, match="the set-up 'till_boot:fails' raised LookupError: no database"):
            bundle.call()
    assert bundle.verdict().kind == "not replayable"
    assert boot.log == ["fails"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("stops", "raised SystemExit: 3"),
        ("later", "is a coroutine function"),
        ("gone", "raised AttributeError: module 'till_boot' has no attribute 'gone'"),
    ],
)
def test_a_set_up_that_cannot_be_run_says_why(bundle: Bundle, tmp_path: Path, name: str, why: str) -> None:
    write_config(tmp_path, name)

    assert why in bundle.verdict().reason
