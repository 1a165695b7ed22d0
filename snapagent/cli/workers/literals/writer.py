"""The writing of one value as an expression: the walk through it, and what all ways to write values share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from snapagent.compare import examine
from snapagent.core.type_facts import type_name

from ...source.layout import Pieces, call, flat, name

_DEEPEST = 50  # levels


class NoLiteral(Exception):
    """A value that cannot be written: its path and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


def evaluated(pieces: Pieces) -> object:
    """The value of an expression that `literal` has made."""
    variables: dict[str, Any] = {"__builtins__": __builtins__}

    def spell(module: str, qualname: str) -> str:
        variables[key := f"m{len(variables)}"] = importable(module, qualname)
        return key

    return eval(flat(pieces, spell), variables)


def importable(module: str, qualname: str) -> Any:
    """What an import of this name gives. Raises ImportError or AttributeError."""
    __import__(module)
    found: Any = sys.modules[module]
    for step in qualname.split("."):
        found = getattr(found, step)
    return found


def name_of(found: Any, path: str) -> Pieces:
    """A class or function by its name. Raises NoLiteral when an import would not give this very object."""
    module, qualname = getattr(found, "__module__", None), getattr(found, "__qualname__", "")
    try:
        same = isinstance(module, str) and importable(module, qualname) is found
    except (ImportError, AttributeError):
        same = False
    if not same or module == "__main__":
        raise NoLiteral(path, f"{qualname or found!r} cannot be imported by its name")
    return [name(str(module), qualname)]


class Writer:
    """One expression while it is written; the objects on the way there are known, so that a cycle is found."""

    def __init__(self, way_for: Callable[[Any], Way | None]) -> None:
        self._way_for = way_for
        self._above: list[object] = []

    def write(self, value: Any, path: str) -> Pieces:
        if any(value is one for one in self._above):
            raise NoLiteral(path, "it contains itself")
        if len(self._above) > _DEEPEST:
            raise NoLiteral(path, f"it is nested more than {_DEEPEST} levels deep")
        self._above.append(value)
        try:
            way = self._way_for(value)
            if way is None:
                raise NoLiteral(path, f"it is a {type_name(type(value))}, which has no literal")
            return way(self, value, path)
        finally:
            self._above.pop()

    def items(self, values: Iterable[Any], path: str) -> list[Pieces]:
        return [self.write(value, f"{path}[{index}]") for index, value in enumerate(values)]

    def keywords(self, values: dict[str, Any], path: str) -> list[Pieces]:
        return [[f"{key}=", *self.write(value, f"{path}.{key}")] for key, value in values.items()]

    def made(self, value: Any, items: list[Pieces], path: str) -> Pieces:
        """A call of the class of `value`, if it makes an equal object."""
        pieces = call(name_of(type(value), path), items)
        try:
            again = evaluated(pieces)
        except Exception as error:
            raise NoLiteral(path, f"{type(value).__qualname__}(...) raises {type(error).__name__}") from None
        if not examine(value, again):
            raise NoLiteral(path, f"{type(value).__qualname__}(...) makes an object that differs from it")
        return pieces


def last_word(module: str, qualname: str) -> str:
    """A name as it is spelled where only the length of an expression, or its order, matters."""
    return qualname


Way = Callable[[Writer, Any, str], Pieces]  # writes a value; the text is its path
