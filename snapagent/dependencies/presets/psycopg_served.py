"""Connections and cursors of psycopg that are connected to nothing: what they execute is served from a recording."""

from __future__ import annotations

from .db_calls import ServedCursor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SERVED = "_snapagent_served"  # attribute of these connections


class _Cursor(ServedCursor):
    """The facts of a cursor, which its base reads from the server. `execute` is the recorded one of the base."""

    connection = pgresult = statusmessage = row_factory = None
    description: Any = None
    rowcount = -1
    rownumber: int | None = None
    lastrowid = None
    closed = False
    format = 0
    itersize = 100

    def serve(self, stored: dict[str, Any]) -> None:
        """As of any cursor; columns have names here."""
        super().serve(stored)
        if self.description is not None:
            self.description = [_column(column) for column in self.description]


def _column(values: Any) -> Any:
    from collections import namedtuple

    names = ("name", "type_code", "display_size", "internal_size", "precision", "scale", "null_ok")
    return namedtuple("Column", names)(*values) if len(values) == len(names) else values


class _AsyncCursor(_Cursor):
    async def fetchone(self) -> Any:
        return ServedCursor.fetchone(self)

    async def fetchmany(self, size: int | None = None) -> Any:  # type: ignore[override]
        return ServedCursor.fetchmany(self, size)

    async def fetchall(self) -> Any:  # type: ignore[override]
        return ServedCursor.fetchall(self)

    async def __aiter__(self) -> Any:
        while (row := ServedCursor.fetchone(self)) is not None:
            yield row

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.closed = True

    async def close(self) -> None:  # type: ignore[override]
        self.closed = True


class _Pipeline:
    """There is nothing to send, and nothing to wait for."""

    def __init__(self, sync: Any) -> None:
        self._sync = sync

    def sync(self) -> Any:
        return self._sync()


class _Connection:
    """What is the same in both kinds of connection."""

    _sync: Any
    closed = broken = autocommit = False
    pgconn = _pipeline = isolation_level = read_only = deferrable = row_factory = cursor_factory = None
    prepare_threshold = None
    name = "served"

    def __del__(self) -> None:
        """There is nothing to close."""

    def __repr__(self) -> str:
        return "<a connection whose statements are served>"

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return self.cursor().execute(query, params)

    def cursor(self, name: str = "", **options: Any) -> Any:
        raise NotImplementedError

    def pipeline(self) -> Any:
        """A block whose statements are served one by one."""
        from contextlib import nullcontext

        return nullcontext(_Pipeline(self._sync))

    def add_notice_handler(self, callback: Any) -> None:
        """No notice comes."""

    remove_notice_handler = add_notify_handler = remove_notify_handler = add_notice_handler


def _do_nothing(self: Any, *args: Any, **kwargs: Any) -> None:
    return None


async def _do_nothing_async(self: Any, *args: Any, **kwargs: Any) -> None:
    return None


def _close(self: Any) -> None:
    self.closed = True


async def _close_async(self: Any) -> None:
    self.closed = True


_SET_UP = ("rollback", "set_autocommit", "set_isolation_level", "set_read_only", "set_deferrable", "cancel_safe")


def connection() -> Any:
    """A connection; `commit`, `transaction` and `with` are those of psycopg, whose commits are served."""
    from sys import modules

    psycopg = modules["psycopg"]
    return _made(psycopg.Connection, psycopg.Cursor, psycopg.ServerCursor, _Cursor, _do_nothing, _close)


def async_connection() -> Any:
    """The asynchronous twin."""
    from sys import modules

    psycopg = modules["psycopg"]
    return _made(
        psycopg.AsyncConnection,
        psycopg.AsyncCursor,
        psycopg.AsyncServerCursor,
        _AsyncCursor,
        _do_nothing_async,
        _close_async,
    )


def _made(base: type, plain: type, on_server: type, facts: type, nothing: Any, close: Any) -> Any:
    kinds = {
        real: type(real.__name__, (facts, real), {"__del__": lambda self: None, "__module__": real.__module__})
        for real in (plain, on_server)
    }

    def cursor(self: Any, name: str = "", **options: Any) -> Any:
        kind = kinds[on_server if name else plain]
        made: Any = object.__new__(kind)
        ServedCursor.__init__(made, self)
        return made

    members = {**dict.fromkeys((*_SET_UP, "_sync"), nothing), "close": close, "cursor": cursor, SERVED: True}
    kind = type(base.__name__, (_Connection, base), {**members, "__module__": base.__module__})
    return object.__new__(kind)
