"""What inert nodes stand for: the type, the class and the named parts of the object that a stream describes."""

from __future__ import annotations

from ..placeholder import (
    BY_VALUE,
    COMPILED_EXCEPTION,
    GO_BY_NAME,
    ITERATES,
    MAKES_NEW,
    MAKES_OBJECT,
    MAKES_QUERY,
    PLACEHOLDER,
    REBUILDS_EXCEPTION,
    SINGLETON,
    STARTS_ANEW,
)
from ..serializer.attributes import attribute_parts
from ..serializer.inert.class_facts import class_facts
from ..serializer.inert.stand_ins import MAKES_FUNCTION, Inert, StandIn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_MAKE_OBJECTS = frozenset({SINGLETON, MAKES_NEW, MAKES_OBJECT, MAKES_QUERY, ITERATES})
_MAKE_EXCEPTIONS = (REBUILDS_EXCEPTION, COMPILED_EXCEPTION)


def printable(text: str) -> str:
    """A name that is safe to print."""
    return text if text.isprintable() else repr(text)[1:-1]


def type_text(value: Any) -> str:
    """The type of an inert value, as `module.qualname` without `builtins`."""
    kind = type(value)
    if isinstance(value, StandIn):
        is_made = value.origin is not None and type(value.origin).name not in GO_BY_NAME
        return "class" if is_made else "global" if value.qualname else "module"
    if not isinstance(value, Inert):
        return kind.__name__
    if kind.name == PLACEHOLDER and len(value.args) > 2:
        return printable(str(value.args[2]))
    if kind.name == BY_VALUE:
        return type_text(value.args[0])
    if kind.name == MAKES_FUNCTION:
        return "function"
    if kind.name == STARTS_ANEW:
        return title_of(value)
    kind = class_of(value)
    module = "" if kind.module in ("builtins", "__main__") else kind.module + "."
    return printable(module + kind.qualname)


def title_of(value: Inert) -> str:
    """The name of the class without its module; `generator` or `coroutine` of what has not started."""
    if type(value).name == STARTS_ANEW and value.args:
        return printable(str(value.args[0]))
    return printable(class_of(value).qualname)


def class_of(value: Inert) -> Any:
    """The class of the object that a form describes; the maker where that is all that is known."""
    args = value.args
    if is_exception(value):
        return args[0]
    if type(value).name in _MAKE_OBJECTS:
        return next((arg for arg in args if isinstance(arg, StandIn)), type(value))
    return type(value)


def makes_own_objects(cls: StandIn) -> bool:
    """Whether `class_of` gives this class for each of its nodes: it does not stand for a function that makes others."""
    return cls.name not in _MAKE_OBJECTS and cls.name not in _MAKE_EXCEPTIONS


def is_exception(value: Inert) -> bool:
    args = value.args
    return (
        type(value).name in _MAKE_EXCEPTIONS
        and len(args) >= 2
        and isinstance(args[0], StandIn)
        and type(args[1]) is tuple
    )


def named_parts(value: Inert) -> list[tuple[str, Any]]:
    """The attributes of an object: from its state, or from its constructor arguments where the fields are known."""
    if type(value).name == STARTS_ANEW and len(value.args) == 5:
        _, function, named, _, keywords = value.args
        arguments = [item for part in (named, keywords) if type(part) is dict for item in part.items()]
        return [("of", function), *((key, item) for key, item in arguments if type(key) is str)]
    state = value.args[3] if type(value).name == SINGLETON else value.state
    found = [(key, item) for part in attribute_parts(state) for key, item in part.items() if type(key) is str]
    if found or (state is not None and type(state) is not list):
        return found
    values = state if type(state) is list else value.args
    fields = class_facts(type(value)).fields if values else ()
    return list(zip(fields, values, strict=False))
