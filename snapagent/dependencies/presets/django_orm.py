"""`django-orm`: recorded at `CursorWrapper.execute` and its like; the ORM and its SQL compiler run as real code.

The manager of content types is recorded too, since it has a cache of its own above the statements.
"""

from __future__ import annotations

from ..tape import READ
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


def _describe_content_type(*parameters: str) -> Any:
    def describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Described:
        named = dict(zip(parameters, args[1:], strict=False)) | kwargs
        return Described(READ, "content type", {name: _label(value) for name, value in named.items()})

    return describe


def _label(value: Any) -> Any:
    """The label of a model or of the model of an object; anything else itself."""
    if isinstance(value, (str, int)):
        return value
    options = getattr(value if isinstance(value, type) else type(value), "_meta", None)
    return getattr(options, "label_lower", type(value).__qualname__)


# Content types are cached for the whole process. A warm cache asks the database for nothing, and a replay has a cold
# one: so it is the manager that is recorded, whatever it finds in its cache.
_CONTENT_TYPES = {
    "get_for_model": ("model", "for_concrete_model"),
    "get_for_id": ("id",),
    "get_by_natural_key": ("app_label", "model"),
}
operations = (
    *(
        Operation(_UTILS, f"CursorWrapper.{name}", _describe, _pack, _rebuild)
        for name in ("execute", "executemany", "callproc")
    ),
    *(
        Operation(
            "django.contrib.contenttypes.models", f"ContentTypeManager.{name}", _describe_content_type(*parameters)
        )
        for name, parameters in _CONTENT_TYPES.items()
    ),
)
replacements = (
    Replacement("django.db.backends.base.base", "BaseDatabaseWrapper.ensure_connection", _ensure_connection),
    Replacement("django.db.backends.base.base", "BaseDatabaseWrapper.connect", _ensure_connection),
)
