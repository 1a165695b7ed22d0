"""`psycopg` (version 3): recorded at `Cursor.execute` and `executemany`, sync and async, with the rows fetched."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from . import Deferred, Described, Operation, Replacement
from .db_calls import Rows, ServedConnection, ServedCursor, outcome_of, statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import Wrap

_rows: WeakKeyDictionary[Any, Rows] = WeakKeyDictionary()
_MODULES = {"psycopg.cursor": "Cursor", "psycopg.cursor_async": "AsyncCursor"}


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "query", "params"), args, strict=False)) | kwargs
    query = named["query"]
    if not isinstance(query, (str, bytes)):  # psycopg.sql.Composable
        query = query.as_string(None)
    return statement(query, named.get("params", named.get("params_seq")), named["self"])


def _pack(result: Any, call: Described) -> Deferred:
    kept = _rows[call.subject] = Rows()
    return outcome_of(call.subject, kept)


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    args[0].serve(stored)
    return args[0]


def _install(namespace: dict[str, Any], wrap: Wrap) -> Callable[[], None] | None:
    """Have the fetching methods keep the rows that they give."""
    cls = namespace.get("Cursor")
    if cls is None or "fetchone" not in vars(cls):
        return None
    real = {name: vars(cls)[name] for name in ("fetchone", "fetchmany", "fetchall", "__iter__") if name in vars(cls)}

    def fetchone(self: Any) -> Any:
        row = real["fetchone"](self)
        kept = _rows.get(self)
        return row if kept is None else kept.one(row)

    def fetchmany(self: Any, size: int = 0) -> Any:
        rows = real["fetchmany"](self, size)
        kept = _rows.get(self)
        return rows if kept is None else kept.many(rows) if rows else kept.all(rows)

    def fetchall(self: Any) -> Any:
        rows = real["fetchall"](self)
        kept = _rows.get(self)
        return rows if kept is None else kept.all(rows)

    def iterate(self: Any) -> Any:
        for row in real["__iter__"](self):
            kept = _rows.get(self)
            if kept is not None:
                kept.one(row)
            yield row
        if (kept := _rows.get(self)) is not None:
            kept.complete = True

    made = {"fetchone": fetchone, "fetchmany": fetchmany, "fetchall": fetchall, "__iter__": iterate}
    for name in real:
        setattr(cls, name, made[name])

    def restore() -> None:
        for name, function in real.items():
            if vars(cls).get(name) is made[name]:
                setattr(cls, name, function)

    return restore


def _connect(*args: Any, **kwargs: Any) -> Any:
    from sys import modules

    base = modules["psycopg"].Cursor

    class Cursor(ServedCursor, base):  # type: ignore[misc,valid-type]
        """Executes as the recorded cursor does, and gives what was recorded."""

        description = None
        rowcount = -1
        lastrowid = None
        connection = None
        closed = False

    class Connection(ServedConnection):
        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            return Cursor(self)

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            return self.cursor().execute(query, params)

    return Connection()


operations = (
    *(
        Operation(module, f"{cls}.{name}", _describe, _pack, _rebuild)
        for module, cls in _MODULES.items()
        for name in ("execute", "executemany")
    ),
    Operation("psycopg.cursor", "Cursor.fetchone", _describe, install=_install),
)
replacements = (Replacement("psycopg.connection", "Connection.connect", _connect),)
