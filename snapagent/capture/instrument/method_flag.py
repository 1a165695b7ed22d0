"""Method calls without a bound method for each, and bindings without Python code: what Python cannot set on a type.

For `order.place(1)` the interpreter asks a class attribute's type for `Py_TPFLAGS_METHOD_DESCRIPTOR`. Where it is set,
as for functions, the attribute is called with the instance as first argument; where not, `__get__` is called and a
bound method made for this one call, which costs as much as the rest of a call that is not captured. The flag promises
that both come to the same, which is so for a wrapper whose `__get__` gives `MethodType(wrapper, instance)`. Class
methods, and `super()` before Python 3.12, bind all the same. `tp_descr_get` of functions does that without looking into
the function, so it can bind the wrapper too: a third of such a call that is not captured.

The word with the flags is looked for in the type object and changed only when it is what `__flags__` says, for several
types; that of `tp_descr_get` when it holds in the type of functions what the slot wrapper `function.__get__` calls, the
same in two classes with a `__get__` in Python, and nothing in types without. Where they are not found, where there is
no ctypes, or with SNAPAGENT_METHOD_FLAG=0, calls are slower and all else is the same.
"""

from __future__ import annotations

import os
import sys
from types import FunctionType

SWITCH = "SNAPAGENT_METHOD_FLAG"  # `0` in the environment: methods are called the slow way
_METHOD_DESCRIPTOR = 1 << 17  # Py_TPFLAGS_METHOD_DESCRIPTOR, part of the limited API: the same in every version


def call_without_binding(cls: type) -> bool:
    """Set the flag on a class that has no instances yet; whether it is set now."""
    if not _may_be_set():
        return False
    try:
        from ctypes import c_ulong, sizeof
    except ImportError:
        return False
    known = (cls, type, object, int, dict, type(call_without_binding))
    for offset in range(0, type.__basicsize__, sizeof(c_ulong)):  # type: ignore[call-overload]
        if all(c_ulong.from_address(id(one) + offset).value == one.__flags__ for one in known):
            c_ulong.from_address(id(cls) + offset).value |= _METHOD_DESCRIPTOR
            break
    return bool(cls.__flags__ & _METHOD_DESCRIPTOR)


def _may_be_set() -> bool:
    return sys.implementation.name == "cpython" and os.environ.get(SWITCH) != "0"


class _BoundInPython:
    def __get__(self, instance: object, owner: type | None = None) -> object:
        return self


def bind_as_functions(cls: type) -> bool:
    """Have instances of a class that has none yet bound by the code that binds functions; whether that is so now."""
    if not _may_be_set():
        return False
    try:
        from ctypes import c_size_t, sizeof
    except ImportError:
        return False

    def word(of: object, offset: int) -> int:
        return c_size_t.from_address(id(of) + offset).value

    slot_wrapper = vars(FunctionType)["__get__"]
    binds = word(slot_wrapper, type(slot_wrapper).__basicsize__ - sizeof(c_size_t))  # its last field
    for offset in range(0, type.__basicsize__, sizeof(c_size_t)):  # type: ignore[call-overload]
        if word(FunctionType, offset) == binds:
            is_slot = word(cls, offset) == word(_BoundInPython, offset) != 0 == word(int, offset) == word(dict, offset)
            if is_slot:
                c_size_t.from_address(id(cls) + offset).value = binds
            return is_slot
    return False
