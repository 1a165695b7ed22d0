"""Lazy objects are not forced, queries are not run: Django and SQLAlchemy, the real ones."""

from __future__ import annotations

import copyreg
from collections.abc import Iterator
from typing import Any

import pytest
from freezes import frozen, kept

from snapagent.compare.comparing import examine
from snapagent.errors import FacsimileError
from snapagent.placeholder import Placeholder
from snapagent.sealing.preview import preview_text
from snapagent.serializer.inert.decode import decode
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


def test_a_query_that_was_not_run_comes_back_and_can_be_run(queries: Any) -> None:
    from django.contrib.contenttypes.models import ContentType
    from django.db.models import Count, Q

    ContentType.objects.bulk_create(ContentType(app_label="shop", model=name) for name in ("order", "item", "log"))
    rows = ContentType.objects.filter(~Q(id=3), id__gt=0).annotate(n=Count("id")).order_by("model")[:5]
    before = len(queries)

    result = frozen({"rows": rows, "same": rows})
    again = thaw(result.data)

    assert len(queries) == before
    assert again["rows"]._result_cache is None
    assert again["same"] is again["rows"]
    assert [(note.kind, note.path) for note in result.notes] == [("lazy", "result.rows")]
    assert str(again["rows"].query) == str(rows.query)
    assert [row.model for row in again["rows"]] == ["item", "order"]


def test_a_text_that_a_query_asks_for_is_not_stored(queries: Any) -> None:
    """It may be a secret, and in a query no name stands beside it."""
    from django.contrib.contenttypes.models import ContentType
    from django.db.models import Q

    models = ContentType.objects
    inner = models.filter(model="planted").values("id")
    for rows in (models.filter(model="planted"), models.exclude(Q(model__in=["planted"])), models.filter(id__in=inner)):
        result = frozen(rows)
        assert b"planted" not in result.data
        assert type(thaw(result.data)) is Placeholder


def test_a_facsimile_takes_the_place_of_a_query_that_was_not_run(queries: Any) -> None:
    from django.contrib.contenttypes.models import ContentType

    data = frozen({"rows": ContentType.objects.all()}).data
    before = len(queries)
    evaluated = ContentType.objects.none()
    evaluated._result_cache = [ContentType(model="order")]

    assert thaw(data, facsimiles={"result.rows": ["a row"]})["rows"] == ["a row"]
    assert thaw(data, facsimiles={"result.rows": evaluated})["rows"][0].model == "order"
    with pytest.raises(FacsimileError, match=r"result\.rows"):
        thaw(data, facsimiles={"result.other": []})
    assert len(queries) == before


def test_a_query_that_was_not_run_is_not_run_to_compare_or_show_it(queries: Any) -> None:
    from django.contrib.contenttypes.models import ContentType

    stored = thaw(frozen([ContentType.objects.all()]).data)
    before = len(queries)

    found = examine(stored, [ContentType.objects.filter(model="order")])
    other = examine(stored, [["rows"]])

    assert found.differences == ()
    assert [each.path for each in found.not_compared] == ["result[0]"]
    assert [each.kind for each in other.differences] == ["type"]
    assert "QuerySet" in other.differences[0].expected
    assert len(queries) == before


def test_the_preview_of_a_query_that_was_not_run_names_its_class(queries: Any) -> None:
    from django.contrib.contenttypes.models import ContentType

    assert "QuerySet" in preview_text(decode(frozen(ContentType.objects.all()).data), 200)


@pytest.fixture
def tag(django: Any) -> Iterator[Any]:
    """A model that no module holds, as Django makes them for many-to-many fields."""
    from django.apps import apps
    from django.contrib.contenttypes.models import ContentType
    from django.db.models import Model

    meta = type("Meta", (), {"app_label": "contenttypes"})
    yield type(Model)("Tag", (Model,), {"__module__": ContentType.__module__, "Meta": meta})
    del apps.all_models["contenttypes"]["tag"]
    apps.clear_cache()


def test_a_model_that_no_module_holds_is_found_in_the_registry(tag: Any) -> None:
    def name_of(row: Any) -> str:
        return str(isinstance(row, tag))

    again = kept([tag, tag(id=3), name_of])

    assert again[0] is tag
    assert (type(again[1]), again[1].id) == (tag, 3)
    assert again[2](tag()) == "True"
    assert "django.contrib.contenttypes.models.Tag" in preview_text(decode(frozen(tag).data), 200)


def test_a_model_that_another_has_replaced_in_the_registry_is_not_taken_for_it(tag: Any) -> None:
    from django.apps import apps
    from django.contrib.contenttypes.models import ContentType

    apps.all_models["contenttypes"]["tag"] = ContentType

    assert thaw(frozen([tag]).data)[0] is not ContentType


def test_settings_of_django_are_redacted(django: Any) -> None:
    """S9."""
    from django.conf import settings

    result = frozen([settings])

    assert [note.kind for note in result.notes] == ["redacted"]
    assert b"planted" not in result.data


def test_request_of_django_is_its_own_attributes_and_its_lazy_user_stays_lazy(django: Any) -> None:
    from django.http import HttpRequest
    from django.utils.functional import SimpleLazyObject

    asked: list[object] = []
    request = HttpRequest()
    request.META["PATH_INFO"] = "/orders/"
    request.user = SimpleLazyObject(lambda: asked.append(1))

    again = thaw(frozen(request).data)

    assert asked == []
    assert type(again) is HttpRequest and again.META == {"PATH_INFO": "/orders/"}
    assert type(again.user) is Placeholder


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


class Loading:
    """As `persistent.persistence.Persistent`, which the C one resembles: nearly every attribute loads it."""

    __slots__ = ("_Persistent__flags", "_Persistent__jar", "__dict__")

    def __getattribute__(self, name: str) -> Any:
        if object.__getattribute__(self, "_Persistent__flags") is None:
            object.__getattribute__(self, "_Persistent__jar").append("loaded")
            object.__setattr__(self, "_Persistent__flags", 0)
        return object.__getattribute__(self, name)

    def __reduce__(self) -> Any:
        return copyreg.__newobj__, (type(self),), self.__getstate__()  # type: ignore[attr-defined]

    def __getstate__(self) -> Any:
        return dict(object.__getattribute__(self, "__dict__"))


Loading.__module__, Loading.__qualname__ = "persistent.persistence", "Persistent"


class Account(Loading):
    pass


def test_an_object_of_a_database_that_is_not_loaded_is_not_loaded() -> None:
    ghost, loaded, new, loads = Account(), Account(), Account(), []
    for account, flags, jar in ((ghost, None, loads), (loaded, 0, loads), (new, None, None)):
        object.__setattr__(account, "_Persistent__flags", flags)
        object.__setattr__(account, "_Persistent__jar", jar)
    vars(loaded)["balance"] = 3

    result = frozen([ghost, loaded])

    assert loads == []
    assert [(note.kind, note.path) for note in result.notes] == [("lazy", "result[0]")]
    assert object.__getattribute__(thaw(result.data)[1], "__dict__") == {"balance": 3}


def test_an_object_of_the_real_library_is_not_loaded() -> None:
    persistent = pytest.importorskip("persistent")

    class Connection:
        loads = 0

        def setstate(self, account: Any) -> None:
            self.loads += 1

        def register(self, account: Any) -> None: ...

    made, connections = [], []
    in_c = persistent.Persistent, persistent.PickleCache
    in_python = persistent.persistence.PersistentPy, persistent.picklecache.PickleCachePy
    for base, cache in (in_c, in_python):
        connection: Any = Connection()
        connection._cache = cache(connection)
        account = type("Real", (base,), {})()
        account._p_oid = b"\1" * 8
        account._p_jar = connection
        connection._cache[account._p_oid] = account
        account._p_deactivate()
        made.append(account)
        connections.append(connection)

    notes = frozen(made).notes

    assert [note.kind for note in notes] == ["lazy", "lazy"]
    assert [connection.loads for connection in connections] == [0, 0]
    assert [account._p_changed for account in made] == [None, None]
