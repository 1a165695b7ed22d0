"""Statements of real database libraries, recorded below a target, and what is rebuilt from them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from effects_support import World, captured

from snapagent.dependencies.presets import load_preset
from snapagent.dependencies.presets.db_calls import RowNotRecorded, ServedConnection, ServedCursor, role_of

SQLITE = """
    import sqlite3
    from sqlite3 import connect

    def use(function, *args):
        return function(*args)
"""


@pytest.mark.parametrize(
    ("sql", "role"),
    [
        ("SELECT 1", "read"),
        ("  /* a */ (select 1)", "read"),
        ("-- why\nSELECT 1", "read"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "read"),
        ("WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a", "write"),
        ("PRAGMA table_info(a)", "read"),
        ("PRAGMA journal_mode = wal", "write"),
        ("BEGIN", "read"),
        ("INSERT INTO a VALUES (1)", "write"),
        ("CREATE TABLE a (b)", "write"),
    ],
)
def test_the_role_of_a_statement_is_read_off_its_text(sql: str, role: str) -> None:
    assert role_of(sql) == role


class TestSqlite:
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with captured(tmp_path, SQLITE, "dependencies: [sqlite3]\ndefaults: {keep: .inf}\ntargets: [world:use]\n") as w:
            connection = w.module.sqlite3.connect(tmp_path / "shop.db")
            connection.executescript(
                "CREATE TABLE item (id INTEGER PRIMARY KEY, name); INSERT INTO item VALUES (1,'a')"
            )
            connection.executemany("INSERT INTO item VALUES (?,?)", [(2, "b"), (3, "c")])
            connection.commit()
            connection.close()
            yield w

    def test_a_statement_is_one_effect_with_the_rows_that_were_fetched(self, world: World) -> None:
        def body() -> Any:
            connection = world.module.connect(str(world.folder / "shop.db"))
            cursor = connection.execute("SELECT * FROM item WHERE id > ?", (1,))
            return cursor.fetchone(), cursor.fetchall()

        assert world.module.use(body) == ((2, "b"), [(3, "c")])
        tape = world.tape("use")
        assert [effect.shape for effect in tape.effects] == ["connect", "SELECT * FROM item WHERE id > ?"]
        assert tape.arguments(1) == ({"sql": "SELECT * FROM item WHERE id > ?", "parameters": (1,)},)
        stored = tape.result(1)
        assert (stored["rows"], stored["complete"]) == ([(2, "b"), (3, "c")], True)
        assert [column[0] for column in stored["description"]] == ["id", "name"]

    def test_rows_that_were_not_fetched_are_not_stored_and_not_claimed(self, world: World) -> None:
        def body() -> None:
            connection = world.module.connect(str(world.folder / "shop.db"))
            for _ in connection.execute("SELECT * FROM item"):
                break

        world.module.use(body)
        stored = world.tape("use").result(1)
        assert (stored["rows"], stored["complete"]) == ([(1, "a")], False)

    def test_connections_and_cursors_pass_the_type_checks_of_the_library(self, world: World) -> None:
        sqlite3 = world.module.sqlite3
        connection = sqlite3.connect(":memory:")
        assert isinstance(connection, sqlite3.Connection)
        assert isinstance(connection.cursor(), sqlite3.Cursor)
        assert repr(type(connection)) == "<class 'sqlite3.Connection'>"
        with connection:
            connection.execute("CREATE TABLE a (b)")
        connection.row_factory = sqlite3.Row
        assert connection.execute("SELECT 1 AS x").fetchone()["x"] == 1

    def test_a_dropped_cursor_ends_its_statement_as_without_capture(self, world: World) -> None:
        def body() -> None:
            connection = world.module.connect(str(world.folder / "shop.db"), isolation_level=None)
            next(connection.execute("SELECT * FROM item"))
            connection.execute("DROP TABLE item")  # "database table is locked" while a statement is open

        world.module.use(body)
        assert len(world.tape("use").effects) == 3

    def test_rows_with_names_and_written_ids_come_back(self, world: World) -> None:
        sqlite3 = world.module.sqlite3

        def body() -> None:
            connection = world.module.connect(str(world.folder / "shop.db"))
            connection.row_factory = sqlite3.Row
            connection.execute("SELECT id, name AS title FROM item").fetchall()
            connection.execute("INSERT INTO item (name) VALUES (?)", ("d",))

        world.module.use(body)
        tape = world.tape("use")
        connect, execute, *_ = load_preset("sqlite3")
        assert connect.rebuild is not None
        assert execute.rebuild is not None
        connection = connect.rebuild(tape.result(0), (), {})
        cursor = execute.rebuild(tape.result(1), (connection.cursor(), "SELECT"), {})
        first, *rest = cursor.fetchall()
        assert isinstance(first, sqlite3.Row)
        assert (first["title"], len(rest)) == ("a", 2)
        assert [column[0] for column in cursor.description] == ["id", "title"]
        assert execute.rebuild(tape.result(2), (connection.cursor(), "INSERT"), {}).lastrowid == 4

    def test_uninstall_gives_the_very_own_connect_back(self, tmp_path: Path) -> None:
        import sqlite3

        before = sqlite3.connect
        with captured(tmp_path, SQLITE, "dependencies: [sqlite3]\ntargets: [world:use]\n"):
            assert sqlite3.connect is not before
        assert sqlite3.connect is before
        assert sqlite3.dbapi2.connect is before


def test_a_served_cursor_does_not_make_up_rows() -> None:
    stored = {"rows": [(1,)], "complete": False, "description": [("a",)], "rowcount": -1, "lastrowid": None}
    cursor = ServedCursor(None, stored)
    assert cursor.fetchone() == (1,)
    with pytest.raises(RowNotRecorded):
        cursor.fetchone()


def test_rows_of_a_statement_that_passed_the_preset_by_are_refused() -> None:
    cursor = ServedConnection().cursor()
    cursor.execute("PRAGMA foreign_keys=ON")  # as programs do when a connection is made
    with pytest.raises(RowNotRecorded, match="declare the function that uses it"):
        cursor.fetchall()
    with pytest.raises(LookupError, match="'fetch' of the driver's connection is not recorded"):
        ServedConnection().driver_connection.fetch("SELECT 1")


class TestSqlalchemy:
    sqlalchemy = pytest.importorskip("sqlalchemy")

    SOURCE = """
        from sqlalchemy import create_engine, text, select, String
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, Session

        class Base(DeclarativeBase):
            pass

        class Item(Base):
            __tablename__ = "item"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(String(20))

        def use(session):
            session.add(Item(name="b"))
            session.flush()
            names = session.scalars(select(Item.name).order_by(Item.id)).all()
            session.commit()
            return names
    """

    def test_statements_of_the_orm_are_effects_with_their_rows(self, tmp_path: Path) -> None:
        with captured(tmp_path, self.SOURCE, "dependencies: [sqlalchemy]\ntargets: [world:use]\n") as world:
            m = world.module
            engine = m.create_engine(f"sqlite:///{tmp_path / 'a.db'}")
            m.Base.metadata.create_all(engine)
            with m.Session(engine) as session:
                assert m.use(session) == ["b"]
            tape = world.tape("use")
        assert [effect.shape.split()[0] for effect in tape.effects] == ["INSERT", "SELECT", "COMMIT"]
        assert [effect.role for effect in tape.effects] == ["write", "read", "write"]
        assert tape.result(0)["lastrowid"] == 1
        assert tape.result(1)["rows"] == [("b",)]


DJANGO = """
    import os, sys, json
    from pathlib import Path
    import django
    from django.conf import settings
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "a.db"}},
                       INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], USE_TZ=True)
    django.setup()
    from django.core.management import call_command
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from shop import use
    print(use(User))
"""
SHOP = """
    from django.db import transaction
    def use(User):
        with transaction.atomic():
            with transaction.atomic():
                User.objects.create(username="ann")
        return list(User.objects.filter(username="ann").values_list("username", flat=True))
"""


def test_the_orm_of_django_is_recorded(tmp_path: Path) -> None:
    pytest.importorskip("django")
    from snapagent.bundle import EFFECTS
    from snapagent.cli import launch
    from snapagent.dependencies.tape import decode_effects
    from snapagent.store import Store

    (tmp_path / "main.py").write_text(textwrap.dedent(DJANGO))
    (tmp_path / "shop.py").write_text(textwrap.dedent(SHOP))
    (tmp_path / "snapagent.yaml").write_text(
        "version: 1\nbudget: 100%\ndependencies: [django-orm]\ntargets: ['shop:*']\n"
    )
    environ = launch.environment_for(dict(os.environ), on=True)
    done = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("['ann']\n", "")
    store = Store(str(tmp_path / "captures"))
    file = store.read(store.newest("shop:use"))
    effects = decode_effects(file.payload[EFFECTS])
    words = [effect.shape.split()[0].upper() for effect in effects]  # type: ignore[union-attr]
    assert words == ["BEGIN", "SAVEPOINT", "INSERT", "RELEASE", "SELECT"] or "INSERT" in words
    assert file.header.effects["complete"]
