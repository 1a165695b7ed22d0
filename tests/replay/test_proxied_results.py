"""`result: proxy`: objects of C types, whose methods cannot be wrapped, are recorded through a proxy and served."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from effects_support import World, captured

from snapagent import Bundle, EffectNotRecorded, load_capture

SOURCE = """
    import sqlite3

    def connect(path):
        return sqlite3.connect(path)

    def pages(first):
        return (page for page in range(first, first + 3))

    def add(path, name):
        connection = connect(path)
        assert isinstance(connection, sqlite3.Connection)
        with connection:
            made = connection.execute("INSERT INTO item (name) VALUES (?)", (name,)).lastrowid
        cursor = connection.cursor()
        cursor.execute("SELECT id, name FROM item WHERE id <= ? ORDER BY id", (made,))
        names = [column[0] for column in cursor.description]
        first = cursor.fetchone()
        rest = [row for row in cursor]
        connection.close()
        return made, names, first, rest

    def read(first, most):
        found = []
        for page in pages(first):
            found.append(page)
            if len(found) == most:
                break
        return found
"""
YAML = """
dependencies:
  - {target: "proxied_world:connect", result: proxy}
  - {target: "proxied_world:pages", result: proxy, role: read}
targets: ["proxied_world:add", "proxied_world:read"]
"""


def prepared(tmp_path: Path) -> str:
    path = str(tmp_path / "shop.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO item (name) VALUES ('a'), ('b')")
    connection.close()
    return path


def bundle_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *args: Any) -> tuple[Bundle, Any]:
    with captured(tmp_path, SOURCE, YAML, "proxied_world") as world:
        value = getattr(world.module, name)(*args)
        assert_untouched_outside_of_targets(world, tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return load_capture(f"proxied_world:{name}", base_path=tmp_path / "captures"), value


def assert_untouched_outside_of_targets(world: World, tmp_path: Path) -> None:
    connection = world.module.connect(":memory:")
    assert type(connection) is sqlite3.Connection
    connection.close()


def test_a_chain_of_c_objects_is_served_without_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = prepared(tmp_path)
    bundle, value = bundle_of(tmp_path, monkeypatch, "add", path, "c")
    assert value == (3, ["id", "name"], (1, "a"), [(2, "b"), (3, "c")])
    Path(path).unlink()
    for _ in range(2):
        assert bundle.check().kind == "equal"
    assert not Path(path).exists()
    roles = {effect.dependency.rpartition(":")[2]: effect.role for effect in bundle.effects}
    assert roles["connect"] == "write" and roles["Cursor.fetchone"] == "read"
    assert {effect.receiver for effect in bundle.effects} >= {None, "effect 0"}


def test_another_statement_on_a_proxied_object_is_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, _ = bundle_of(tmp_path, monkeypatch, "add", prepared(tmp_path), "c")
    bundle.check()
    world = sys.modules["proxied_world"]

    def add(path: str, name: str) -> Any:
        return world.connect(path).execute("SELECT count(*) FROM item").fetchone()

    with pytest.raises(EffectNotRecorded, match="count"):
        bundle.check(add)


@pytest.mark.parametrize(("most", "expected"), [(9, [1, 2, 3]), (2, [1, 2])])
def test_an_iterator_that_a_plain_function_returns_is_recorded_as_far_as_it_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, expected: list[int]
) -> None:
    bundle, value = bundle_of(tmp_path, monkeypatch, "read", 1, most)
    assert value == expected
    assert bundle.check().notes == ("effects: 1 served",)
    if most == 2:
        world = sys.modules["proxied_world"]
        with pytest.raises(EffectNotRecorded, match="up to item 2 only"):
            bundle.check(lambda first, most: list(world.pages(first)))
