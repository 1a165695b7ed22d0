"""Singletons that a module or class holds: stored by name, with their state, to come back as the very same object.

Only objects whose state cannot change in place are stored so: `load_singleton` compares the state, and makes a copy
where the program has another one by then.
"""

from __future__ import annotations

import types

from ...core.type_facts import attributes, find, is_class, is_heap_type, module_name, mro, namespace, qualname
from ..enums import is_enum_class
from ..held import may_hold, name_in_own_module, name_of_object
from ..naming import is_named
from ..rebuild import base_of, load_singleton
from .reduce import HOOKS, is_honest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VISIBLE_BASES = (object, str, bytes, int, float)
_CONSTANTS = frozenset({type(None), bool, int, float, complex, str, bytes, types.FunctionType})


def may_be_singleton(kind: type) -> bool:
    """Whether a module holds an object of this type, and such an object is known by its attributes."""
    return _is_state_visible(kind) and may_hold(kind)


def singleton_form(value: Any) -> tuple[Any, ...] | None:
    """The form of an object that a module holds and that cannot change in place; None for others."""
    name = name_of_object(value)
    if name is None:
        return None
    state = attributes(value)
    if not all(map(_is_constant, state.values())):
        return None
    return load_singleton, (name, type(value), base_of(value), state)


def name_of_nameless(value: Any) -> str | None:
    """`module:path` of an object without attributes, such as a sentinel, which the module of its nameless class holds.

    Nothing but its identity is known of it.
    """
    kind = type(value)
    if not all(base is object or _is_visible_base(base) for base in mro(kind)) or not is_honest(kind):
        return None
    if attributes(value) or base_of(value) is not None:
        return None
    return name_in_own_module(value)


def _is_state_visible(kind: type) -> bool:
    """Whether an object of this type is its attributes, and the text or number that it derives from."""
    return kind is object or (
        is_named(kind, module_name(kind), qualname(kind))
        and not is_enum_class(kind)
        and all(_is_visible_base(base) for base in mro(kind))
        and type(find(kind, "__dict__")[1]) in (types.GetSetDescriptorType, type(None))
        and is_honest(kind)
    )


def _is_visible_base(base: type) -> bool:
    if any(base is known for known in _VISIBLE_BASES):
        return True
    return is_heap_type(base) and not any(hook in namespace(base) for hook in HOOKS)


def _is_constant(value: Any, depth: int = 3) -> bool:
    kind = type(value)
    if kind is tuple or kind is frozenset:
        return depth > 0 and all(_is_constant(item, depth - 1) for item in value)
    return kind in _CONSTANTS or is_class(value)
