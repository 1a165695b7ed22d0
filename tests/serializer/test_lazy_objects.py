"""Lazy objects are not forced, queries are not run: Django and SQLAlchemy, the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from freezes import frozen, kept

from snapagent.placeholder import Placeholder
from snapagent.serializer.thawing.load import thaw


@pytest.fixture(scope="module")
def django() -> Any:
    django = pytest.importorskip("django")
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            INSTALLED_APPS=["django.contrib.contenttypes"],
            SECRET_KEY="planted-django-secret",
        )
        django.setup()
    return django


def test_a_lazy_object_of_django_is_not_forced(django: Any) -> None:
    """F10."""
    from django.utils.functional import SimpleLazyObject

    calls: list[int] = []
    lazy = SimpleLazyObject(lambda: calls.append(1) or {"user": 1})

    result = frozen({"user": lazy, "id": 3})

    assert calls == []
    assert (result.notes[0].kind, result.notes[0].path) == ("lazy", "result.user")
    assert lazy["user"] == 1
    assert kept({"user": lazy})["user"] == {"user": 1}  # evaluated by the program: it is there now


def test_a_lazy_factory_that_raises_is_not_called(django: Any) -> None:
    """F11."""
    from django.utils.functional import SimpleLazyObject

    def factory() -> None:
        raise RuntimeError("db down")

    assert frozen(SimpleLazyObject(factory)).notes[0].kind == "lazy"


@pytest.fixture
def queries(django: Any) -> Iterator[list[Any]]:
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with connection.schema_editor() as editor:
        editor.create_model(ContentType)
    with CaptureQueriesContext(connection) as captured:
        yield captured
    with connection.schema_editor() as editor:
        editor.delete_model(ContentType)


def test_a_query_set_runs_no_query(queries: Any) -> None:
    """F12."""
    from django.contrib.contenttypes.models import ContentType

    ContentType.objects.create(app_label="shop", model="order")
    rows = ContentType.objects.filter(app_label="shop")
    before = len(queries)

    result = frozen([rows])

    assert len(queries) == before
    assert rows._result_cache is None
    assert result.notes[0].kind == "lazy"

    fetched = list(rows)
    before = len(queries)
    again = thaw(frozen([rows]).data)[0]
    assert [row.model for row in again._result_cache] == [row.model for row in fetched] == ["order"]
    assert len(queries) == before


def test_settings_and_requests_of_django_are_redacted(django: Any) -> None:
    """S9."""
    from django.conf import settings
    from django.http import HttpRequest

    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = "Bearer planted-bearer"

    result = frozen([settings, request])

    assert [note.kind for note in result.notes] == ["redacted", "redacted"]
    assert b"planted" not in result.data


def test_sqlalchemy_is_asked_nothing() -> None:
    """F13, F14: no statement for an expired instance; rows, sessions and engines become placeholders."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    from sqlalchemy import orm
    from sqlalchemy_models import Base, Order

    engine = sqlalchemy.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    statements: list[str] = []
    sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with orm.Session(engine) as session:
        session.add(Order(id=1, name="first"))
        session.commit()  # expires it
        order = session.get(Order, 1)
        session.expire(order)
        rows = session.execute(sqlalchemy.text("select 1 union select 2"))
        before = len(statements)

        result = frozen({"order": order, "session": session, "rows": rows, "engine": engine, "id": 3})

        assert len(statements) == before
        assert rows.fetchall() == [(1,), (2,)]
        again = thaw(result.data)
        assert type(again["order"]).__name__ == "Order"
        assert all(type(again[name]) is Placeholder for name in ("session", "rows", "engine"))
        assert again["id"] == 3
