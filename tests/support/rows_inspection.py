"""Rows of the differential suite: what inspection tells, and who looks for the caller."""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import logging
import types
import typing
import warnings
from pathlib import Path

from rows import row

FUNCTIONS = ["plain", "coroutine", "generator", "async_generator", "decorated", "registered", "cached", "managed",
             "overloaded", "dispatched", "anonymous", "partial"]  # fmt: skip


@row
def signatures(m):
    members = ["method", "made", "static", "__init__", "__call__", "by_type", "preset", "cached_method"]
    return [str(inspect.signature(getattr(m, name))) for name in FUNCTIONS] + [
        str(inspect.signature(getattr(m.Base(), name))) for name in members
    ]


@row
def full_argument_specs(m):
    return [inspect.getfullargspec(getattr(m, name)) for name in ("plain", "coroutine", "registered")]


@row
def what_inspect_tells(m):
    tests = [inspect.isfunction, inspect.isroutine, inspect.iscoroutinefunction, inspect.isgeneratorfunction,
             inspect.isasyncgenfunction, inspect.isbuiltin, inspect.ismethod, inspect.ismethoddescriptor,
             inspect.isdatadescriptor, inspect.isclass, inspect.isawaitable, callable]  # fmt: skip
    return {name: [test(getattr(m, name)) for test in tests] for name in FUNCTIONS}


@row
def sources_and_places(m):
    names = ["plain", "registered", "coroutine", "decorated"]
    return [
        (inspect.getsource(getattr(m, name)), inspect.getdoc(getattr(m, name))) for name in names
    ] + [inspect.getsource(m.Base.method), inspect.getsource(m.Base)]  # fmt: skip


@row
def source_files(m):
    return [Path(inspect.getsourcefile(function)).name for function in (m.plain, m.registered, m.Base.method)]


@row
def names_and_annotations(m):
    seen = []
    for name in ("plain", "registered", "coroutine", "decorated", "anonymous"):
        function = getattr(m, name)
        seen.append((function.__name__, function.__qualname__, function.__module__, function.__doc__,
                     function.__annotations__, function.__defaults__ and len(function.__defaults__),
                     function.__kwdefaults__, typing.get_type_hints(function),
                     function.__globals__ is vars(m)))  # fmt: skip
    return seen


@row
def class_introspection(m):
    return [(name, value.__class__.__name__) for name, value in vars(m.Base).items()] + [
        inspect.classify_class_attrs(m.Base)[0].kind,
        m.Base.prop.__doc__, m.Base.made.__func__.__name__, m.Base.__dict__["prop"].fget.__name__,
        isinstance(m.Base(), collections.abc.Iterable), isinstance(m.Base(), collections.abc.Hashable),
    ]  # fmt: skip


@row
def what_a_function_is_an_instance_of(m):
    kinds = [types.FunctionType, collections.abc.Callable, collections.abc.Hashable, collections.abc.Sized,
             collections.abc.Container, collections.abc.Iterable, collections.abc.Reversible, collections.abc.Awaitable,
             collections.abc.Mapping, contextlib.AbstractContextManager, contextlib.AbstractAsyncContextManager,
             typing.SupportsInt, typing.SupportsFloat, typing.SupportsBytes, typing.SupportsIndex, typing.SupportsAbs,
             typing.SupportsRound, int, str, type]  # fmt: skip
    return [isinstance(m.plain, kind) for kind in kinds], m.plain.__class__.__name__


@row
def protocols_that_a_function_lacks(m):
    names = ["__len__", "__iter__", "__getitem__", "__enter__", "__exit__", "__aenter__", "__int__", "__float__",
             "__index__", "__bool__", "__contains__", "__add__", "__or__", "__html__", "__fspath__", "__await__",
             "__set__", "__set_name__", "__instancecheck__", "__mro_entries__", "__get__", "__call__",
             "__self__"]  # fmt: skip
    return {name: hasattr(m.plain, name) for name in names}, bool(m.plain)


@row
def operators_that_a_function_lacks(m):
    calls = [lambda f: len(f), lambda f: f[0], lambda f: f + 1, lambda f: int(f), lambda f: iter(f), lambda f: 1 in f,
             lambda f: f < f, lambda f: -f]  # fmt: skip

    def refusal(call):
        try:
            call(m.plain)
        except Exception as error:
            return type(error).__name__

    return [refusal(call) for call in calls]


@row
def texts(m):
    def cut(text):
        return text.split(" at 0x")[0]

    base = m.Base()
    return [cut(repr(f)) for f in (m.plain, m.registered, base.method, m.Base.made, m.Base.static)], cut(str(m.plain))


@row
def warnings_name_the_calling_line(m):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        m.warns()
    return Path(seen[0].filename).name


@row
def logging_names_the_calling_function(m):
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    m.LOGGER.addHandler(handler)
    m.LOGGER.propagate = False
    m.logs(m.LOGGER)
    return records[0].funcName, records[0].filename


@row
def the_callers_module(m):
    return m.callers_module(), m.make_tuple_type().__module__
