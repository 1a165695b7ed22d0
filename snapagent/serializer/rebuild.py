"""Rebuilds values that have a stream form of their own. Pickle streams name these functions, so their names must stay.

All of them are newer than version 0.1.0, which left such values out, or stored them in a form that could not always be
loaded. So a call that has one among its arguments has a hash of the second version, `h2:`.
"""

from __future__ import annotations

import sys
import types
from functools import cache

from ..core.type_facts import (
    attributes,
    find,
    instance_dict,
    mro,
    namespace,
    slots,
    type_name,
)
from .held import INSIDE
from .naming import unwrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Find = Callable[[str, str], Any]  # the value of a global: module, qualified name ("" for the module itself)


QUERY_SET = "django.db.models.query.QuerySet"


# -- by name ---------------------------------------------------------------------------------------------------------


def load_named(name: str, find_global: Find | None = None) -> Any:
    """What a module holds under `module:path`; the module itself when the path is empty.

    Raises ImportError or AttributeError.
    """
    if find_global is None:
        from .thawing.renames import find_global as find_here

        find_global = lambda module, path: find_here(module, path, {})  # noqa: E731
    module, _, path = name.partition(":")
    steps = path.split(".")
    outside = next((at for at, step in enumerate(steps) if step in INSIDE), len(steps))
    found = find_global(module, ".".join(steps[:outside]))
    for step in steps[outside:]:
        found = getattr(unwrapped(found) or found, step)
    return found


def load_item(name: str, steps: tuple[Any, ...], text: str, find_global: Find | None = None) -> Any:
    """What stands inside of that which a module holds under `name`; see `held_items.Place`.

    Raises ImportError, AttributeError, or LookupError for an item that is gone.
    """
    found = load_named(name, find_global)
    for step in steps:
        found = unwrapped(found) or found
        if type(step) is not tuple:
            found = getattr(found, step)
        elif step[0] in (found if hasattr(found, "keys") else range(len(found))):
            found = found[step[0]]
        else:
            raise LookupError(f"{text} is gone")
    return found


def load_parametrized(origin: Any, args: Any, name: str) -> Any:
    """The class `origin[args]`; `name` is only for readers of the stream."""
    return origin[args]


def load_singleton(name: str, cls: Any, base: Any, state: dict[str, Any], find_global: Find | None = None) -> Any:
    """The object that a module holds, when it is there and has the stored state; else one with that state.

    `base` is the text, number or bytes of an object whose class derives from such a type, None for others.
    """
    try:
        found = load_named(name, find_global)
    except Exception:
        found = None
    if type(found) is cls and base_of(found) == base and _same_state(attributes(found), state):
        return found
    made = object.__new__(cls) if base is None else type(base).__new__(cls, base)
    set_attributes(made, state)
    return made


def base_of(value: Any) -> Any:
    """The plain text, number or bytes of an object whose class derives from such a type; None for others."""
    for base in (str, bytes, int, float):
        if isinstance(value, base) and type(value) is not base:
            plain: Any = base
            return plain.__getnewargs__(value)[0]
    return None


_COMPARED = frozenset({type(None), bool, int, float, complex, str, bytes})


def _same_state(one: Any, other: Any) -> bool:
    """Whether two states are equal, without an `__eq__` of the program; objects and code are equal when identical."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    if kind in _COMPARED:
        return bool(one == other)
    if kind is tuple:
        return len(one) == len(other) and all(map(_same_state, one, other))
    if kind is frozenset:
        return bool(one == other)
    if kind is dict:
        return one.keys() == other.keys() and all(_same_state(value, other[key]) for key, value in one.items())
    return False


# -- objects and their parts -------------------------------------------------------------------------------------------


def make_object(cls: Any) -> Any:
    """An object without a state; nothing of its class runs."""
    return object.__new__(cls)


def make_query_set(cls: Any, path: str, facsimile: Callable[[str, Any], Any] | None = None) -> Any:
    """A query set without a state. `facsimile` is asked for what a test supplies at `path` in place of it."""
    made = make_object(cls)
    return made if facsimile is None else facsimile(path, made)


def set_query(made: Any, state: Any) -> None:
    """Set the attributes of a query set, past its `__setstate__`. A facsimile in its place has attributes already."""
    if instance_dict(made) == {} and any(type_name(base) == QUERY_SET for base in mro(type(made))):
        set_attributes(made, state)


def set_attributes(made: Any, state: Any) -> None:
    """Set attributes in the object's own `__dict__` and slots, past any hook of its class.

    A property or other descriptor of the class is set as an attribute is, where neither has the name.
    """
    names, own = instance_dict(made), slots(type(made))
    for name, value in state.items():
        if name in own:
            own[name].__set__(made, value)
        elif names is not None:
            names[sys.intern(name) if type(name) is str else name] = value
        else:
            object.__setattr__(made, name, value)


def identity_of(value: Any) -> int:
    """The `id` of a loaded object, in the place of the one that it had where it was captured."""
    return id(value)


def new_of(cls: Any) -> Any:
    """An object of exactly this class, without arguments: by its own `__new__` if that gives one, else by that in C."""
    made = None
    try:
        made = cls.__new__(cls)
    except Exception:
        if type(find(cls, "__new__")[1]) is not staticmethod:
            raise
    if type(made) is cls:
        return made
    maker: Any = next(base for base in mro(cls) if type(namespace(base).get("__new__")) is types.BuiltinFunctionType)
    return maker.__new__(cls)


def bind_method(function: Any, owner: Any) -> Any:
    """A bound method whose function is not found under its name in the class of `owner`."""
    return types.MethodType(function, owner)


# -- values of built-in types ------------------------------------------------------------------------------------------


def rebuild_view(what: str, mapping: Any) -> Any:
    """The keys, values or items of a dict, as a view of it."""
    return getattr(mapping, what)()


def class_namespace(cls: Any) -> Any:
    """The names in the body of a class, as a read-only mapping."""
    return namespace(cls)


def rebuild_match(pattern: Any, text: Any, start: int, end: int, places: tuple[tuple[int, int], ...]) -> Any:
    """A match of this pattern with these places. Its `pos` may be another one: where the match itself begins."""
    for look in (pattern.search, pattern.match, pattern.fullmatch):
        for begin in (start, places[0][0]):
            found = look(text, begin, end)
            if found is not None and found.regs == places:
                return found
    raise ValueError("the pattern does not match there")


def rebuild_memory(content: Any, layout: str, shape: tuple[int, ...]) -> memoryview:
    """A view of these bytes, with items of a `struct` format."""
    flat = memoryview(content)
    return flat if layout == "B" and len(shape) == 1 else flat.cast("B").cast(layout, shape)  # type: ignore[call-overload]


# -- iterators, generators and coroutines ------------------------------------------------------------------------------


def iterate_again(maker: Any, args: tuple[Any, ...], *state: Any) -> Any:
    """An iterator of the standard library over the items that were still to come."""
    made = maker(*args)
    if state:
        made.__setstate__(*state)
    return made


def chain_again(rest: Any, begun: tuple[Any, ...]) -> Any:
    """A chain of the iterator that it had begun, if any, and of all that `rest` gives."""
    from itertools import chain

    return chain.from_iterable(chain(begun, rest))


def start_anew(kind: str, function: Any, named: dict[str, Any], rest: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A generator or coroutine that has not started, made by its function. `kind` is the name of its type.

    A coroutine makes the one of the function at its first step: what a test never awaits must not warn.
    """
    if kind != types.CoroutineType.__name__:
        return function(*named.values(), *rest, **keywords)
    made = CALLS_LATER(function, named, rest, keywords)
    made.__name__ = getattr(function, "__name__", made.__name__)
    made.__qualname__ = getattr(function, "__qualname__", made.__qualname__)
    made.send(None)  # one that has started does not warn when it is dropped
    return made


def _call_later(function: Any, named: dict[str, Any], rest: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    yield
    return (yield from function(*named.values(), *rest, **keywords).__await__())


def _as_coroutine(function: Any) -> Any:
    """A generator function that makes coroutines: an `async def` cannot stop before its first `await`."""
    code = function.__code__
    flags = code.co_flags & ~0x20 | 0x80  # inspect.CO_GENERATOR, inspect.CO_COROUTINE
    return types.FunctionType(code.replace(co_flags=flags), function.__globals__)


CALLS_LATER: Any = _as_coroutine(_call_later)


# -- handles and values of libraries -----------------------------------------------------------------------------------


def reopen_file(name: str, position: int, content: bytes, text: tuple[str, str] | None) -> Any:
    """A file that was open for reading, in memory, at its position. `text` is (encoding, errors) of a text file."""
    import io

    file: Any = _stored_file_type()(content)
    file.name, file.mode = name, "rb"
    if text is not None:
        file = io.TextIOWrapper(file, encoding=text[0], errors=text[1])
        file.mode = "r"
    file.seek(position)
    return file


@cache
def _stored_file_type() -> Any:
    import io

    class StoredFile(io.BytesIO):
        """The content of a file in memory; it has a name and a mode as a file has."""

    return StoredFile


def rebuild_ssl_context(protocol: int, settings: dict[str, int]) -> Any:
    """A context of SSL with this protocol and these settings, without certificates and keys."""
    import ssl
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about protocols that the program chose
        context = ssl.SSLContext(protocol)
        context.check_hostname = False  # which would force `verify_mode`
        for name in sorted(settings, key="check_hostname".__eq__):
            if getattr(context, name) != settings[name]:
                setattr(context, name, settings[name])
    return context


def find_mapper(cls: Any) -> Any:
    """The mapper of a class of SQLAlchemy's ORM."""
    from sqlalchemy.orm import class_mapper  # type: ignore[import-not-found,unused-ignore]

    return class_mapper(cls)


def find_table(cls: Any, column: str | None) -> Any:
    """The table that a class of SQLAlchemy's ORM is mapped to, or one of its columns by key."""
    table = find_mapper(cls).local_table
    return table if column is None else table.c[column]


def find_model(app_label: str, model_name: str, name: str) -> Any:
    """The model that Django's registry has; `name` is only for readers of the stream."""
    from django.apps import apps  # type: ignore[import-untyped,import-not-found,unused-ignore]

    return apps.get_model(app_label, model_name, require_ready=False)


def set_rule(made: Any, state: dict[str, Any]) -> None:
    """Set the attributes of a rule of werkzeug's routing, and compile the functions that build its URLs."""
    set_attributes(made, state)
    made._build = made._compile_builder(False).__get__(made, None)
    made._build_unknown = made._compile_builder(True).__get__(made, None)


class StartResponse:
    """Takes the place of the `start_response` of a web server: keeps what it is called with, and sends nothing."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """Returns the `write` of WSGI."""
        self.status, self.headers = status, headers
        return self.written.append


def current_object(value: Any) -> Any:
    """What a proxy stood for when the call was captured."""
    return value


def rebuild_row(columns: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """A `sqlite3.Row` with these column names and values."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    try:
        names = ", ".join('NULL AS "' + column.replace('"', '""') + '"' for column in columns)
        return sqlite3.Row(connection.execute(f"SELECT {names}"), values)
    finally:
        connection.close()


def rebuild_element(data: bytes, is_tree: bool) -> Any:
    """An element of lxml with all that is inside it, or the ElementTree of it."""
    from lxml import etree  # type: ignore[import-untyped,import-not-found,unused-ignore]

    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
    return root.getroottree() if is_tree else root
