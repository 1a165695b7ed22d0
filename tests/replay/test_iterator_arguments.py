"""Calls that were given generators and coroutines replay equal: with what the function took from them."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from snapagent import install, load_capture, uninstall

PROGRAM = """
import asyncio


class Host:
    def __init__(self, name):
        self.name = name

    def aliases(self):
        yield self.name
        yield "www." + self.name


def first_open(hosts):
    return next((host for host in hosts if not host.startswith("closed")), None)


def known(names):
    for name in names:
        yield name.lower()


async def fetch(url, factor=1):
    await asyncio.sleep(0)
    if "missing" in url:
        raise LookupError(url)
    return len(url) * factor


async def gather_all(*calls):
    return await asyncio.gather(*calls, return_exceptions=True)


async def some(calls, wanted):
    return await calls[0] if wanted else None


async def total(values):
    return sum([value async for value in values])


async def values(count):
    for value in range(count):
        yield value
"""
CONFIG = "version: 1\nsync: true\nbudget: 100%\ndefaults: {keep: 1}\ntargets: ['hosts_program:**']\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The program while its functions are captured; every one of them is a target, those of the arguments too."""
    (tmp_path / "hosts_program.py").write_text(PROGRAM)
    (tmp_path / "snapagent.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    install(enabled=True, config=str(tmp_path / "snapagent.yaml"))
    yield importlib.import_module("hosts_program")
    uninstall()
    sys.modules.pop("hosts_program", None)


def replayed(target: str) -> Any:
    """The verdict over the newest call; without capture, as in a test."""
    uninstall()
    bundle = load_capture(f"hosts_program:{target}")
    assert not bundle.header.notes
    return bundle.verdict().kind


def test_a_generator_expression(program: ModuleType) -> None:
    names = ["closed.org", "open.org", "late.org"]
    hosts = (name.upper().lower() for name in names)

    assert program.first_open(hosts) == "open.org"

    assert list(hosts) == ["late.org"]
    assert replayed("first_open") == "equal"


def test_a_generator_of_a_captured_function(program: ModuleType) -> None:
    assert program.first_open(program.known(["CLOSED", "Open"])) == "open"

    assert replayed("first_open") == "equal"


def test_a_generator_of_a_captured_method(program: ModuleType) -> None:
    assert program.first_open(program.Host("a.org").aliases()) == "a.org"

    assert replayed("first_open") == "equal"


def test_coroutines_of_a_captured_function(program: ModuleType) -> None:
    calls = program.fetch("/item"), program.fetch("/missing", factor=2)

    four, error = asyncio.run(program.gather_all(*calls))

    assert four == 5 and type(error) is LookupError
    assert replayed("gather_all") == "equal"


@pytest.mark.filterwarnings("error::RuntimeWarning")  # no other: the collection finds what earlier tests have left too
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("wanted", [True, False])
def test_a_coroutine_that_is_not_awaited_does_not_warn(program: ModuleType, wanted: bool) -> None:
    call, spare = program.fetch("/item"), program.fetch("/more")

    asyncio.run(program.some([call, spare], wanted))
    call.close(), spare.close()

    assert replayed("some") == "equal"
    gc.collect()


def test_an_asynchronous_generator(program: ModuleType) -> None:
    assert asyncio.run(program.total(program.values(4))) == 6

    assert replayed("total") == "equal"


def test_a_generator_that_had_started_is_told_to_be_missing(program: ModuleType) -> None:
    hosts = (name for name in ["a", "closed", "b"])
    next(hosts)

    assert program.first_open(hosts) == "b"

    uninstall()
    bundle = load_capture("hosts_program:first_open")
    verdict = bundle.verdict()
    assert "has started" in bundle.header.notes[0].reason
    assert verdict.kind == "not comparable" and verdict.paths == ("hosts",)
