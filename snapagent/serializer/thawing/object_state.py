"""Gives loaded objects their state, and tells for which classes the C unpickler would do so wrongly."""

from __future__ import annotations

import sys

from ...core.functions import own_code
from ...core.type_facts import find, instance_dict, is_heap_type, module_name, slots
from ..naming import function_behind
from ..rebuild import set_attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def restore_state(made: Any, state: Any) -> None:
    """Give an object its state: by a `__setstate__` of its class, else by its own `__dict__` and slots.

    Hooks are looked up on the type, as the interpreter looks up special methods: an object without its attributes would
    run into a `__getattr__` that needs them.
    """
    own = instance_dict(made)
    setter = None if own is None else own.get("__setstate__")
    if setter is None:
        _, raw = find(type(made), "__setstate__")
        setter = None if raw is None else raw.__get__(made, type(made))
    if setter is not None:
        setter(state)
        return
    named, in_slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    set_attributes(made, named or {})
    own_slots = slots(type(made))
    for name, value in (in_slots or {}).items():
        if name in own_slots:
            own_slots[name].__set__(made, value)
        else:
            object.__setattr__(made, name, value)  # of a function: the attributes that are not in its `__dict__`


def hooks_may_fail(cls: type) -> bool:
    """Whether the C unpickler may run hooks of the class on an object that has no attributes yet, or has it remade."""
    if module_name(cls).partition(".")[0] in sys.stdlib_module_names:
        return False
    if find(cls, "__setstate__")[0] is None:
        if function_behind(find(cls, "__getattr__")[1]) is not None or _is_of_program(cls, "__getattribute__"):
            return True
        if slots(cls) and _is_of_program(cls, "__setattr__"):
            return True
    function = function_behind(find(cls, "__new__")[1])
    if function is None or not _is_of_program(cls, "__new__"):
        return False
    wanted = own_code(function.__code__).co_argcount - len(function.__defaults__ or ())
    return wanted <= 1


def _is_of_program(cls: type, name: str) -> bool:
    owner, _ = find(cls, name)
    return owner is not None and is_heap_type(owner) and module_name(owner) not in sys.stdlib_module_names
