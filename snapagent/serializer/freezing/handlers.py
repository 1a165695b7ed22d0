"""How objects of a type are pickled: decided once per type, from the type alone, and cached.

A *handler* takes the running dump and the object. It returns a result of `Pickler.reducer_override`, or raises
`Unstorable`. Plain types need no handler: the C pickler reads their `__dict__`, and no code of the program runs.
"""

from __future__ import annotations

import _thread
import sys
import threading
import types

from ...core.type_facts import (
    attributes,
    descends,
    find,
    instance_dict,
    is_class,
    is_exception_type,
    is_heap_type,
    module_name,
    mro,
    namespace,
    qualname,
    slots,
    type_name,
)
from ...placeholder import EXCLUDED, FRESH, LAZY, REDACTED, TOO_BIG, UNSTORABLE, Placeholder
from ..by_value import load_by_value
from ..enums import is_enum_class
from ..exceptions import chained, reduce_exception
from ..held import name_anywhere, name_of_class, name_of_function
from ..naming import MAIN_NAMES, is_named, lookup, real_main_name, unwrapped
from ..rebuild import (
    QUERY_SET,
    bind_method,
    load_named,
    load_parametrized,
    make_query_set,
    set_query,
)
from . import own_state
from .http_forms import (
    HEADERS,
    cookie_form,
    headers_form,
    open_response_form,
    pool_form,
    request_form,
    response_form,
    ssl_context_form,
)
from .left_out_types import special
from .library_forms import element_form, error_fields_form, file_form, row_form, tree_form
from .orm_forms import COLUMN, MAPPER, TABLE, column_form, filters_by_text, mapper_form, model_form, table_form
from .reduce import HOOKS, Unstorable, ask, is_honest, is_made_without_arguments
from .singletons import may_be_singleton, singleton_form
from .time_limit import SlowOnes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ...bundle import Note

    class Dump(Protocol):
        """The part of a running pickler that handlers need."""

        decisions: Decisions
        max_bytes: int
        packages: set[str]  # top-level packages of the classes and functions that the stream names
        chain_depth: dict[int, int]  # by id of an exception: links between it and the one that was met first

        @property
        def keeps_tracebacks(self) -> bool: ...

        def handler_of(self, value: object) -> Handler: ...

        def is_found(self, code: object, module: object, qualname: object) -> bool: ...

        def package_of(self, module: str) -> str: ...

        def reduce_once(self, value: Any) -> Any: ...

        def code_of(self, code: Any) -> bytes: ...

        def leave_out(self, value: object, kind: str, reason: str, detail: str = "") -> Any: ...

        def note(self, value: object, kind: str, reason: str, detail: str = "", below: str = "") -> Note: ...

    Handler = Callable[[Dump, Any], Any]
    Making = tuple[Callable[..., Any], tuple[Any, ...]]


_LOCK_TYPE = type(_thread.allocate_lock())
_RLOCK_TYPES = frozenset({type(threading.RLock()), threading._RLock})
_SEMAPHORES = frozenset({threading.Semaphore, threading.BoundedSemaphore})
_FRESH_BY_NAME = frozenset(
    {"asyncio.locks.Lock", "asyncio.locks.Event", "asyncio.locks.Condition", "_queue.SimpleQueue"}
)


def fresh_maker(kind: type) -> Callable[[Any], Making] | None:
    """For types whose objects are replaced by new ones at loading: the function that says how. None for others."""
    if kind is _LOCK_TYPE:
        return _lock
    if kind in _RLOCK_TYPES:
        return _rlock
    if kind is threading.Event:
        return _of_type
    if kind in _SEMAPHORES:
        return _semaphore
    if kind is threading.Condition:
        return _condition
    if kind is threading.Barrier:
        return _barrier
    return _fresh_by_name(kind)


def _lock(value: object) -> Making:
    return _thread.allocate_lock, ()


def _rlock(value: object) -> Making:
    return threading.RLock, ()


def _of_type(value: object) -> Making:
    return type(value), ()


def _semaphore(value: object) -> Making:
    state = instance_dict(value) or {}
    free = state.get("_initial_value", state.get("_value"))
    return type(value), (max(free, 1) if type(free) is int else 1,)


def _condition(value: object) -> Making:
    """With its own lock, which other objects may share."""
    lock = (instance_dict(value) or {}).get("_lock")
    return threading.Condition, (lock,) if lock is not None else ()


def _barrier(value: object) -> Making:
    parties = (instance_dict(value) or {}).get("_parties")
    return threading.Barrier, (parties if type(parties) is int else 1,)


def _fresh_by_name(kind: type) -> Callable[[Any], Making] | None:
    name = type_name(kind)
    if name in _FRESH_BY_NAME:
        return _of_type
    if name in ("asyncio.locks.Semaphore", "asyncio.locks.BoundedSemaphore"):
        return _async_semaphore
    return None


def _async_semaphore(value: object) -> Making:
    state = instance_dict(value) or {}
    free = state.get("_bound_value", state.get("_value"))
    return type(value), (max(free, 1) if type(free) is int else 1,)


_MOST_TYPES = 4096  # cached types: the cache must not keep alive the types that a program makes without end
_SINGLETONS = frozenset({type(Ellipsis), type(NotImplemented)})
_METHODS = frozenset({types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType})


def plain(dump: Dump, value: Any) -> Any:
    """Left to the C pickler. `reducer_override` compares with this function, so that plain types cost no call."""
    return NotImplemented


class Decisions(dict[type, "Handler"]):
    """Type -> handler, for one set of excluded types.

    `as_first` gives every value the form that version 0.1.0 gave it: for look-ups of calls that it stored.
    """

    def __init__(self, exclude_types: tuple[str, ...], as_first: bool = False) -> None:
        super().__init__()
        self._exclude_types = exclude_types
        self.as_first = as_first
        self.named: dict[object, str] = {}  # classes and functions found under their names -> their package
        # Once something of `__main__` was named: how streams begin, so that it goes by its real name.
        self.aliases: tuple[bytes, tuple[str, ...]] | None = None
        self.slow = SlowOnes()

    def decide(self, value: object) -> Handler:
        """The handler for the type of `value`, which was not met before."""
        kind = type(value)
        handler = self._handler(kind)
        if not self.as_first and kind is not Placeholder and handler in (plain, _reduce, _reduce_nameless):
            handler = _by_own_state(kind) or handler
        if handler is plain and not _has_plain_form(value):
            handler = _reduce
        if not self.as_first and not self._is_excluded(kind):
            handler = _newer(kind, handler)
        if len(self) >= _MOST_TYPES:
            self.forget()
        self[kind] = handler
        return handler

    def remember(self, code: object, package: str) -> None:
        """Cache that a class or function is found under its name."""
        if len(self.named) >= _MOST_TYPES:
            self.named.clear()
        self.named[code] = package

    def forget(self) -> None:
        """Empty the cache: a reloaded module may have put other objects under the same names."""
        self.clear()
        self.named.clear()

    def _handler(self, kind: type) -> Handler:
        if descends(kind, type):
            return _class
        if kind is types.FunctionType:
            return _function
        if kind in _SINGLETONS:
            return plain
        if kind is Placeholder:
            return _reduce
        if self._is_excluded(kind):
            return _left_out(EXCLUDED, "its type is excluded")
        found = special(kind)
        if found is not None:
            return _left_out(*found)
        return _by_shape(kind)

    def _is_excluded(self, kind: type) -> bool:
        order = mro(kind)
        for name in self._exclude_types:
            module, _, last = name.rpartition(".")
            if any(type_name(base) == name or lookup(module, last) is base for base in order):
                return True
        return False


def _by_shape(kind: type) -> Handler:
    if type_name(kind) in _BY_NAME:
        return _BY_NAME[type_name(kind)]
    if module_name(kind).startswith("snapagent.capture."):
        return _wrapper
    making = fresh_maker(kind)
    if making is not None:
        return _fresh(making)
    if descends(kind, types.ModuleType):
        return _module
    if is_exception_type(kind):
        return _exception
    if kind in _METHODS:
        return _method
    names = {type_name(base) for base in mro(kind)}
    if "django.utils.functional.LazyObject" in names:
        return _lazy_object
    if QUERY_SET in names:
        return _query_set
    if "numpy.ndarray" in names:
        return _array
    if _is_plain(kind):
        return plain
    named = not is_heap_type(kind) or is_named(kind, module_name(kind), qualname(kind))
    if _ENUMS_GO_BY_NAME and is_enum_class(kind) and _home_of_reduce(kind) == "enum":
        return _enum_member if named else _nameless_enum_member
    return _reduce if named else _reduce_nameless


# The first releases of Python 3.11 pickle a member by its name, all others by its value: equal calls would have
# different hashes.
_ENUMS_GO_BY_NAME = sys.version_info[:2] == (3, 11) and sys.version_info < (3, 11, 7)


def _home_of_reduce(kind: type) -> str:
    """Where the `__reduce_ex__` of a type was defined."""
    _, hook = find(kind, "__reduce_ex__")
    return hook.__module__ if type(hook) is types.FunctionType else ""


# Of the standard library: their pickle forms are known to need nothing of the program.
_TRUSTED_NAMES = """
    collections.Counter collections.OrderedDict collections.defaultdict collections.deque datetime.date
    datetime.datetime datetime.time datetime.timedelta datetime.timezone decimal.Decimal fractions.Fraction
    pathlib.PosixPath pathlib.PurePosixPath pathlib.PureWindowsPath pathlib.WindowsPath pathlib._local.PosixPath
    pathlib._local.PurePosixPath uuid.UUID uuid.SafeUUID complex range slice
"""
_TRUSTED = frozenset(_TRUSTED_NAMES.split())


def _is_plain(kind: type) -> bool:
    """Whether pickling objects of this type cannot call code of the program, and the class can be named."""
    if type_name(kind) in _TRUSTED:
        return is_named(kind, module_name(kind), qualname(kind))
    for base in mro(kind):
        if base is object:
            continue
        values = namespace(base)
        if not is_heap_type(base) or any(hook in values for hook in HOOKS):
            return False
    if any(find(kind, name)[1] is not descriptor for name, descriptor in slots(kind).items()):
        return False  # a property in the place of a slot
    _, reads_dict = find(kind, "__dict__")
    if reads_dict is not None and type(reads_dict) is not types.GetSetDescriptorType:
        return False
    return is_honest(kind) and is_made_without_arguments(kind) and is_named(kind, module_name(kind), qualname(kind))


def _field_kind(dump: Dump, value: Any) -> Any:
    """dataclasses compares these by identity, so loading must give the very same object."""
    return value.name if lookup("dataclasses", value.name) is value else _reduce(dump, value)


def _missing(dump: Dump, value: Any) -> Any:
    return "MISSING" if lookup("dataclasses", "MISSING") is value else _reduce(dump, value)


_BY_NAME: dict[str, Handler] = {"dataclasses._FIELD_BASE": _field_kind, "dataclasses._MISSING_TYPE": _missing}


def _has_plain_form(value: object) -> bool:
    """Whether pickle's default form works: types of extension modules may have state that Python cannot see."""
    if type(value) in _SINGLETONS or type_name(type(value)) in _TRUSTED:
        return True
    try:
        object.__reduce_ex__(value, 5)
    except Exception:
        return False
    return True


def _by_own_state(kind: type) -> Handler | None:
    """The handler for objects that are taken by their own `__dict__` and slots; None for objects of other types."""
    way = own_state.way_of(kind)
    return None if way is None else _own_state if way == own_state.PAST_HOOKS else _plain_own_state


def _own_state(dump: Dump, value: Any) -> Any:
    """The name, where a module holds the object; else its own attributes, restored past a `__setstate__`."""
    name = name_anywhere(value)
    if name is not None:
        return load_named, (name,)
    return _own_attributes(dump, value)


def _own_attributes(dump: Dump, value: Any) -> Any:
    """Its own attributes, restored past a `__setstate__`. What is open below it, such as a socket, is left out."""
    kind = type(value)
    form = own_state.form_past_hooks(value)
    _must_be_named(dump, kind)
    return form


def _plain_own_state(dump: Dump, value: Any) -> Any:
    return own_state.form_without_hooks(value)


def _newer(kind: type, handler: Handler) -> Handler:
    """The handler for forms that version 0.1.0 did not have; `handler` itself where there is none."""
    for base in mro(kind):
        if type_name(base) in _NEWER:
            return _NEWER[type_name(base)]
    if type_name(kind) in ("_io.TextIOWrapper", "_io.BufferedReader"):
        return _file
    if handler in (plain, _reduce) and may_be_singleton(kind):
        return _singleton_or_plain if handler is plain else _singleton_or_object
    return handler


def _mapper(dump: Dump, mapper: Any) -> Any:
    form = mapper_form(mapper)
    if form is None:
        raise Unstorable("a mapper of a class that cannot be imported")
    return form


def _table(dump: Dump, table: Any) -> Any:
    return table_form(table) or _reduce(dump, table)


def _column(dump: Dump, column: Any) -> Any:
    return column_form(column) or _reduce(dump, column)


def _response(dump: Dump, response: Any) -> Any:
    return response_form(response, dump.note) or _reduce(dump, response)


def _request(dump: Dump, request: Any) -> Any:
    return request_form(request) or _reduce(dump, request)


def _open_response(dump: Dump, response: Any) -> Any:
    return open_response_form(response) or _reduce(dump, response)


def _headers(dump: Dump, headers: Any) -> Any:
    return headers_form(headers) if type_name(type(headers)) == HEADERS else _reduce(dump, headers)


def _pool(dump: Dump, pool: Any) -> Any:
    return pool_form(pool, dump.note) or _reduce(dump, pool)


def _cookie(dump: Dump, cookie: Any) -> Any:
    return cookie_form(cookie, dump.note)


def _ssl_context(dump: Dump, context: Any) -> Any:
    form = ask(ssl_context_form, context)
    if form is None:
        return dump.leave_out(context, *(special(type(context)) or (UNSTORABLE, "a context of SSL")))
    dump.note(context, FRESH, "it is new after loading: without the certificates and keys that were loaded into it")
    return form


def _file(dump: Dump, file: Any) -> Any:
    return file_form(file) or dump.leave_out(file, *(special(type(file)) or (UNSTORABLE, "an open file")))


def _formed(form_of: Callable[[Any], Any]) -> Handler:
    """The handler for objects that cannot be pickled, and may have a form of their own."""
    return lambda dump, value: ask(form_of, value) or _reduce(dump, value)


def _left_out(why: str, reason: str) -> Handler:
    """The handler for types that are left out. `self` before its `__init__` holds nothing yet, and is kept."""

    def leave_out(dump: Dump, value: Any) -> Any:
        if why in (UNSTORABLE, REDACTED) and not dump.decisions.as_first and own_state.is_half_made(value):
            return own_state.form_past_hooks(value)
        return dump.leave_out(value, why, reason)

    return leave_out


_NEWER: dict[str, Handler] = {
    MAPPER: _mapper,
    TABLE: _table,
    COLUMN: _column,
    "requests.models.Response": _response,
    "httpx.Request": _request,
    "httpx.Response": _open_response,
    HEADERS: _headers,
    "httpx._client.BaseClient": _own_attributes,
    "httpx.Proxy": _left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.AsyncHTTPProxy": _left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.AsyncSOCKSProxy": _left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.HTTPProxy": _left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.SOCKSProxy": _left_out(REDACTED, "a proxy may carry credentials"),
    "httpcore.AsyncConnectionPool": _pool,
    "httpcore.ConnectionPool": _pool,
    "http.cookiejar.CookieJar": _own_attributes,
    "http.cookiejar.Cookie": _cookie,
    "ssl.SSLContext": _ssl_context,
    "sqlite3.Row": _formed(row_form),
    "psycopg_binary.pq.PGresult": _formed(error_fields_form),
    "psycopg_c.pq.PGresult": _formed(error_fields_form),
    "psycopg.pq.pq_ctypes.PGresult": _formed(error_fields_form),
    "lxml.etree._Element": _formed(element_form),
    "lxml.etree._ElementTree": _formed(tree_form),
}


def _singleton_or_plain(dump: Dump, value: Any) -> Any:
    return singleton_form(value) or NotImplemented


def _singleton_or_object(dump: Dump, value: Any) -> Any:
    return singleton_form(value) or _reduce(dump, value)


def is_left_to_pickler(handler: Handler) -> bool:
    """Whether a handler that returns NotImplemented leaves a plain object to the C pickler."""
    return handler is plain or handler is _singleton_or_plain


def _reduce(dump: Dump, value: Any) -> Any:
    try:
        return dump.reduce_once(value)
    except Unstorable:
        if dump.decisions.as_first or not own_state.is_half_made(value):
            raise
        return _own_state(dump, value)


def _reduce_nameless(dump: Dump, value: Any) -> Any:
    """For a class that no module names: its code is stored by value when the pickle form refers to the class."""
    handler = _handler_now(dump, value)
    if handler is not _reduce_nameless:
        return handler(dump, value)
    form = dump.reduce_once(value)
    if type(form) is tuple and any(part is type(value) for part in (form[0], *form[1])):
        _must_be_storable(dump, type(value))
    return form


def _handler_now(dump: Dump, value: Any) -> Handler:
    """The handler, decided anew where a module names the class by now.

    A class decorator, and what it calls, meets the class before the module holds it.
    """
    handler, kind = dump.handler_of(value), type(value)
    if handler is _reduce_nameless and is_named(kind, module_name(kind), qualname(kind)):
        dump.decisions.pop(kind, None)
        handler = dump.handler_of(value)
    return handler


def _must_be_named(dump: Dump, cls: type) -> None:
    """Raises Unstorable for a class that no module names and that cannot be stored otherwise."""
    if not is_named(cls, module_name(cls), qualname(cls)):
        _must_be_storable(dump, cls)


def _must_be_storable(dump: Dump, cls: type) -> None:
    """Raises Unstorable for a class that can be stored neither by name nor by value."""
    if named_form(dump, cls) is None:
        dump.code_of(cls)


def _enum_member(dump: Dump, member: Any) -> Any:
    return type(member), ((instance_dict(member) or {})["_value_"],)


def _nameless_enum_member(dump: Dump, member: Any) -> Any:
    _must_be_named(dump, type(member))
    return _enum_member(dump, member)


def _class(dump: Dump, cls: Any) -> Any:
    package = dump.decisions.named.get(cls) if type(cls) is type else None
    if package is None:
        module, name = module_name(cls), qualname(cls)
        if any(cls is known for known in _NAMELESS_BUT_PLAIN):
            return NotImplemented
        if not dump.is_found(cls, module, name):
            return _by_value(dump, cls)
        package = dump.package_of(module)
        if type(cls) is type and module not in MAIN_NAMES:
            dump.decisions.remember(cls, package)
        else:
            dump.packages.add(package)
            return name  # a metaclass may have a reducer of its own; only the name must be stored
    dump.packages.add(package)
    return NotImplemented


_NAMELESS_BUT_PLAIN = (type(None), *_SINGLETONS)


def _function(dump: Dump, function: Any) -> Any:
    package = dump.decisions.named.get(function)
    if package is None:
        module, name = function.__module__, function.__qualname__
        if not dump.is_found(function, module, name):
            if _is_named_by_wrapper(function, module, name):
                dump.packages.add(module.partition(".")[0])
                return _resolver(), (f"{module}:{name}",)
            return _by_value(dump, function)
        package = dump.package_of(module)
        if module not in MAIN_NAMES:
            dump.decisions.remember(function, package)
    dump.packages.add(package)
    return NotImplemented


def _is_named_by_wrapper(function: object, module: object, name: str) -> bool:
    """Whether a module has snapagent's wrapper of this function under the function's name."""
    return type(module) is str and module not in MAIN_NAMES and unwrapped(lookup(module, name)) is function


def _resolver() -> Callable[[str], Any]:
    from pkgutil import resolve_name  # seldom needed, and it imports much

    return resolve_name


def _wrapper(dump: Dump, wrapper: Any) -> Any:
    """A wrapper of snapagent: the function inside it, unless the wrapper is found under the function's name."""
    function = unwrapped(wrapper)
    if function is None or is_named(wrapper, function.__module__, function.__qualname__):
        return _reduce(dump, wrapper)
    return _function(dump, function)


def _by_value(dump: Dump, code: Any) -> Any:
    return named_form(dump, code) or (load_by_value, (dump.code_of(code),))


def named_form(dump: Dump, code: Any) -> tuple[Any, ...] | None:
    """The form of a function or class that a module holds under another name than its own; None for others."""
    if dump.decisions.as_first:
        return None
    if not is_class(code):
        name = name_of_function(code)
    else:
        name = name_of_class(code)
        form = (_parametrized(code) or model_form(code)) if name is None else None
        if form is not None:
            return form
    if name is None:
        return None
    dump.packages.add(name.partition(":")[0].partition(".")[0])
    return load_named, (name,)


def _parametrized(cls: type) -> tuple[Any, ...] | None:
    """The form of a generic model of pydantic with its arguments, such as `Page[int]`, which no module names."""
    facts = namespace(cls).get("__pydantic_generic_metadata__")
    origin, args = (facts.get("origin"), facts.get("args")) if type(facts) is dict else (None, None)
    if origin is None or type(args) is not tuple:
        return None
    name = f"{module_name(cls)}:{qualname(cls)}"
    return load_parametrized, (origin, args if len(args) != 1 else args[0], name)


def _fresh(making: Callable[[Any], Any]) -> Handler:
    def make_anew(dump: Dump, value: Any) -> Any:
        dump.note(value, FRESH, "it is new and unlocked after loading")
        return making(value)

    return make_anew


def _module(dump: Dump, module: Any) -> Any:
    """A module that can be imported goes by its name; what it holds is never stored."""
    names = _names_in(module)
    name = names.get("__name__")
    if dump.decisions.as_first or type(name) is not str or sys.modules.get(name) is not module:
        raise Unstorable("a module")
    real = real_main_name() if name in MAIN_NAMES else name
    if real is None or (name not in MAIN_NAMES and names.get("__spec__") is None):
        raise Unstorable("a module that cannot be imported")
    dump.packages.add(real.partition(".")[0])
    return load_named, (f"{real}:",)


_names_in: Any = vars(types.ModuleType)["__dict__"].__get__


def _exception(dump: Dump, error: Any) -> Any:
    if not is_named(type(error), module_name(type(error)), qualname(type(error))):
        _must_be_storable(dump, type(error))
    depth = dump.chain_depth.get(id(error), 0)
    for link in chained(error).values():
        dump.chain_depth.setdefault(id(link), depth + 1)
    return reduce_exception(error, depth, dump.keeps_tracebacks, dump.decisions.as_first)


def _method(dump: Dump, method: Any) -> Any:
    """Loading it takes the method from its object, so the object must be there."""
    owner = method.__self__
    if owner is not None and type(owner) is not types.ModuleType and not is_class(owner):
        if _handler_now(dump, owner) not in _GIVE_OBJECTS:
            raise Unstorable("a method of an object that cannot be stored")
    elif type(owner) is types.ModuleType and not is_named(method, method.__module__, method.__qualname__):
        raise Unstorable("it is not found under its name")
    if type(method) is types.MethodType and not dump.decisions.as_first and not _is_attribute(method):
        return bind_method, (method.__func__, owner)
    return _reduce(dump, method)


def _is_attribute(method: Any) -> bool:
    """Whether the object's class has the method's function under the function's name, as pickling it supposes."""
    function, owner = method.__func__, method.__self__
    if type(function) is not types.FunctionType:
        return True
    _, raw = find(owner if is_class(owner) else type(owner), function.__name__)
    if raw is None and is_class(owner):
        _, raw = find(type(owner), function.__name__)
    raw = raw.__func__ if type(raw) is classmethod else raw
    return raw is function or (raw is not None and type(raw) is not types.FunctionType)


def _lazy_object(dump: Dump, value: Any) -> Any:
    wrapped = (instance_dict(value) or {}).get("_wrapped")
    if wrapped is None or wrapped is lookup("django.utils.functional", "empty"):
        return dump.leave_out(value, LAZY, "lazy and not yet evaluated; capturing does not force it")
    return _reduce(dump, value)


def _query_set(dump: Dump, value: Any) -> Any:
    if (instance_dict(value) or {}).get("_result_cache") is not None:
        return _reduce(dump, value)
    if dump.decisions.as_first or filters_by_text(value):
        return dump.leave_out(value, LAZY, "lazy and not yet evaluated; capturing does not run its query")
    _must_be_named(dump, type(value))
    note = dump.note(value, LAZY, "capturing does not run its query; the query is stored, its rows are not")
    # Its `__getstate__` would run the query.
    return make_query_set, (type(value), note.path), attributes(value), None, None, set_query


def _array(dump: Dump, value: Any) -> Any:
    """Sizes are read through numpy's own descriptors; a view that is not contiguous would be copied to be pickled."""
    ndarray: Any = lookup("numpy", "ndarray")
    size = ndarray.nbytes.__get__(value)
    if size > dump.max_bytes:
        shape, dtype = ndarray.shape.__get__(value), ndarray.dtype.__get__(value)
        reason = f"{size} bytes are more than max_bytes allows"
        return dump.leave_out(value, TOO_BIG, reason, f"shape {shape}, {dtype}")
    return _reduce(dump, value)


_GIVE_OBJECTS = frozenset(
    {
        plain,
        _reduce,
        _array,
        _exception,
        _singleton_or_plain,
        _singleton_or_object,
        _own_state,
        _own_attributes,
        _plain_own_state,
    }
)  # not a placeholder
