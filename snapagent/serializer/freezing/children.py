"""The children of a live value, found without running code of the program: for paths, sizes and depth."""

from __future__ import annotations

import functools
import types
from collections import deque
from itertools import islice

from ...core.type_facts import attributes, descends, is_class, is_exception_type
from ..exceptions import chained

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray, types.CodeType, types.ModuleType})
ANY_MEMBER = "*"  # the key of a member of a set, which has none
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_EXACT = frozenset(_CONTAINERS)
_OPAQUE = frozenset({types.BuiltinFunctionType, types.GeneratorType, types.CoroutineType})


def container_of(kind: type) -> Any:
    """The built-in container that a type is or derives from; None for others."""
    if kind in _EXACT:
        return kind
    return next((base for base in _CONTAINERS if descends(kind, base)), None)


def members(value: Any, container: Any) -> Iterator[tuple[object, object]]:
    """(key, member) of a container, by the built-in iteration of that container, also for subclasses."""
    if container is dict:
        yield from dict.items(value)
    elif container in (set, frozenset):
        for member in container.__iter__(value):
            yield ANY_MEMBER, member
    else:
        yield from enumerate(container.__iter__(value))


def children(value: Any, most: int | None = None) -> Iterable[tuple[object, object]]:
    """(key, child) of all that pickling would visit; keys are steps of a path. At most `most` of a container."""
    kind = type(value)
    if kind in ATOMS or is_class(value):
        return ()
    container = container_of(kind)
    found: list[tuple[object, object]] = []
    if container is not None:
        try:
            found += islice(members(value, container), most)
        except RuntimeError:  # another thread is changing it
            return found
        if kind is container:
            return found
    if kind is types.FunctionType:
        return _closure(value)
    if kind in _OPAQUE:
        return found
    if kind is types.MethodType:
        return [("__self__", value.__self__)]
    if kind is functools.partial:
        found += [("func", value.func), ("args", value.args), ("keywords", value.keywords)]
    if is_exception_type(kind):
        found.append(("args", BaseException.args.__get__(value)))  # type: ignore[attr-defined]
        found += chained(value).items()
    found += attributes(value).items()
    return found


def _closure(function: types.FunctionType) -> list[tuple[object, object]]:
    """The defaults and enclosed values that are stored with a function's code, by parameter and variable name."""
    code, defaults = function.__code__, function.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    found: list[tuple[object, object]] = list(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    found += (function.__kwdefaults__ or {}).items()
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            found.append((name, cell.cell_contents))
        except ValueError:
            continue  # a variable that has no value yet
    return found
