"""`psycopg` (version 3): recorded at the cursors' `execute` and `executemany`, sync and async, with the rows fetched.

A commit is an effect, also the one at the end of a `transaction()` block.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from . import Deferred, Described, LibraryObject, Operation, Replacement, unrecorded
from .db_calls import Rows, commit, outcome_of, statement
from .psycopg_served import SERVED, async_connection, connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import Calls, Wrap

_rows: WeakKeyDictionary[Any, Rows] = WeakKeyDictionary()
_CURSORS = {
    "psycopg.cursor": "Cursor",
    "psycopg.cursor_async": "AsyncCursor",
    "psycopg.server_cursor": "ServerCursor",
    "psycopg.server_cursor_async": "AsyncServerCursor",
    "psycopg._server_cursor": "ServerCursor",  # the modules of some releases
    "psycopg._server_cursor_async": "AsyncServerCursor",
}
_NOTIFICATIONS = "`notifies` of psycopg's connections"
_ONE, _SOME, _ALL = "one", "some", "all"
_FETCHING = {"fetchone": _ONE, "__next__": _ONE, "__anext__": _ONE, "fetchmany": _SOME, "fetchall": _ALL}


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "query", "params"), args, strict=False)) | kwargs
    query = named["query"]
    if hasattr(query, "as_string"):  # psycopg.sql.Composable
        query = query.as_string(None)
    return statement(query, named.get("params", named.get("params_seq")), named["self"])


def _describe_commit(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    return commit()


def _pack(result: Any, call: Described) -> Deferred:
    kept = _rows[call.subject] = Rows()
    return outcome_of(call.subject, kept)


def _pack_commit(result: Any, call: Described) -> bool:
    return bool(result)


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    args[0].serve(stored)
    return args[0]


# -- rows that are fetched ---------------------------------------------------------------------------------------


def _install_fetching(qualname: str) -> Callable[[dict[str, Any], Wrap], Callable[[], None] | None]:
    """Have the fetching methods of a class of cursors keep the rows that they give."""

    def install(namespace: dict[str, Any], wrap: Wrap) -> Callable[[], None] | None:
        cls = namespace.get(qualname)
        if cls is None:
            return None
        fetch = _async_fetching if qualname.startswith("Async") else _fetching
        iterate = _async_iterating if qualname.startswith("Async") else _iterating
        own = vars(cls)
        made = {name: fetch(own[name], how) for name, how in _FETCHING.items() if name in own}
        steps, start = ("__anext__", "__aiter__") if qualname.startswith("Async") else ("__next__", "__iter__")
        if steps not in own and start in own:  # a generator, in some releases
            made[start] = iterate(own[start])
        return _put(cls, made)

    return install


def _put(cls: Any, made: dict[str, Any]) -> Callable[[], None]:
    """Set these attributes; returns the way back."""
    before = {name: vars(cls)[name] for name in made}
    for name, function in made.items():
        function.__name__, function.__qualname__ = name, f"{cls.__qualname__}.{name}"
        setattr(cls, name, function)

    def restore() -> None:
        for name, function in made.items():
            if vars(cls).get(name) is function:
                setattr(cls, name, before[name])

    return restore


def _kept(cursor: Any, how: str, found: Any) -> Any:
    kept = _rows.get(cursor)
    if kept is None:
        return found
    if how == _ONE:
        return kept.one(found)
    return kept.many(found) if how == _SOME and found else kept.all(found)


def _end(cursor: Any) -> None:
    kept = _rows.get(cursor)
    if kept is not None:
        kept.complete = True


def _fetching(real: Any, how: str) -> Any:
    def fetch(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return _kept(self, how, real(self, *args, **kwargs))
        except StopIteration:
            _end(self)
            raise

    return fetch


def _async_fetching(real: Any, how: str) -> Any:
    async def fetch(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return _kept(self, how, await real(self, *args, **kwargs))
        except StopAsyncIteration:
            _end(self)
            raise

    return fetch


def _iterating(real: Any) -> Any:
    def iterate(self: Any) -> Any:
        for row in real(self):
            yield _kept(self, _ONE, row)
        _end(self)

    return iterate


def _async_iterating(real: Any) -> Any:
    async def iterate(self: Any) -> Any:
        async for row in real(self):
            yield _kept(self, _ONE, row)
        _end(self)

    return iterate


# -- blocks of transactions --------------------------------------------------------------------------------------


def _install_blocks(namespace: dict[str, Any], wrap: Wrap) -> Callable[[], None] | None:
    """Record the commit at the end of `with connection.transaction():`; nothing else is told of a served connection."""
    sync, twin = namespace.get("Transaction"), namespace.get("AsyncTransaction")
    if sync is None or twin is None:
        return None
    real_enter, real_exit = vars(sync)["__enter__"], vars(sync)["__exit__"]
    real_aenter, real_aexit = vars(twin)["__aenter__"], vars(twin)["__aexit__"]
    end = wrap(_block, lambda block, exit: exit(block, None, None, None))
    ended = wrap(_block, lambda block, exit: False)  # once the awaited exit has returned

    def enter(self: Any) -> Any:
        return self if _is_served(self) else real_enter(self)

    def leave(self: Any, kind: Any, error: Any, traceback: Any) -> Any:
        if kind is None and not self.force_rollback:
            return end(self, real_exit)
        return _swallows(self, error) if _is_served(self) else real_exit(self, kind, error, traceback)

    async def aenter(self: Any) -> Any:
        return self if _is_served(self) else await real_aenter(self)

    async def aleave(self: Any, kind: Any, error: Any, traceback: Any) -> Any:
        served = _is_served(self)
        result = _swallows(self, error) if served else await real_aexit(self, kind, error, traceback)
        if kind is None and not self.force_rollback:
            ended(self, None)
        return result

    undo = [
        _put(sync, {"__enter__": enter, "__exit__": leave}),
        _put(twin, {"__aenter__": aenter, "__aexit__": aleave}),
    ]

    def restore() -> None:
        for step in undo:
            step()

    return restore


def _is_served(block: Any) -> bool:
    return getattr(block._conn, SERVED, False)


def _swallows(block: Any, error: Any) -> bool:
    """Whether a block that ends with this exception goes on after it: `Rollback` is for a block."""
    return type(error).__name__ == "Rollback" and getattr(error, "transaction", None) in (None, block)


# -- connections -------------------------------------------------------------------------------------------------


def _connect(*args: Any, **kwargs: Any) -> Any:
    return connection()


async def _connect_async(*args: Any, **kwargs: Any) -> Any:
    return async_connection()


async def _nothing_async(*args: Any, **kwargs: Any) -> None:
    """The served connection was not taken from the pool."""


def _nothing(*args: Any, **kwargs: Any) -> None:
    """The served connection was not taken from the pool."""


def _given(kind: type | None, name: str, calls: Calls) -> Any:
    return async_connection() if name.rpartition(".")[2].startswith("Async") else connection()


def _pool(kind: type | None, name: str, calls: Calls) -> Any:
    """A pool that was never opened: the replacements below answer for it.

    A class of the program's own may want other arguments; the library's part of the pool alone is initialised.
    """
    if kind is None:
        return None
    library: Any = next(cls for cls in kind.__mro__ if cls.__module__.startswith("psycopg_pool."))
    pool: Any = object.__new__(type(kind.__name__, (kind,), {"__del__": lambda self: None}))
    library.__init__(pool, "", open=False)
    return pool


_block = Operation(
    "psycopg.transaction", "Transaction.__exit__", _describe_commit, _pack_commit, install=_install_blocks
)
operations = (
    *(
        Operation(module, f"{cls}.{name}", _describe, _pack, _rebuild)
        for module, cls in _CURSORS.items()
        for name in ("execute", "executemany")
    ),
    *(
        Operation(module, f"{cls}.fetchone", _describe, install=_install_fetching(cls))
        for module, cls in _CURSORS.items()
    ),
    *(
        unrecorded(module, f"{cls}.{name}", what)
        for module, cls in _CURSORS.items()
        for name, what in (("copy", "COPY of psycopg"), ("stream", "`stream` of psycopg's cursors"))
    ),
    unrecorded("psycopg.connection", "Connection.notifies", _NOTIFICATIONS),
    unrecorded("psycopg.connection_async", "AsyncConnection.notifies", _NOTIFICATIONS),
    Operation("psycopg.connection", "Connection.commit", _describe_commit),
    Operation("psycopg.connection_async", "AsyncConnection.commit", _describe_commit),
    _block,
)
replacements = (
    Replacement("psycopg.connection", "Connection.connect", _connect),
    Replacement("psycopg.connection_async", "AsyncConnection.connect", _connect_async),
    Replacement("psycopg_pool.pool", "ConnectionPool.getconn", _connect),
    Replacement("psycopg_pool.pool", "ConnectionPool.putconn", _nothing),
    Replacement("psycopg_pool.pool_async", "AsyncConnectionPool.getconn", _connect_async),
    Replacement("psycopg_pool.pool_async", "AsyncConnectionPool.putconn", _nothing_async),
)
objects = (
    LibraryObject(("psycopg._connection_base.BaseConnection",), _given),
    LibraryObject(("psycopg_pool.base.BasePool",), _pool),
)
