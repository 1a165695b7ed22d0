"""Forms of objects by their own `__dict__` and slots, so that no hook of their class runs.

A proxy reaches what it stands for by `__getattr__` or `__class__`, and may do so in `__reduce__`; one that evaluates
itself once only would then be spent. An object whose `__init__` is running has none of the attributes that its hooks
need.
"""

from __future__ import annotations

import builtins
import collections
import copyreg
import types

from ...core.functions import enters_with_block, own_code
from ...core.type_facts import (
    attributes,
    descends,
    find,
    instance_dict,
    is_heap_type,
    is_immutable,
    module_name,
    mro,
    namespace,
    qualname,
    remembered,
    slots,
)
from ..naming import function_behind, is_named
from ..rebuild import make_object, set_attributes
from .reduce import HOOKS, Unstorable, is_honest, is_made_without_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PAST_HOOKS, PAST_WAITING, WITHOUT_HOOKS, UNLESS_EMPTY = "past hooks", "past waiting", "without hooks", "unless empty"
# By which method pickle reads the items. Of the first three its own hooks in C do so.
_ITERATION: dict[type, str] = {
    collections.OrderedDict: "items",
    collections.defaultdict: "items",
    collections.deque: "__iter__",
    list: "__iter__",
    dict: "items",
    set: "__iter__",
}
_USUAL_NAMES = frozenset(vars(builtins)) | {*HOOKS, "__dict__", "__name__", "__getattribute__", "startswith"}


def way_of(kind: type) -> str | None:
    """How objects of this class are taken; None where pickle's own way runs nothing that answers for another object."""
    if _iterates_by_itself(kind):
        return UNLESS_EMPTY
    if _may_wait(kind, HOOKS):
        if _is_all_python(kind):
            return PAST_WAITING
        if _container_of(kind) is not None and _is_all_python(kind, _container_of(kind)):
            return UNLESS_EMPTY
    if not answers_for_another(kind) or not _is_all_python(kind):
        return None
    if _reduces_what_it_stands_for(kind):
        return PAST_HOOKS
    has_hook = any(is_heap_type(owner) for owner in (find(kind, hook)[0] for hook in HOOKS) if owner is not None)
    return WITHOUT_HOOKS if not has_hook and (slots(kind) or not is_honest(kind)) else None


def form_past_hooks(value: Any) -> tuple[Any, ...]:
    """The form by which the object gets its attributes, past a `__setstate__` of its class. Raises Unstorable."""
    kind = type(value)
    state = attributes(value)
    if not state and instance_dict(value) is None and not slots(kind):
        raise Unstorable("its attributes cannot be read without code of its class")
    if find(kind, "__setstate__")[0] is None:
        return make_object, (kind,), state or None
    return make_object, (kind,), state or None, None, None, set_attributes


def form_without_hooks(value: Any) -> tuple[Any, ...]:
    """The form that pickling gives an object without hooks, but empty slots are not looked for by `__getattr__`."""
    kind: Any = type(value)
    state = _default_state(value)
    if is_honest(kind) and is_made_without_arguments(kind):
        return copyreg.__newobj__, (kind,), state  # type: ignore[attr-defined]
    return copyreg._reconstructor, (kind, object, None), state  # type: ignore[attr-defined]


def form_past_iteration(value: Any) -> tuple[Any, ...] | None:
    """The form that pickling gives a container, without the iteration of its class; None where that may run.

    It may not where it waits for a lock, nor where there are no items: it may be what puts them in.
    """
    kind: Any = type(value)
    base = _container_of(kind)
    if base is None or (base.__len__(value) and not _storing_may_wait(kind)):
        return None
    listed = base.__iter__(value) if _ITERATION[base] == "__iter__" and base is not set else None
    keyed = iter(base.items(value)) if _ITERATION[base] == "items" else None
    made_by, args = _made_by(value, base)
    if find(kind, "__setstate__")[0] is None:
        return made_by, args, _default_state(value), listed, keyed
    return made_by, args, attributes(value) or None, listed, keyed, set_attributes


def _made_by(value: Any, base: Any) -> tuple[Any, tuple[Any, ...]]:
    """What pickle makes a container of this base by, before it gets its items."""
    kind = type(value)
    if base in (list, dict):
        return copyreg.__newobj__, (kind,)  # type: ignore[attr-defined]
    if base is set:
        return kind, (list(set.__iter__(value)),)
    if base is collections.defaultdict:
        factory = base.__dict__["default_factory"].__get__(value)
        return kind, () if factory is None else (factory,)
    longest = base.maxlen.__get__(value) if base is collections.deque else None
    return kind, () if longest is None else ((), longest)


def _default_state(value: Any) -> Any:
    """What `object.__getstate__` returns."""
    names, own = instance_dict(value), slots(type(value))
    in_slots = {name: found for name, found in attributes(value).items() if name in own}
    state: Any = dict(names) if names else None
    return (state, in_slots) if in_slots else state


def is_half_made(value: Any) -> bool:
    """Whether hooks may have failed because the object has none of its attributes yet: its `__init__` is running."""
    kind = type(value)
    return (
        _is_all_python(kind)  # first: to read the `__dict__` of a `partial` makes one, which its pickle form then has
        and not attributes(value)
        and instance_dict(value) is not None
        and is_named(kind, module_name(kind), qualname(kind))
    )


def _container_of(kind: type) -> Any:
    return next((base for base in _ITERATION if descends(kind, base)), None)


def _iterates_by_itself(kind: type) -> bool:
    """Whether pickle would read the items by a method of the class, and find out in no other way what to store."""
    base = _container_of(kind)
    if base is None or function_behind(find(kind, _ITERATION[base])[1]) is None:
        return False
    reads_as_base = find(kind, "__getattribute__")[0] is base and find(kind, "__class__")[0] is object
    # Since Python 3.12 `deque` and `defaultdict` are heap types, whose `__getattribute__` might be one of the program.
    return all(find(kind, hook)[0] in (base, object, None) for hook in HOOKS) and (is_honest(kind) or reads_as_base)


def _is_all_python(kind: type, besides: type = object) -> bool:
    """Whether `__dict__` and slots are all that an object of the class holds, `besides` what that base holds.

    Types in C may be heap types too (`_ssl._SSLContext`, `_io._RawIOBase`): their `__new__` is a function in C, or they
    are immutable.
    """
    return all(
        base is object or base is besides or (is_heap_type(base) and not _is_made_in_c(base)) for base in mro(kind)
    )


def _is_made_in_c(kind: type) -> bool:
    return is_immutable(kind) or type(namespace(kind).get("__new__")) is types.BuiltinFunctionType


@remembered
def answers_for_another(kind: type) -> bool:
    """Whether reading an attribute of its objects may run a hook of the class."""
    return function_behind(find(kind, "__getattr__")[1]) is not None or not is_honest(kind)


def _reduces_what_it_stands_for(kind: type) -> bool:
    """Whether a hook of the class uses what it answers for another object by.

    That is any method or attribute in a `__reduce__`. A `__getstate__` usually reads the attributes that `__getattr__`
    reads, so there only what is computed counts.
    """
    ways = _names_used(kind, ("__getattr__", "__getattribute__", "__class__"))
    if ways & _names_used(kind, ("__reduce__", "__reduce_ex__")):
        return True
    computed = ways & _names_used(kind, ("__getstate__", "__getnewargs__", "__getnewargs_ex__"))
    return any(function_behind(find(kind, name)[1]) is not None for name in computed)


def _may_wait(kind: type, methods: tuple[str, ...]) -> bool:
    """Whether one of these methods of the class enters a `with` block, or calls `acquire`.

    The caller may hold the lock already, and would wait for itself; or another thread holds it, and waits for a lock
    of the caller.
    """
    left, seen = list(methods), set(methods)
    while left:
        function = function_behind(find(kind, left.pop())[1])
        if function is None:
            continue
        code = own_code(function.__code__)
        if "acquire" in code.co_names or enters_with_block(code):
            return True
        left += set(code.co_names) - seen  # of these, the methods of the class are looked at too
        seen.update(code.co_names)
    return False


@remembered
def _storing_may_wait(kind: Any) -> bool:
    return _may_wait(kind, (*HOOKS, _ITERATION[_container_of(kind)]))


def _names_used(kind: type, hooks: tuple[str, ...]) -> set[str]:
    """The names of attributes and globals in the code of these hooks, as far as they are Python functions."""
    found: set[str] = set()
    for hook in hooks:
        function = function_behind(find(kind, hook)[1])
        if function is not None:
            found.update(own_code(function.__code__).co_names)
    return found - _USUAL_NAMES
