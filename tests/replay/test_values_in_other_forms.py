"""Values that are stored under another name or as another type, found and compared as what they are."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import held
import pytest
from bundles import Shop

from snapagent import load_capture
from snapagent.compare.outcomes import CHANGED, EQUAL

SOURCE = """
import re
import sqlite3
from lxml import etree

COLOURS = {"red": 1, "green": 2}


def keys():
    return iter(COLOURS)


def items():
    return [iter(COLOURS.items()), iter({1, 2})]


class Bunch(dict):
    def __init__(self, **items):
        super().__init__(items)
        self.warned = {}

    def __setstate__(self, state):
        pass


def bunch():
    return Bunch(**COLOURS)


def row():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute("select ? as red", (COLOURS["red"],)).fetchone()
    finally:
        connection.close()


def element():
    return etree.fromstring("<red>%s</red>" % COLOURS["red"])


def values():
    return COLOURS.values()


def match():
    return re.search("red=(.)", "".join(f"{name}={number} " for name, number in COLOURS.items()))


class Node:
    def __init__(self, name, number):
        self.name = name
        self.number = number


class Index:
    def __init__(self):
        self.nodes = [Node(*item) for item in COLOURS.items()]
        self.by_id = {id(node): node for node in self.nodes}
        self.pairs = {(id(one), id(other)) for one in self.nodes for other in self.nodes}


def index():
    return Index()


def find(index, node):
    return index.by_id[id(node)].name


COUNT = [7]


def keys_and_count():
    return iter(dict(COLOURS)), COUNT[0]


def is_flate(value):
    return value is FLATE


class Filter:
    def __init__(self, name):
        self.name = name


FLATE = Filter("flate")


def use(library, data):
    return library.dumps(data)
"""


FORMS = ["keys", "items", "bunch", "row", "element", "values", "match", "index"]


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "colours.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("colours")
    sys.modules.pop("colours", None)


@pytest.mark.parametrize("name", FORMS)
def test_a_result_whose_stored_form_is_another_type_is_equal_to_itself(
    shop: Shop, colours: ModuleType, name: str
) -> None:
    shop.capture(f"colours:{name}", getattr(colours, name))
    bundle = load_capture(f"colours:{name}", base_path=shop.base_path)

    assert bundle.verdict().kind == EQUAL
    assert bundle.check()


@pytest.mark.parametrize("name", FORMS)
def test_such_a_result_that_is_another_one_now_is_changed(shop: Shop, colours: ModuleType, name: str) -> None:
    shop.capture(f"colours:{name}", getattr(colours, name))
    colours.COLOURS["red"] = 7
    colours.COLOURS["blue"] = 3

    assert load_capture(f"colours:{name}", base_path=shop.base_path).verdict().kind == CHANGED


def test_a_change_is_not_told_with_what_only_the_stored_form_changes(shop: Shop, colours: ModuleType) -> None:
    shop.capture("colours:keys_and_count", colours.keys_and_count)
    colours.COUNT[0] = 8

    (difference,) = load_capture("colours:keys_and_count", base_path=shop.base_path).verdict().comparison.differences

    assert (difference.path, difference.expected, difference.got) == ("result[1]", "7", "8")


def test_an_object_is_found_by_its_id_at_replay(shop: Shop, colours: ModuleType) -> None:
    index = colours.index()
    shop.capture("colours:find", colours.find, index, index.nodes[1])

    assert load_capture("colours:find", base_path=shop.base_path).check()


def test_a_singleton_is_the_very_same_object_at_replay(shop: Shop, colours: ModuleType) -> None:
    shop.capture("colours:is_flate", colours.is_flate, colours.FLATE)
    bundle = load_capture("colours:is_flate", base_path=shop.base_path)

    assert bundle.result is True and bundle.check()


def test_a_module_among_the_arguments_is_imported_at_replay(shop: Shop, colours: ModuleType) -> None:
    shop.capture("colours:use", colours.use, json, [1])
    bundle = load_capture("colours:use", args=(json, [1]), base_path=shop.base_path)

    assert bundle.hash.startswith("h2:") and bundle.check()
    assert load_capture("colours:use", hash=bundle.hash, base_path=shop.base_path).path == bundle.path
    assert load_capture("colours:use", hash=bundle.hash[3:10], base_path=shop.base_path).path == bundle.path


@pytest.mark.parametrize(
    "value", [held.add_three, json, held.Order(4).bound_to_hidden()], ids=["closure", "module", "method"]
)
def test_a_call_that_version_0_1_0_stored_is_found_by_its_arguments(
    shop: Shop, colours: ModuleType, value: Any
) -> None:
    def echo(value: object) -> int:
        return 1

    colours.echo = echo  # type: ignore[attr-defined]
    shop.capture("colours:echo", echo, value, as_first=True)

    bundle = load_capture("colours:echo", args=(value,), base_path=shop.base_path)

    assert bundle.hash.startswith("h1:")


CELERY = """
import celery

app = celery.Celery("tasks", broker="memory://", backend="cache+memory://")


@app.task(bind=True, name="add")
def add(self, x, y):
    return self.name, x + y


@celery.shared_task(bind=True, name="shared")
def shared(self, x):
    return self.name, x
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], ModuleType]]:
    pytest.importorskip("celery")
    (tmp_path / "celery_tasks.py").write_text(CELERY)
    monkeypatch.syspath_prepend(str(tmp_path))

    def load() -> ModuleType:
        sys.modules.pop("celery_tasks", None)
        return importlib.import_module("celery_tasks")

    yield load
    sys.modules.pop("celery_tasks", None)


@pytest.mark.parametrize("is_evaluated", [False, True], ids=["lazy", "evaluated"])
@pytest.mark.parametrize(("name", "args"), [("add", (1, 2)), ("shared", (3,))])
@pytest.mark.filterwarnings("ignore::Warning")  # celery tells that a task of this name is there already
def test_a_celery_task_that_passes_itself_replays(
    shop: Shop, tasks: Callable[[], ModuleType], name: str, args: tuple[int, ...], is_evaluated: bool
) -> None:
    task = getattr(tasks(), name)
    shop.capture(f"celery_tasks:{name}", task.run.__func__, task._get_current_object(), *args)
    if not is_evaluated:
        tasks()

    assert load_capture(f"celery_tasks:{name}", base_path=shop.base_path).check()


def test_a_task_among_the_arguments_is_the_one_that_its_module_holds(
    shop: Shop, colours: ModuleType, tasks: Callable[[], ModuleType]
) -> None:
    def enqueue(task: Any) -> str:
        return "queued"

    colours.enqueue = enqueue  # type: ignore[attr-defined]
    module = tasks()
    shop.capture("colours:enqueue", enqueue, module.shared)

    (found,) = load_capture("colours:enqueue", base_path=shop.base_path).args

    assert object.__repr__(found) == object.__repr__(module.shared)
