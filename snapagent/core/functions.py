"""The function inside an object: in a descriptor, or in what a framework made of it, such as a click command.

Values are judged by their type and read from dictionaries and by the collector: no code of the program runs, and
nothing lazy is evaluated. Who searches says with a callable what lies below a wrapper that this package put there.
"""

from __future__ import annotations

import functools
import gc
from types import FunctionType, ModuleType

from .type_facts import is_class, is_heap_type, module_name, namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType
    from typing import Any

CALLABLES = (FunctionType, type(functools.lru_cache(lambda: None)), functools.partial)
"""Types of what counts as a function itself."""

_MAX_OBJECTS = 200  # that are visited in search of a function
_MAX_DEPTH = 4
ITERABLE_COROUTINE = 0x100  # inspect.CO_ITERABLE_COROUTINE: `types.coroutine` sets it, and `await` asks for it
COROUTINES = 0x80 | ITERABLE_COROUTINE  # flags of code whose calls can be awaited, the first inspect.CO_COROUTINE
_CODE_FLAVORS = (  # inspect.CO_*
    (0x200, "async_generator"),
    (COROUTINES, "coroutine"),
    (0x20, "generator"),
)
FLAVOR_FLAGS = 0x200 | COROUTINES | 0x20
"""All flags of code that say what a call of it gives: for `inspect.iscoroutinefunction` and the like."""

_fget: Any = vars(property)["fget"].__get__  # a subclass may hide the name


def inside(descriptor: Any) -> Any:
    """The callable in a descriptor of the standard library; None for anything else."""
    kind = type(descriptor)
    if issubclass(kind, property):
        return _fget(descriptor)
    if issubclass(kind, (classmethod, staticmethod)):
        return descriptor.__func__
    if kind in (functools.cached_property, functools.partialmethod):
        return vars(descriptor).get("func")
    return None


def function_of(value: Any) -> Any:
    """The function inside a class method, static method or property; anything else itself."""
    inner = inside(value)
    return value if inner is None else inner


def own_code(code: CodeType) -> CodeType:
    """The program's code, also where this package has swapped it to capture the calls of its function."""
    for const in code.co_consts:
        if module_name(type(const)).startswith("snapagent.capture."):
            return const.original  # type: ignore[no-any-return]
    return code


def enters_with_block(code: CodeType) -> bool:
    """Whether there is a `with` statement in it."""
    from opcode import opmap  # seldom needed

    entering = opmap["LOAD_SPECIAL"] if "LOAD_SPECIAL" in opmap else opmap["BEFORE_WITH"]  # the first since Python 3.14
    return entering in code.co_code[::2]


def held_by(
    value: object,
    qualname: str,
    module: str,
    names: Mapping[str, Any],
    below: Callable[[object], object] | None = None,
) -> FunctionType | None:
    """The function `qualname` of a module inside an object that took its place; None where there is none.

    `names` is the namespace of the module. `below` gives what lies below a wrapper of this package, and any other
    object itself. The search is bounded in depth and width, since an object may refer to the whole program.
    """
    if not may_hold(value):
        return None
    level: list[object] = [value]
    seen = {id(value), id(names)}
    for _ in range(_MAX_DEPTH):
        held = [inner for outer in level if _may_descend(outer, value, module) for inner in _referents(outer)]
        level = []
        for inner in held if below is None else map(below, held):
            if type(inner) is FunctionType and inner.__qualname__ == qualname and is_own(inner, module, names):
                return inner
            if id(inner) not in seen and len(seen) < _MAX_OBJECTS:
                seen.add(id(inner))
                level.append(inner)
    return None


def may_hold(value: object) -> bool:
    """Whether a framework may have put it around a function: no function, class, module, exception or plain data."""
    kind = type(value)
    return kind not in CALLABLES and is_heap_type(kind) and not issubclass(kind, (type, ModuleType, BaseException))


def is_own(function: Any, module: str, names: Mapping[str, Any]) -> bool:
    """Whether the module defines it: its code runs in the namespace `names`, or it says so (`functools.wraps`)."""
    if type(function) is functools.partial:
        return False
    return getattr(function, "__globals__", None) is names or getattr(function, "__module__", None) == module


def kind_of(descriptor: type, kind: str) -> str:
    """The kind of a function inside a descriptor of this type; `kind` where that tells nothing."""
    if issubclass(descriptor, classmethod):
        return "classmethod"
    if issubclass(descriptor, staticmethod):
        return "staticmethod"
    return kind


def flavor_of(function: Any) -> str:
    """plain, coroutine, generator or async_generator, by what calling it gives: its own code decides."""
    return flavor_of_code(function.__code__) if type(function) is FunctionType else "plain"


def flavor_of_code(code: CodeType) -> str:
    """The same of a function's code."""
    return next((flavor for flag, flavor in _CODE_FLAVORS if code.co_flags & flag), "plain")


def _may_descend(outer: object, start: object, module: str) -> bool:
    if is_class(outer):
        return outer is type(start) and namespace(type(start)).get("__module__") == module
    return type(outer) is not ModuleType


def _referents(outer: object) -> list[object]:
    """The objects that an object refers to. A function refers to its module as well: only its closure counts."""
    if type(outer) is not FunctionType:
        return gc.get_referents(outer)
    return [inner for cell in outer.__closure__ or () for inner in gc.get_referents(cell)]
