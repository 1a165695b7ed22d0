"""Functions that a framework took before they were wrapped are captured, without a change in the application."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from recording import Memories, instrumented


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module `application` with the given source."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(source: str) -> ModuleType:
        (tmp_path / "application.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module("application")

    yield make
    sys.modules.pop("application", None)


def seen(memories: Memories, name: str) -> list[tuple[tuple[object, ...], dict[str, object]]]:
    return [(args, kwargs) for args, kwargs, _ in memories.calls(name)]


def test_flask_views(app):
    pytest.importorskip("flask")
    module = app("""
import functools
from flask import Blueprint, Flask
app = Flask(__name__)
pages = Blueprint("pages", __name__)
def checked(view):
    @functools.wraps(view)
    def inner(*args, **kwargs): return view(*args, **kwargs)
    return inner
@app.get("/items/<int:number>")
@checked
def item(number): return {"number": number}
@pages.get("/page")
def page(): return "page"
@app.before_request
def before(): return None
@app.errorhandler(404)
def missing(error): return "none", 404
app.register_blueprint(pages)
""")
    with instrumented(module, "application:*") as memories:
        client = module.app.test_client()
        assert client.get("/items/3").get_json() == {"number": 3}
        assert client.get("/page").text == "page"
        assert client.get("/nowhere").status_code == 404
        assert seen(memories, "item") == [((), {"number": 3})]
        assert len(seen(memories, "page")) == len(seen(memories, "missing")) == 1
        assert len(seen(memories, "before")) == 3
        assert module.app.view_functions["item"] is module.item


def test_click_commands(app):
    click = pytest.importorskip("click")
    from click.testing import CliRunner

    module = app("""
import click
@click.group()
def cli(): ...
@cli.command()
@click.argument("name")
@click.option("--times", default=1)
@click.pass_context
def greet(context, name, times): click.echo(f"hello {name}" * times)
""")
    with instrumented(module, "application:cli", "application:greet") as memories:
        assert CliRunner().invoke(module.cli, ["greet", "you"]).output == "hello you\n"
        assert CliRunner().invoke(module.greet, ["me", "--times", "2"]).output == "hello mehello me\n"
        assert [kwargs for _, kwargs in seen(memories, "greet")] == [
            {"name": "you", "times": 1},
            {"name": "me", "times": 2},
        ]
        assert len(seen(memories, "cli")) == 1
        assert memories.unreachable == {}
        assert isinstance(module.greet, click.Command)


@pytest.mark.parametrize("lazy", [True, False])
def test_celery_tasks(app, lazy):
    pytest.importorskip("celery")
    module = app(f"""
from celery import Celery, shared_task
app = Celery("application", broker="memory://", backend="cache+memory://", set_as_current=True)
@app.task(lazy={lazy})
def add(x, y): return x + y
@app.task(bind=True, lazy={lazy})
def named(self, x): return self.name, x
@shared_task(name="shared-{lazy}")
def shared(x): return x
""")
    with instrumented(module, "application:*") as memories:
        assert module.add.apply((1, 2)).get() == 3
        assert module.add(3, y=4) == 7
        assert module.app.tasks["application.add"].apply((5, 6)).get() == 11
        assert module.named.apply((1,)).get() == ("application.named", 1)
        assert module.shared.apply((9,)).get() == 9
        assert seen(memories, "add") == [((1, 2), {}), ((3,), {"y": 4}), ((5, 6), {})]
        assert len(seen(memories, "named")) == len(seen(memories, "shared")) == 1


def test_fastapi_endpoints(app):
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from fastapi.testclient import TestClient

    module = app("""
from fastapi import Depends, FastAPI
app = FastAPI()
def setting(): return 5
@app.get("/plain/{number}")
def plain(number: int, extra: int = Depends(setting)): return {"number": number + extra}
@app.get("/async/{number}")
async def asynchronous(number: int): return {"number": number}
""")
    with instrumented(module, "application:*") as memories:
        client = TestClient(module.app)
        assert client.get("/plain/3").json() == {"number": 8}
        assert client.get("/async/4").json() == {"number": 4}
        assert client.get("/plain/x").status_code == 422
        assert seen(memories, "plain") == [((), {"number": 3, "extra": 5})]
        assert seen(memories, "asynchronous") == [((), {"number": 4})]
        assert seen(memories, "setting") == [((), {}), ((), {})]
