"""`sqlalchemy`: recorded where the dialect hands a statement to the driver; the ORM above runs as real code."""

from __future__ import annotations

from . import Described, LibraryObject, Operation, Replacement
from .db_calls import ServedConnection, ServedCursor, commit, do_nothing_async, statement, teed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import Calls

_DEFAULT = "sqlalchemy.engine.default"


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "cursor", "statement", "parameters", "context"), args, strict=False)) | kwargs
    return statement(named["statement"], named.get("parameters"), _subject(named))


def _describe_without_parameters(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "cursor", "statement", "context"), args, strict=False)) | kwargs
    return statement(named["statement"], None, _subject(named))


def _describe_commit(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    return commit()


def _subject(named: dict[str, Any]) -> tuple[Any, Any, str]:
    """The cursor, the context whose result fetches from it, and how an engine of this dialect is made."""
    dialect = named["self"]
    return named["cursor"], named.get("context"), f"{dialect.name}+{dialect.driver}"


def _pack(result: Any, call: Described) -> Any:
    subject: Any = call.subject
    cursor, context, dialect = subject
    # Rows are tuples to the dialects; those of asyncpg are of a type that cannot be stored.
    teeing, outcome = teed(cursor, lambda found: {**found, "rows": list(map(tuple, found["rows"])), "dialect": dialect})
    if context is not None:
        context.cursor = teeing  # the result fetches from the cursor of the context
    return outcome


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    cursor = args[1] if len(args) > 1 else kwargs["cursor"]
    if isinstance(cursor, ServedCursor):
        cursor.serve(stored)
        _await_once()


def _await_once() -> None:
    """An asynchronous engine takes a statement that awaits nothing for one of a driver that is not asynchronous."""
    from sys import modules

    concurrency: Any = modules["sqlalchemy.util.concurrency"]
    if concurrency.in_greenlet():
        wait = getattr(concurrency, "await_", None) or concurrency.await_only  # before SQLAlchemy 2.1
        wait(do_nothing_async())


def _connect(dialect: Any, *args: Any, **kwargs: Any) -> ServedConnection:
    return ServedConnection()


def _nothing(dialect: Any, *args: Any, **kwargs: Any) -> None:
    """The dialect asks the server about itself when it connects first, which was long before the recorded call."""


def _engine(calls: Calls, is_async: bool = False) -> Any:
    """An engine of the dialect that was recorded; None where there is no statement that tells it."""
    from sys import modules

    dialect = next((stored["dialect"] for _, stored in calls if stored), None)
    if dialect is None:
        return None
    library = modules["sqlalchemy"]
    create = modules["sqlalchemy.ext.asyncio"].create_async_engine if is_async else library.create_engine
    return create(f"{dialect}://", creator=ServedConnection, poolclass=library.pool.NullPool, _initialize=False)


def _made(build: Callable[[type, Any], Any], is_async: bool = False) -> Callable[[type | None, str, Calls], Any]:
    def make(kind: type | None, name: str, calls: Calls) -> Any:
        engine = _engine(calls, is_async) if kind is not None else None
        return None if kind is None or engine is None else build(kind, engine)

    return make


def _session(kind: Any, engine: Any) -> Any:
    """A session; of a class of the program's own, which may want other arguments, the library's base."""
    for cls in (kind, *kind.__mro__):
        if cls.__module__.startswith("sqlalchemy.") or cls is kind:
            try:
                return cls(bind=engine)
            except Exception:
                continue
    return None


def _async_session(kind: Any, engine: Any) -> Any:
    return kind(engine, expire_on_commit=False)  # reading an expired attribute would need a loop


def _scoped_session(kind: Any, engine: Any) -> Any:
    from sys import modules

    return kind(modules["sqlalchemy.orm"].sessionmaker(engine))


def replacements() -> list[Replacement]:
    """Of every dialect that is loaded: how it connects, and what it asks the server when it connects first."""
    from sys import modules

    default = getattr(modules.get(_DEFAULT), "DefaultDialect", None)
    found, todo = [], [default] if default is not None else []
    while todo:
        dialect = todo.pop()
        todo += dialect.__subclasses__()
        for name, function in (("connect", _connect), ("initialize", _nothing)):
            if name in vars(dialect):
                found.append(Replacement(dialect.__module__, f"{dialect.__qualname__}.{name}", function))
    return found


operations = (
    Operation(_DEFAULT, "DefaultDialect.do_execute", _describe, _pack, _rebuild),
    Operation(_DEFAULT, "DefaultDialect.do_executemany", _describe, _pack, _rebuild),
    Operation(_DEFAULT, "DefaultDialect.do_execute_no_params", _describe_without_parameters, _pack, _rebuild),
    Operation(_DEFAULT, "DefaultDialect.do_commit", _describe_commit),
)
objects = (
    LibraryObject(("sqlalchemy.orm.session.Session",), _made(_session)),
    LibraryObject(("sqlalchemy.orm.session.sessionmaker",), _made(lambda kind, engine: kind(engine))),
    LibraryObject(("sqlalchemy.orm.scoping.scoped_session",), _made(_scoped_session)),
    LibraryObject(("sqlalchemy.engine.base.Engine",), _made(lambda kind, engine: engine)),
    LibraryObject(("sqlalchemy.engine.base.Connection",), _made(lambda kind, engine: engine.connect())),
    LibraryObject(("sqlalchemy.ext.asyncio.session.AsyncSession",), _made(_async_session, True)),
    LibraryObject(("sqlalchemy.ext.asyncio.session.async_sessionmaker",), _made(_async_session, True)),
    LibraryObject(("sqlalchemy.ext.asyncio.engine.AsyncEngine",), _made(lambda kind, engine: engine, True)),
    LibraryObject(
        ("sqlalchemy.ext.asyncio.engine.AsyncConnection",),
        _made(lambda kind, engine: kind(engine, engine.sync_engine.connect()), True),
    ),
)
