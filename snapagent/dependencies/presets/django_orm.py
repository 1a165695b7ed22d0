"""`django-orm`: recorded at `CursorWrapper.execute` and its like; the ORM and its SQL compiler run as real code."""

from __future__ import annotations

from . import Described, Operation, Replacement
from .db_calls import ServedConnection, ServedCursor, statement, teed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UTILS = "django.db.backends.utils"


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "sql", "params"), args, strict=False)) | kwargs
    sql = named.get("sql", named.get("procname"))
    return statement(sql, named.get("params", named.get("param_list")), named["self"])


def _pack(result: Any, call: Described) -> Any:
    wrapper: Any = call.subject
    wrapper.cursor, outcome = teed(wrapper.cursor)
    return outcome


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    args[0].cursor = ServedCursor(None, stored)
    return args[0].cursor


def _ensure_connection(database: Any) -> None:
    if database.connection is None:
        from contextlib import suppress

        with suppress(Exception):  # the settings may name a server that replay does not need
            database.get_connection_params()  # that of SQLite sets the mode of its transactions, besides
        database.connection = ServedConnection()
        database.in_atomic_block = False
        database.savepoint_ids = []
        database.atomic_blocks = []
        database.needs_rollback = False
        database.closed_in_transaction = False
        database.autocommit = database.settings_dict.get("AUTOCOMMIT", True)


operations = tuple(
    Operation(_UTILS, f"CursorWrapper.{name}", _describe, _pack, _rebuild)
    for name in ("execute", "executemany", "callproc")
)
replacements = (
    Replacement("django.db.backends.base.base", "BaseDatabaseWrapper.ensure_connection", _ensure_connection),
    Replacement("django.db.backends.base.base", "BaseDatabaseWrapper.connect", _ensure_connection),
)
