"""A folder of captures and a small program for tests of the replaying half."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from bundles import Shop

PROGRAM = """
import functools
import threading


class Unavailable(Exception):
    def __init__(self, item, left):
        super().__init__(f"{item}: {left} left")
        self.item, self.left = item, left


def quote(rows, currency="USD", **options):
    if not rows:
        raise Unavailable("rows", 0)
    return {"total": sum(rows), "currency": currency, **options}


def append_to(rows, row):
    rows.append(row)
    return rows


def noted(name):
    error = KeyError(name)
    error.add_note("while looking")
    raise error


class Till:
    def __init__(self, start):
        self.amount = start
        self.lock = threading.Lock()

    def add(self, amount, *more):
        with self.lock:
            self.amount += amount + sum(more)
        return self.amount

    @classmethod
    def made_of(cls, start):
        return cls(start).amount, cls.__name__

    @staticmethod
    def rate(name, /):
        return len(name)

    @property
    def doubled(self):
        return self.amount * 2


class BigTill(Till):
    pass


async def fetch(key):
    return {"key": key}


async def pages(count):
    for number in range(count):
        yield number


def countdown(start):
    while True:
        yield start
        start -= 1


def lines(text):
    yield from text.split()


def loud(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args).upper()
    return wrapper


@loud
def greet(name):
    return f"hello {name}"


def log_in(user, password):
    return {"user": user, "token": "t-" + password, "ok": True}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "captures")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module `till_program`, imported anew for each test."""
    (tmp_path / "till_program.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("till_program", None)
    yield importlib.import_module("till_program")
    sys.modules.pop("till_program", None)
