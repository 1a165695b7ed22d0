"""Calls of real libraries against real servers and databases, captured; replayed equal when these are gone."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from effects_support import captured
from http_server import Handler, serving

from snapagent import Bundle, EffectNotRecorded, UndeclaredEffect, load_capture
from snapagent.errors import NotReplayableError

SOURCES = {
    "requests": """
        import requests

        def call(url):
            session = requests.Session()
            first = session.get(url + "/moved?b=2&a=1")
            second = session.post(url + "/item", json={"status": first.status_code})
            return [first.json(), second.json()]
    """,
    "httpx": """
        import httpx

        def call(url):
            with httpx.Client(follow_redirects=True) as client:
                first = client.get(url + "/moved", params={"a": 1})
                second = client.post(url + "/item", json={"status": first.status_code})
            return [first.json(), second.json()]
    """,
    "httpx-async": """
        import asyncio
        import httpx

        async def call(url):
            async with httpx.AsyncClient() as client:
                found = await asyncio.gather(*(client.get(f"{url}/item/{number}") for number in range(3)))
            return [response.json() for response in found]
    """,
    "aiohttp": """
        import aiohttp

        async def call(url):
            async with aiohttp.ClientSession() as session:
                async with session.get(url + "/item/1") as first:
                    text = await first.text()
                async with session.post(url + "/item", json={"n": len(text)}) as second:
                    return [text, second.status, await second.json()]
    """,
}
DATABASES = {
    "sqlite3": """
        import sqlite3

        def prepare(path):
            connection = sqlite3.connect(path)
            connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
            connection.executemany("INSERT INTO item (name) VALUES (?)", [("a",), ("b",)])
            connection.commit()
            connection.close()

        def call(path, name):
            with sqlite3.connect(path) as connection:
                connection.row_factory = sqlite3.Row
                made = connection.execute("INSERT INTO item (name) VALUES (?)", (name,)).lastrowid
                rows = connection.execute("SELECT id, name FROM item WHERE id >= ? ORDER BY id", (2,)).fetchall()
                return made, [(row["id"], row["name"]) for row in rows]
    """,
    "sqlalchemy": """
        from sqlalchemy import ForeignKey, create_engine, select
        from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

        class Base(DeclarativeBase):
            pass

        class Customer(Base):
            __tablename__ = "customer"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str]
            orders: Mapped[list["Order"]] = relationship(back_populates="customer")

        class Order(Base):
            __tablename__ = "customer_order"
            id: Mapped[int] = mapped_column(primary_key=True)
            customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
            total: Mapped[int]
            customer: Mapped[Customer] = relationship(back_populates="orders")

        def prepare(path):
            engine = create_engine("sqlite:///" + path)
            Base.metadata.create_all(engine)
            with Session(engine) as session:
                session.add(Customer(name="ann", orders=[Order(total=3)]))
                session.commit()
            engine.dispose()

        def call(path, total):
            engine = create_engine("sqlite:///" + path)
            with Session(engine) as session:
                customer = session.scalars(select(Customer).where(Customer.name == "ann")).one()
                order = Order(customer=customer, total=total)
                session.add(order)
                session.commit()
                found = order.id, [(one.id, one.total) for one in customer.orders]
            engine.dispose()
            return found
    """,
}


def bundle_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str, source: str, *args: Any) -> Bundle:
    """Capture `call(*args)` of a module with one preset declared; the program is imported anew afterwards."""
    yaml = f"dependencies: [{preset}]\ntargets: [preset_world:call]\n"
    config = tmp_path / "snapagent.yaml"
    config.write_text("version: 1\n" + yaml)
    monkeypatch.setenv("SNAPAGENT_CONFIG", str(config))
    with captured(tmp_path, source, yaml, "preset_world") as world:
        if hasattr(world.module, "prepare"):
            world.module.prepare(*args[:1])
        value = world.module.call(*args)
        if hasattr(value, "__await__"):
            asyncio.run(value)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("preset_world")
    return load_capture("preset_world:call", base_path=tmp_path / "captures")


@pytest.fixture(autouse=True)
def own_module() -> Iterator[None]:
    sys.modules.pop("preset_world", None)
    yield
    sys.modules.pop("preset_world", None)


@pytest.mark.parametrize("name", SOURCES)
def test_37_http_calls_are_replayed_without_the_server(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(name.partition("-")[0])
    with serving() as url:
        bundle = bundle_of(tmp_path, monkeypatch, name.partition("-")[0], SOURCES[name], url)
        made = len(Handler.seen)
    assert made >= 2
    for _ in range(2):
        verdict = bundle.check()
        assert verdict.kind == "equal", verdict
    assert verdict.notes == (f"effects: {made} served",)
    assert len(Handler.seen) == made


@pytest.mark.parametrize("name", DATABASES)
def test_37_66_database_calls_are_replayed_without_the_database(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(name)
    path = str(tmp_path / "shop.db")
    bundle = bundle_of(tmp_path, monkeypatch, name, DATABASES[name], path, "c" if name == "sqlite3" else 5)
    os.unlink(path)
    for _ in range(2):
        verdict = bundle.check()
        assert verdict.kind == "equal", verdict
    assert not os.path.exists(path)


def test_42_another_statement_is_a_miss_that_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "shop.db")
    bundle = bundle_of(tmp_path, monkeypatch, "sqlite3", DATABASES["sqlite3"], path, "c")
    world = sys.modules["preset_world"]

    def call(path: str, name: str) -> Any:
        with world.sqlite3.connect(path) as connection:
            return connection.execute("SELECT id, name FROM item WHERE id >= ? ORDER BY id", (1,)).fetchall()

    with pytest.raises(EffectNotRecorded, match=r"parameters\[0\]: 1 != 2"):
        bundle.check(call)


def test_61_the_preset_of_the_library_is_what_the_refusal_tells_to_declare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("httpx")
    requests = pytest.importorskip("requests")
    with serving() as url:
        bundle = bundle_of(tmp_path, monkeypatch, "httpx", SOURCES["httpx"], url)
        with pytest.raises(UndeclaredEffect, match=r"- requests\n.*live=\['requests'\]"):
            bundle.check(lambda url: requests.get(url + "/item"))
        assert bundle.call(lambda url: requests.get(url + "/item").status_code, live=["requests"]) == 200


def test_53_the_state_of_random_is_that_of_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        import random

        def call(count):
            return [random.random() for _ in range(count)]
    """
    bundle = bundle_of(tmp_path, monkeypatch, "random", source, 3)
    assert bundle.check()
    assert bundle.call() == bundle.call()
    random = sys.modules["random"]
    with pytest.raises(AssertionError, match="one draw more or less changes all later ones"):
        bundle.check(lambda count: [random.random() for _ in range(count + 1)][1:])


def test_65_a_statement_that_a_warm_identity_map_spared_is_named_with_the_likely_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "shop.db")
    bundle = bundle_of(tmp_path, monkeypatch, "sqlite3", DATABASES["sqlite3"], path, "c")
    world = sys.modules["preset_world"]

    def call(path: str, name: str) -> Any:
        with world.sqlite3.connect(path) as connection:
            return connection.execute("SELECT count(*) FROM item").fetchall()

    with pytest.raises(EffectNotRecorded, match="nothing of its kind was recorded: a cache above it"):
        bundle.check(call)


LISTENER = """
    import redis

    client = redis.Redis(port=1)  # no server: to listen is an effect all the same

    def connected():
        redis.connection.Connection(port=1).connect()

    def heard(channel):
        try:
            client.pubsub().subscribe(channel)
        except redis.ConnectionError:
            return f"nothing on {channel}"

    def call(channel, listen):
        return heard(channel) if listen else channel
"""


def test_a_call_that_the_preset_cannot_record_makes_the_bundle_one_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("redis")
    bundle = bundle_of(tmp_path, monkeypatch, "redis", LISTENER, "news", True)
    said = "PubSub of redis is not recorded; declare the function that uses it under `dependencies:`"

    assert f"target preset_world:call: {said}" in caplog.text
    with pytest.raises(NotReplayableError, match=said) as caught:
        bundle.check()
    assert caught.value.remedy == "capture the call again"


def test_a_call_that_the_preset_cannot_serve_is_refused_where_the_recorded_call_made_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("redis")
    bundle = bundle_of(tmp_path, monkeypatch, "redis", LISTENER, "news", False)
    world = sys.modules["preset_world"]

    assert bundle.check().kind == "equal"
    with pytest.raises(EffectNotRecorded, match="PubSub of redis is not recorded"):
        bundle.check(lambda channel, listen: world.heard(channel))


def test_a_connection_that_the_declared_preset_does_not_record_names_the_function_to_declare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = pytest.importorskip("redis")
    bundle = bundle_of(tmp_path, monkeypatch, "redis", LISTENER, "news", False)
    world = sys.modules["preset_world"]

    with pytest.raises(UndeclaredEffect, match=r"- preset_world:connected\n"):
        bundle.check(lambda channel, listen: world.connected())
    with pytest.raises(redis.ConnectionError):
        bundle.call(lambda channel, listen: world.connected(), live=["preset_world:connected"])
    with pytest.raises(redis.ConnectionError):
        bundle.call(lambda channel, listen: world.connected(), live=["redis"])


def test_a_declared_function_may_use_what_the_preset_cannot_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("redis")
    bundle = bundle_of(tmp_path, monkeypatch, "redis, 'preset_world:heard'", LISTENER, "news", True)

    assert bundle.check().notes == ("effects: 1 served",)
    assert bundle.result == "nothing on news"
