"""Handlers of methods, and of snapagent's wrappers around functions."""

from __future__ import annotations

import copyreg
import types

from ...core.type_facts import find, is_class
from ..naming import is_named, unwrapped
from ..rebuild import bind_method
from .code_handlers import freeze_function
from .handler import plain
from .library_handlers import freeze_array, freeze_request
from .object_handlers import (
    freeze_by_hooks,
    freeze_container,
    freeze_exception,
    freeze_own_attributes,
    freeze_own_state,
    freeze_singleton_or_object,
    freeze_singleton_or_plain,
    freeze_without_hooks,
    handler_now,
)
from .reduce import Unstorable
from .request_forms import start_response_form

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .handler import Dump


def freeze_method(dump: Dump, method: Any) -> Any:
    """Loading it takes the method from its object, so the object must be there."""
    form = None if dump.decisions.as_first else start_response_form(method, dump.note)
    if form is not None:
        return form
    owner = method.__self__
    if owner is not None and type(owner) is not types.ModuleType and not is_class(owner):
        if handler_now(dump, owner) not in _GIVE_OBJECTS:
            raise Unstorable("a method of an object that cannot be stored")
    elif type(owner) is types.ModuleType:
        if not is_named(method, method.__module__, method.__qualname__):
            raise Unstorable("it is not found under its name")
        if type(method) is types.BuiltinFunctionType and types.BuiltinFunctionType not in copyreg.dispatch_table:
            return method.__name__  # as its hook does, in a third of the time: a template engine has dozens
    if type(method) is types.MethodType and not dump.decisions.as_first and not _is_attribute(method):
        return bind_method, (method.__func__, owner)
    return freeze_by_hooks(dump, method)


def _is_attribute(method: Any) -> bool:
    """Whether the object's class has the method's function under the function's name, as pickling it supposes."""
    owner = method.__self__
    function = unwrapped(method.__func__) or method.__func__
    if type(function) is not types.FunctionType:
        return True
    _, raw = find(owner if is_class(owner) else type(owner), function.__name__)
    if raw is None and is_class(owner):
        _, raw = find(type(owner), function.__name__)
    raw = raw.__func__ if type(raw) is classmethod else raw
    raw = unwrapped(raw) or raw
    return raw is function or (raw is not None and type(raw) is not types.FunctionType)


_GIVE_OBJECTS = frozenset(
    {
        plain,
        freeze_by_hooks,
        freeze_array,
        freeze_container,
        freeze_exception,
        freeze_singleton_or_plain,
        freeze_singleton_or_object,
        freeze_own_state,
        freeze_own_attributes,
        freeze_without_hooks,
        freeze_request,
    }
)  # not a placeholder


def freeze_wrapper(dump: Dump, wrapper: Any) -> Any:
    """A wrapper of snapagent: the function inside it, unless the wrapper is found under the function's name."""
    function = unwrapped(wrapper)
    if function is None or is_named(wrapper, function.__module__, function.__qualname__):
        return freeze_by_hooks(dump, wrapper)
    return freeze_function(dump, function)
