"""`sqlalchemy`: recorded where the dialect hands a statement to the driver; the ORM above runs as real code."""

from __future__ import annotations

from . import Described, Operation, Replacement
from .db_calls import ServedConnection, ServedCursor, statement, teed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DEFAULT = "sqlalchemy.engine.default"
_DIALECTS = {"sqlite": "SQLiteDialect", "postgresql": "PGDialect", "mysql": "MySQLDialect", "mssql": "MSDialect"}


def _describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "cursor", "statement", "parameters", "context"), args, strict=False)) | kwargs
    return statement(named["statement"], named.get("parameters"), (named["cursor"], named.get("context")))


def _describe_without_parameters(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
    named = dict(zip(("self", "cursor", "statement", "context"), args, strict=False)) | kwargs
    return statement(named["statement"], None, (named["cursor"], named.get("context")))


def _pack(result: Any, call: Described) -> Any:
    subject: Any = call.subject
    cursor, context = subject
    teeing, outcome = teed(cursor)
    if context is not None:
        context.cursor = teeing  # the result fetches from the cursor of the context
    return outcome


def _rebuild(stored: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    cursor = args[1] if len(args) > 1 else kwargs["cursor"]
    if isinstance(cursor, ServedCursor):
        cursor.serve(stored)


def _connect(dialect: Any, *args: Any, **kwargs: Any) -> ServedConnection:
    return ServedConnection()


def _nothing(dialect: Any, *args: Any, **kwargs: Any) -> None:
    """The dialect asks the server about itself when it connects first, which was long before the recorded call."""


operations = (
    Operation(_DEFAULT, "DefaultDialect.do_execute", _describe, _pack, _rebuild),
    Operation(_DEFAULT, "DefaultDialect.do_executemany", _describe, _pack, _rebuild),
    Operation(_DEFAULT, "DefaultDialect.do_execute_no_params", _describe_without_parameters, _pack, _rebuild),
)
replacements = (
    Replacement(_DEFAULT, "DefaultDialect.connect", _connect),
    Replacement(_DEFAULT, "DefaultDialect.initialize", _nothing),
    *(
        Replacement(f"sqlalchemy.dialects.{package}.base", f"{name}.initialize", _nothing)
        for package, name in _DIALECTS.items()
    ),
)
