"""`sqlite3`: its types are C and cannot be changed, so `connect` gives subclasses, which pass every type check.

A statement is one effect with the rows that the program fetched, and a commit is one. At replay transactions are made
on an empty database in memory.
"""

from __future__ import annotations

from . import Deferred, Described, LibraryObject, Operation
from .db_calls import RowNotRecorded, Rows, commit, outcome_of, statement
from .portable_paths import portable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import Calls, Wrap

_MODULE = "sqlite3.dbapi2"
_SERVED = ("cursor", "execute", "executemany", "executescript", "commit")  # methods of a connection


def _describe_connect(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    database = args[0] if args else kwargs.get("database")
    return Described("read", "connect", {"database": portable(str(database))})


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    return statement(args[1] if len(args) > 1 else None, args[2] if len(args) > 2 else None, args[0])


def _describe_commit(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    return commit()


def _pack_connect(connection: Any, call: Described) -> str:
    return "connection"


def _pack(cursor: Any, call: Described) -> Deferred:
    kept = cursor._snapagent_rows = Rows()
    row_type = type(cursor)._snapagent_row_type

    def finish(stored: dict[str, Any]) -> dict[str, Any]:
        is_row = any(type(row) is row_type for row in stored["rows"])
        rows = [tuple(row) if type(row) is row_type else row for row in stored["rows"]]
        return {**stored, "rows": rows, "row": is_row}

    return outcome_of(cursor, kept, finish)


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The cursor, of a connection to an empty database in memory, with the stored rows."""
    subject = args[0]
    cursor = subject if hasattr(subject, "fetchone") else subject.cursor()
    rows = stored["rows"]
    if stored["row"] and rows:
        names = [column[0] for column in stored["description"]]
        columns = ", ".join('? AS "{}"'.format(name.replace('"', '""')) for name in names)
        rows = [_row(cursor, columns, row) for row in rows]
    cursor._snapagent_served = {**stored, "rows": list(rows)}
    return cursor


def _row(cursor: Any, columns: str, values: Any) -> Any:
    """A row of the row type of the library, which reads the names off a real cursor."""
    plain = type(cursor)._snapagent_plain(":memory:")
    made = plain.execute(f"SELECT {columns}", values)
    row = type(cursor)._snapagent_row_type(made, tuple(values))
    plain.close()
    return row


def _rebuild_connect(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from sys import modules

    options = {name: value for name, value in kwargs.items() if name in ("isolation_level", "check_same_thread")}
    library = modules[_MODULE]
    return library.connect.__wrapped__(":memory:", factory=library.connect._snapagent_class, **options)


def _given(kind: type | None, name: str, calls: Calls) -> Any:
    """A connection that the target was given: its statements go through the class that `connect` gives meanwhile."""
    from sys import modules

    library = modules[_MODULE]

    class Connection(library.Connection):  # type: ignore[misc,name-defined]
        def __getattribute__(self, name: str) -> Any:
            if name in _SERVED:
                return getattr(library.connect._snapagent_class, name).__get__(self)
            return library.Connection.__getattribute__(self, name)

        def __exit__(self, *error: Any) -> Any:
            return library.connect._snapagent_class.__exit__(self, *error)

    return Connection(":memory:", check_same_thread=False)


def _install(namespace: dict[str, Any], wrap: Wrap) -> Callable[[], None] | None:
    from sys import modules

    real_connect = namespace["connect"]
    if hasattr(real_connect, "_snapagent_class"):
        return None
    made = _classes(namespace, wrap)
    own: dict[type, type] = {namespace["Connection"]: made}
    recorded = wrap(operations[0], _connecting(real_connect, namespace["Connection"], own, wrap))

    def connect(*args: Any, **kwargs: Any) -> Any:
        return recorded(*args, **kwargs)

    connect.__wrapped__ = real_connect  # type: ignore[attr-defined]
    connect._snapagent_class = made  # type: ignore[attr-defined]
    connect.__doc__, connect.__module__ = real_connect.__doc__, "sqlite3"
    places = [namespace, *(vars(modules[name]) for name in ("sqlite3",) if name in modules)]
    for place in places:
        if place.get("connect") is real_connect:
            place["connect"] = connect

    def restore() -> None:
        for place in [namespace, vars(modules["sqlite3"])] if "sqlite3" in modules else [namespace]:
            if place.get("connect") is connect:
                place["connect"] = real_connect

    return restore


def _connecting(real_connect: Any, base: type, own: dict[type, type], wrap: Wrap) -> Any:
    """`connect` with the subclass in place of the plain connection; a program's own factory stays as it is."""

    def connect(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("factory", base) is base and len(args) < 6:
            kwargs = {**kwargs, "factory": own[base]}
        return real_connect(*args, **kwargs)

    return connect


def _classes(namespace: dict[str, Any], wrap: Wrap) -> type:
    """The subclass of the connection, whose cursors keep the rows that they give."""
    base_connection, base_cursor = namespace["Connection"], namespace["Cursor"]
    recorded_commit = wrap(operations[4], base_connection.commit)

    def wrapped_commit(connection: Any) -> Any:
        return recorded_commit(connection)

    wrapped_commit.__name__ = wrapped_commit.__qualname__ = "commit"

    class Cursor(base_cursor):  # type: ignore[misc,valid-type]
        _snapagent_rows: Rows | None = None
        _snapagent_served: dict[str, Any] | None = None
        _snapagent_row_type = namespace["Row"]
        _snapagent_plain = staticmethod(namespace["connect"])

        execute = _method(wrap(operations[1], base_cursor.execute), "execute")
        executemany = _method(wrap(operations[2], base_cursor.executemany), "executemany")
        executescript = _method(wrap(operations[3], base_cursor.executescript), "executescript")

        def fetchone(self) -> Any:
            if self._snapagent_served is not None:
                return _next_served(self._snapagent_served)
            row = base_cursor.fetchone(self)
            return row if self._snapagent_rows is None else self._snapagent_rows.one(row)

        def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
            if self._snapagent_served is not None:
                size = args[0] if args else kwargs.get("size", self.arraysize)
                rows = self._snapagent_served["rows"]
                taken = rows[:size]
                del rows[:size]
                return taken
            taken = base_cursor.fetchmany(self, *args, **kwargs)
            kept = self._snapagent_rows
            return taken if kept is None else kept.many(taken) if taken else kept.all(taken)

        def fetchall(self) -> Any:
            if self._snapagent_served is not None:
                rows = self._snapagent_served["rows"]
                taken = list(rows)
                rows.clear()
                return taken
            rows = base_cursor.fetchall(self)
            return rows if self._snapagent_rows is None else self._snapagent_rows.all(rows)

        def __iter__(self) -> Any:
            return self

        def __next__(self) -> Any:
            if self._snapagent_served is not None:
                row = _next_served(self._snapagent_served)
                if row is None:
                    raise StopIteration
                return row
            kept = self._snapagent_rows
            if kept is None:
                return base_cursor.__next__(self)
            try:
                return kept.one(base_cursor.__next__(self))
            except StopIteration:
                kept.complete = True
                raise

    for name in ("description", "rowcount", "lastrowid"):
        setattr(Cursor, name, _served_property(base_cursor, name))

    class Connection(base_connection):  # type: ignore[misc,valid-type]
        commit = wrapped_commit

        def __exit__(self, *error: Any) -> Any:
            if error[0] is not None:
                return base_connection.__exit__(self, *error)
            try:
                wrapped_commit(self)
            except BaseException:
                self.rollback()
                raise
            return False

        def cursor(self, factory: Any = Cursor) -> Any:
            return base_connection.cursor(self, Cursor if factory is base_cursor else factory)

        def execute(self, *args: Any) -> Any:
            return self.cursor().execute(*args)

        def executemany(self, *args: Any) -> Any:
            return self.cursor().executemany(*args)

        def executescript(self, *args: Any) -> Any:
            return self.cursor().executescript(*args)

    for made, base in ((Connection, base_connection), (Cursor, base_cursor)):
        made.__module__, made.__qualname__ = base.__module__, base.__qualname__
    return Connection


def _method(recorded: Any, name: str) -> Any:
    def method(self: Any, *args: Any) -> Any:
        self._snapagent_rows = self._snapagent_served = None
        return recorded(self, *args)

    method.__name__ = method.__qualname__ = name
    return method


def _next_served(stored: dict[str, Any]) -> Any:
    rows = stored["rows"]
    if rows:
        return rows.pop(0)
    if not stored["complete"] and stored["description"] is not None:
        raise RowNotRecorded("more rows are fetched than in the recorded call")
    return None


def _served_property(base: type, name: str) -> property:
    real = vars(base)[name]

    def read(self: Any) -> Any:
        served = self._snapagent_served
        return real.__get__(self) if served is None else served[name]

    return property(read)


operations = (
    Operation(_MODULE, "connect", _describe_connect, _pack_connect, _rebuild_connect, install=_install),
    *(
        Operation(_MODULE, f"Cursor.{name}", _describe, _pack, _rebuild, install=lambda namespace, wrap: None)
        for name in ("execute", "executemany", "executescript")
    ),
    Operation(_MODULE, "Connection.commit", _describe_commit, install=lambda namespace, wrap: None),
)
objects = (LibraryObject(("sqlite3.Connection",), _given),)
