"""Handlers of objects: by their own pickle hooks, by their attributes, or left out."""

from __future__ import annotations

from ...core.type_facts import instance_dict, module_name, qualname
from ...placeholder import REDACTED, UNSTORABLE
from ..exceptions import chained, reduce_exception
from ..held import name_anywhere
from ..naming import is_named
from ..rebuild import load_named
from . import own_state
from .code_handlers import must_be_named, must_be_storable
from .handler import plain
from .reduce import Unstorable
from .singletons import name_of_nameless, singleton_form

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .handler import Dump, Handler


def freeze_by_hooks(dump: Dump, value: Any) -> Any:
    # A hook would read attributes that are not there yet, and `__getattr__` may remember what it makes of that.
    if not dump.decisions.as_first and own_state.answers_for_another(type(value)) and own_state.is_half_made(value):
        return freeze_own_state(dump, value)
    try:
        return dump.reduce_once(value)
    except Unstorable:
        if dump.decisions.as_first or not own_state.is_half_made(value):
            raise
        return freeze_own_state(dump, value)


def freeze_nameless(dump: Dump, value: Any) -> Any:
    """For a class that no module names: its code is stored by value when the pickle form refers to the class.

    A sentinel that a module holds goes by its name.
    """
    handler = handler_now(dump, value)
    if handler is not freeze_nameless:
        return handler(dump, value)
    name = None if dump.decisions.as_first else name_of_nameless(value)
    if name is not None:
        dump.packages.add(module_name(type(value)).partition(".")[0])
        return load_named, (name,)
    form = dump.reduce_once(value)
    if _refers_to_class(form, value):
        must_be_storable(dump, type(value))
    return form


def _refers_to_class(form: Any, value: object) -> bool:
    return type(form) is tuple and any(part is type(value) for part in (form[0], *form[1]))


def handler_now(dump: Dump, value: Any) -> Handler:
    """The handler, decided anew where a module names the class by now.

    A class decorator, and what it calls, meets the class before the module holds it.
    """
    handler, kind = dump.handler_of(value), type(value)
    if handler is freeze_nameless and is_named(kind, module_name(kind), qualname(kind)):
        dump.decisions.forget_type(kind)
        handler = dump.handler_of(value)
    return handler


def freeze_own_state(dump: Dump, value: Any) -> Any:
    """The name, where a module holds the object; else its own attributes, restored past a `__setstate__`."""
    name = name_anywhere(value)
    if name is not None:
        return load_named, (name,)
    return freeze_own_attributes(dump, value)


def freeze_own_attributes(dump: Dump, value: Any) -> Any:
    """Its own attributes, restored past a `__setstate__`. What is open below it, such as a socket, is left out."""
    kind = type(value)
    form = own_state.form_past_hooks(value)
    must_be_named(dump, kind)
    return form


def freeze_without_hooks(dump: Dump, value: Any) -> Any:
    return own_state.form_without_hooks(value)


def freeze_container(dump: Dump, value: Any) -> Any:
    """For lists, dicts and sets whose class iterates in its own way, which may fill a lazy one, or wait for a lock."""
    form = own_state.form_past_iteration(value) or dump.reduce_once(value)
    if _refers_to_class(form, value):
        must_be_named(dump, type(value))
    return form


def freeze_singleton_or_plain(dump: Dump, value: Any) -> Any:
    return singleton_form(value) or NotImplemented


def freeze_singleton_or_object(dump: Dump, value: Any) -> Any:
    return singleton_form(value) or freeze_by_hooks(dump, value)


def is_left_to_pickler(handler: Handler) -> bool:
    """Whether a handler that returns NotImplemented leaves a plain object to the C pickler."""
    return handler is plain or handler is freeze_singleton_or_plain


def freeze_enum_member(dump: Dump, member: Any) -> Any:
    return type(member), ((instance_dict(member) or {})["_value_"],)


def freeze_nameless_enum_member(dump: Dump, member: Any) -> Any:
    must_be_named(dump, type(member))
    return freeze_enum_member(dump, member)


def freeze_exception(dump: Dump, error: Any) -> Any:
    if not is_named(type(error), module_name(type(error)), qualname(type(error))):
        must_be_storable(dump, type(error))
    depth = dump.chain_depth.get(id(error), 0)
    for link in chained(error).values():
        dump.chain_depth.setdefault(id(link), depth + 1)
    return reduce_exception(error, depth, dump.keeps_tracebacks, dump.decisions.as_first)


def left_out(why: str, reason: str) -> Handler:
    """The handler for types that are left out. `self` before its `__init__` holds nothing yet, and is kept."""

    def leave_out(dump: Dump, value: Any) -> Any:
        if why in (UNSTORABLE, REDACTED) and not dump.decisions.as_first and own_state.is_half_made(value):
            return own_state.form_past_hooks(value)
        return dump.leave_out(value, why, reason)

    return leave_out
