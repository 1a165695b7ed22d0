"""Method calls without a bound method for each: a flag on the wrapper's type that Python code cannot set by itself.

For `order.place(1)` the interpreter asks a class attribute's type for `Py_TPFLAGS_METHOD_DESCRIPTOR`. Where it is set,
as for functions, the attribute is called with the instance as first argument; where not, `__get__` is called and a
bound method made for this one call, which costs as much as the rest of a call that is not captured. The flag promises
that both come to the same, which is so for a wrapper whose `__get__` gives `MethodType(wrapper, instance)`.

The word with the flags is looked for in the type object and changed only when it is what `__flags__` says, for several
types. Where that is not found, where there is no ctypes, or with SNAPAGENT_METHOD_FLAG=0, calls are slower and all else
is the same.
"""

from __future__ import annotations

import os
import sys

SWITCH = "SNAPAGENT_METHOD_FLAG"  # `0` in the environment: methods are called the slow way
_METHOD_DESCRIPTOR = 1 << 17  # Py_TPFLAGS_METHOD_DESCRIPTOR, part of the limited API: the same in every version


def call_without_binding(cls: type) -> bool:
    """Set the flag on a class that has no instances yet; whether it is set now."""
    if sys.implementation.name != "cpython" or os.environ.get(SWITCH) == "0":
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
