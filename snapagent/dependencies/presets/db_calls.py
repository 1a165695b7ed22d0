"""What the database presets share: statements described, cursors that keep the rows they give, and stand-ins.

A statement is one effect: its rows belong to its outcome, as far as the program has fetched them. At replay a
`ServedCursor` gives the stored rows, and nothing below it is reached.
"""

from __future__ import annotations

import re

from ..tape import READ, WRITE
from . import UNRECORDED, Deferred, Described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MOST_ROWS = 10_000
_MOST_SHAPE = 500  # characters
_READ_WORDS = "select|show|values|explain|describe|pragma|with|table"
_READS = re.compile(rf"(?:/\*.*?\*/|--[^\n]*\n|\s|\()*({_READ_WORDS})\b", re.I | re.S)
_CHANGES = re.compile(r"\b(insert|update|delete|merge|replace)\b", re.I)
_SAVEPOINT = re.compile(r"\s*(savepoint|release(?: savepoint)?|rollback(?: \w+)? to(?: savepoint)?)\b", re.I)
_CONTROL = re.compile(r"\s*(begin|start transaction|commit|rollback|end|set)\b", re.I)


def statement(sql: object, parameters: object, subject: object = None) -> Described:
    """One statement with its parameters. The names of savepoints, which hold thread numbers, are left out."""
    text = sql.decode("utf-8", "replace") if isinstance(sql, bytes) else str(sql)
    control = _SAVEPOINT.match(text)
    if control is not None:
        text = control.group(1).lower()
    shape = " ".join(text.split())[:_MOST_SHAPE]
    arguments = {"sql": text, "parameters": _plain(parameters)}
    return Described(role_of(text, control is not None), shape, arguments, subject)


def commit(subject: object = None) -> Described:
    """The end of a transaction that keeps its changes: a write, so that a forgotten one is noticed."""
    return Described(WRITE, "COMMIT", {}, subject)


def role_of(sql: str, control: bool = False) -> str:
    """A statement that cannot change data is a read; one that only controls a transaction counts as one."""
    if control or _CONTROL.match(sql):
        return READ
    found = _READS.match(sql)
    if found is None:
        return WRITE
    word = found.group(1).lower()
    if word in ("with", "explain") and _CHANGES.search(sql):
        return WRITE
    return WRITE if word == "pragma" and "=" in sql else READ


def _plain(parameters: Any) -> Any:
    """An iterator of parameters must not be consumed: its type alone is kept."""
    if parameters is None or isinstance(parameters, (list, tuple, dict, str, bytes, int, float)):
        return parameters
    if hasattr(parameters, "keys") or hasattr(type(parameters), "__len__"):
        return parameters
    return f"<{type(parameters).__qualname__}>"


class Rows:
    """The rows that the program has fetched, and whether these are all."""

    __slots__ = ("complete", "dropped", "rows")

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.complete = False
        self.dropped = False

    def one(self, row: Any) -> Any:
        if row is None:
            self.complete = True
        else:
            self.many((row,))
        return row

    def many(self, rows: Any) -> Any:
        if len(self.rows) + len(rows) > MOST_ROWS:
            self.dropped = True
        else:
            self.rows.extend(rows)
        return rows

    def all(self, rows: Any) -> Any:
        self.complete = True
        return self.many(rows)


def outcome_of(cursor: Any, kept: Rows, finish: Any = None) -> Deferred:
    """What is stored of an executed statement: its facts as they are now, and later the rows that were fetched.

    The cursor is not kept: the program may drop it, which ends its statement. `finish` may change what is stored.
    """
    description = getattr(cursor, "description", None)
    head = {
        "description": [tuple(_storable(field) for field in column) for column in description] if description else None,
        "rowcount": getattr(cursor, "rowcount", -1),
        "lastrowid": getattr(cursor, "lastrowid", None),
    }

    def build() -> dict[str, Any]:
        stored = {**head, "rows": list(kept.rows), "complete": kept.complete and not kept.dropped}
        return stored if finish is None else dict(finish(stored))

    return Deferred(build)


def _storable(field: Any) -> Any:
    return field if field is None or isinstance(field, (str, int, float, bool)) else str(field)


class TeeingCursor:
    """A cursor of the program whose fetched rows are kept. Everything else is the cursor's own."""

    def __init__(self, cursor: Any, kept: Rows) -> None:
        self.__dict__["_snapagent"] = cursor, kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_snapagent"][0], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__dict__["_snapagent"][0], name, value)

    def __enter__(self) -> Any:
        self.__dict__["_snapagent"][0].__enter__()
        return self

    def __exit__(self, *error: object) -> Any:
        return self.__dict__["_snapagent"][0].__exit__(*error)

    def fetchone(self) -> Any:
        cursor, kept = self.__dict__["_snapagent"]
        return kept.one(cursor.fetchone())

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        cursor, kept = self.__dict__["_snapagent"]
        rows = cursor.fetchmany(*args, **kwargs)
        return kept.many(rows) if rows else kept.all(rows)

    def fetchall(self) -> Any:
        cursor, kept = self.__dict__["_snapagent"]
        return kept.all(cursor.fetchall())

    def __iter__(self) -> Iterator[Any]:
        cursor, kept = self.__dict__["_snapagent"]
        for row in cursor:
            kept.one(row)
            yield row
        kept.complete = True

    def __next__(self) -> Any:
        cursor, kept = self.__dict__["_snapagent"]
        return kept.one(next(cursor))


def teed(cursor: Any, finish: Any = None) -> tuple[TeeingCursor, Deferred]:
    """The cursor that keeps rows, and the outcome of its statement."""
    if type(cursor) is TeeingCursor:
        cursor = cursor.__dict__["_snapagent"][0]
    kept = Rows()
    return TeeingCursor(cursor, kept), outcome_of(cursor, kept, finish)


_PASSED_BY = UNRECORDED.partition(" ")[2]


class RowNotRecorded(LookupError):
    """The replayed code fetches more rows of a statement than the recorded call did."""


class ServedCursor:
    """A DB-API cursor that gives stored rows. `execute` comes from the recording: see `serve`."""

    arraysize = 1

    def __init__(self, connection: Any = None, stored: dict[str, Any] | None = None) -> None:
        self.connection = connection
        self.closed = False
        self.serve(stored or {"rows": [], "complete": True, "description": None, "rowcount": -1, "lastrowid": None})
        self._is_served = stored is not None

    def serve(self, stored: dict[str, Any]) -> None:
        """Give the rows of this statement from now on."""
        self._rows = list(stored["rows"])
        self._complete = stored["complete"]
        self.description = stored["description"]
        self.rowcount = stored["rowcount"]
        self.lastrowid = stored["lastrowid"]
        self._is_served = True

    def _check(self) -> None:
        """A statement that passed the recorded place by, on the driver's own cursor, has no rows to give."""
        if not self._is_served:
            raise RowNotRecorded(f"the statement of this cursor {_PASSED_BY}")

    def fetchone(self) -> Any:
        self._check()
        if self._rows:
            return self._rows.pop(0)
        if not self._complete and self.description is not None:
            raise RowNotRecorded("more rows are fetched than in the recorded call")
        return None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        self._check()
        wanted = self.arraysize if size is None else size
        found, self._rows = self._rows[:wanted], self._rows[wanted:]
        return found

    def fetchall(self) -> list[Any]:
        self._check()
        found, self._rows = self._rows, []
        return found

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row

    def __enter__(self) -> ServedCursor:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True

    async def _async_soft_close(self) -> None:
        """Asynchronous engines of SQLAlchemy await this when a result is complete."""

    def setinputsizes(self, *sizes: Any) -> None:
        """As DB-API allows, nothing."""

    setoutputsize = setinputsizes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


class _DriverConnection:
    """What an asynchronous driver has below its DB-API connection: its set-up does nothing, and no call is served."""

    def is_closed(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith(("set_", "add_", "remove_")):
            return do_nothing_async
        raise LookupError(f"{name!r} of the driver's connection {_PASSED_BY}")


class ServedConnection:
    """A DB-API connection to nothing: cursors are `ServedCursor`, set-up calls and transactions do nothing."""

    closed = broken = autocommit = False
    _connection = driver_connection = _DriverConnection()

    def cursor(self, *args: Any, **kwargs: Any) -> ServedCursor:
        return ServedCursor(self)

    def await_(self, coroutine: Any) -> None:
        """What an adapter of SQLAlchemy sets up on an asynchronous connection is not needed."""
        coroutine.close()

    def __enter__(self) -> ServedConnection:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


async def do_nothing_async(*args: Any, **kwargs: Any) -> None:
    return None


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None
