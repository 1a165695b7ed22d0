"""Forms for the parts of ORMs. Models of Django that no module holds go by Django's registry of models.

Mappers of SQLAlchemy, and mapped tables and columns, go by the class that is mapped. Objects of ZODB that are not
loaded are told from others.

A statement such as `select(User)` refers to the mapper of `User`, and through it to all mappers, tables and listeners
of the program. The class's own module makes them again, wherever the statement is loaded. Neither library is imported
here: its objects are met only when the program has.
"""

from __future__ import annotations

from types import GetSetDescriptorType, MemberDescriptorType

from ...core.type_facts import find, instance_dict, is_class, module_name, namespace, qualname, type_name
from ..naming import is_named, lookup
from ..rebuild import find_mapper, find_model, find_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MOST_CONDITIONS = 1000
PERSISTENT = frozenset({"persistent.Persistent", "persistent.persistence.Persistent"})  # in C, and in Python
MAPPER, TABLE, COLUMN = "sqlalchemy.orm.mapper.Mapper", "sqlalchemy.sql.schema.Table", "sqlalchemy.sql.schema.Column"


def model_form(cls: Any) -> tuple[Any, ...] | None:
    """The form of a model that Django made, as it does for many-to-many fields; None for one it does not find again."""
    options = namespace(cls).get("_meta")
    if type_name(type(options)) != "django.db.models.options.Options":
        return None
    app, name = _own(options, "app_label"), _own(options, "model_name")
    models = _own(lookup("django.apps.registry", "apps"), "all_models") or {}
    if models.get(app, {}).get(name) is not cls:
        return None
    return find_model, (app, name, f"{module_name(cls)}:{qualname(cls)}")


def filters_by_text(query_set: Any) -> bool:
    """Whether a query set of Django compares a column with a text: it may be a secret, and no name stands beside it."""
    query = _own(query_set, "_query")
    rest, seen = [_own(query, "where"), list((_own(query, "annotations") or {}).values())], 0
    while rest and seen < _MOST_CONDITIONS:
        node, seen = rest.pop(), seen + 1
        if isinstance(node, str | bytes):
            return True
        if type(node) in (list, tuple, set, frozenset):
            rest += node
            continue
        own = instance_dict(node) or {}
        rest += [own[name] for name in ("children", "rhs", "where", "value", "sqls", "params") if name in own]
    return bool(rest)


def is_ghost(persistent: Any) -> bool:
    """Whether an object of ZODB has not been loaded yet. Runs no code in Python."""
    kind = type(persistent)
    _, changed = find(kind, "_p_changed")
    if type(changed) is GetSetDescriptorType:
        return changed.__get__(persistent) is None
    flags, jar = (find(kind, f"_Persistent__{name}")[1] for name in ("flags", "jar"))
    return (
        type(flags) is type(jar) is MemberDescriptorType
        and flags.__get__(persistent) is None
        and jar.__get__(persistent) is not None
    )


def mapper_form(mapper: Any) -> tuple[Any, ...] | None:
    """The form of a mapper; None where its class cannot be named."""
    cls = _own(mapper, "class_")
    return (find_mapper, (cls,)) if _has_name(cls) else None


def table_form(table: Any) -> tuple[Any, ...] | None:
    """The form of a table that a class is mapped to; None for other tables."""
    cls = _mapped_class(table)
    return None if cls is None else (find_table, (cls, None))


def column_form(column: Any) -> tuple[Any, ...] | None:
    """The form of a column of such a table; None for other columns."""
    key, cls = _own(column, "key"), _mapped_class(_own(column, "table"))
    return (find_table, (cls, key)) if cls is not None and isinstance(key, str) else None


def _mapped_class(table: Any) -> Any:
    """The class with a name that is mapped to this very table."""
    for mapper in _mappers() if table is not None else ():
        if _own(mapper, "local_table") is table and _has_name(_own(mapper, "class_")):
            return _own(mapper, "class_")
    return None


def _mappers() -> Iterator[Any]:
    registries = lookup("sqlalchemy.orm.mapper", "_mapper_registries")
    for registry in list(registries or ()):
        for manager in list(_own(registry, "_managers") or ()):
            mapper = _own(manager, "mapper")
            if mapper is not None:
                yield mapper


def _own(value: Any, name: str) -> Any:
    return (instance_dict(value) or {}).get(name)


def _has_name(cls: Any) -> bool:
    return is_class(cls) and is_named(cls, module_name(cls), qualname(cls))
