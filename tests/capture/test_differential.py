"""Nobody can tell that the agent is there: each row does one thing to a module, bare and instrumented, and compares.

A row returns plain data about what it saw. Known divergences are strict xfails with their reason.
"""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import copy
import doctest
import gc
import importlib.util
import inspect
import logging
import multiprocessing
import pickle
import sys
import traceback
import types
import typing
import unittest.mock
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.capture.recording import Memories, instrumented

NAME = "every_kind"
SAMPLE = Path(__file__).parent / "samples" / "every_kind.py"


@contextlib.contextmanager
def loaded() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location(NAME, SAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    try:
        yield module
    finally:
        del sys.modules[NAME]


Row = Callable[[ModuleType], Any]
ROWS: dict[str, Row] = {}


def row(observe: Row) -> Row:
    ROWS[observe.__name__] = observe
    return observe


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the type and text of what it raises."""
    try:
        return call()
    except BaseException as error:
        return type(error).__name__, str(error)


def frames(error: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


# ---- calling


@row
def arguments_of_every_sort(m):
    return [
        m.plain(1),
        m.plain(1, 5, 6, c=4, d=7),
        m.plain(self=1, a=2, args=3, kwargs=4, wrapped=5, instance=6),
        m.only_by_position(1, b=2),
        m.partial(),
        m.twin(8),
        m.anonymous(1),
    ]


@row
def arguments_that_do_not_fit(m):
    return [
        outcome(call)
        for call in (
            lambda: m.plain(),
            lambda: m.only_by_position(a=1, b=2),
            lambda: m.Base().method(1, 2, 3),
            lambda: m.Base.method(),
            lambda: m.coroutine(),
            lambda: m.generator(),
            lambda: m.async_generator(),
            lambda: m.Slotted(),
        )
    ]


@row
def the_very_arguments_and_result(m):
    items = []
    value = object()
    return m.changes(items) is items, items, m.same(value) is value


@row
def class_members(m):
    base, derived = m.Base(3), m.Derived(4)
    base.prop = 6
    return [
        base.method(1), derived.method(2), m.Base.method(base, 5), base.second_name(1), base.preset(),
        m.Base.made(5).number, m.Derived.made(5).number, base.static(2), m.Base.static(3), base.prop, type(base.prop).__name__,
        base.computed is base.computed, type(base.computed).__name__, base.cached_method(1) is base.cached_method(1),
        base.by_type("x"), base.by_type(1), m.Base.Nested().method(), m.Diamond().inherited(), derived.inherited(),
    ]  # fmt: skip


@row
def special_methods(m):
    base = m.Base(2)
    with base as entered:
        pass
    return [
        base(5), base == m.Base(2), base != m.Base(3), hash(base), len(base), base["k"], entered is base, list(base),
        base.dynamic_name, outcome(lambda: base.missing), repr(base), bool(m.Base(0)), {base: 1}[m.Base(2)],
        m.Slotted(4).get(), m.Data(1).total(), m.Data(1) < m.Data(2), repr(m.Data(1)), m.Color.RED.shade(),
        str(m.Color(99)),
    ]  # fmt: skip


@row
def classes_with_a_metaclass(m):
    return m.WithMeta().method(), m.WithMeta().shadowed(), m.WithMeta.shadowed, m.Subscribed[3]


@row
def subclass_hooks(m):
    type("Sub", (m.Subscribed,), {})
    return m.Subscribed.subclasses


@row
def abstract_classes(m):
    whole = type("Whole", (m.Abstract,), {"must": lambda self: 1, "must_prop": 2})
    return outcome(m.Abstract), whole().must(), m.Abstract.__abstractmethods__, m.Abstract.must.__isabstractmethod__


@row
def caches_and_dispatch(m):
    hit = m.cached(1) is m.cached(1), m.cached.cache_info().hits
    m.cached.cache_clear()
    m.dispatched.register(str, lambda value: "text")
    return hit, m.cached.cache_info().misses, m.dispatched(1), m.dispatched(1.5), m.dispatched("x"), m.cached.__class__.__name__


@row
def decorated_functions(m):
    return m.decorated(1, y=2), m.carelessly_decorated(1), m.decorated.__wrapped__(3), m.overloaded(1)


@row
def references_taken_before(m):
    held = m.REGISTRY["registered"]
    return held(1), held is m.registered, m.takes_callback(2), m.takes_callback.__defaults__[0] is m.registered


@row
def recursion(m):
    return m.recurses(200)


@row
def function_attributes(m):
    before = m.with_attribute()
    m.with_attribute.counter = 6
    return before, m.with_attribute(), m.with_attribute.__dict__.get("counter"), vars(m.with_attribute)["counter"]


@row
def context_managers(m):
    log = []
    with m.managed(log) as value:
        log.append(value)

    async def use():
        async with m.async_managed(log) as value:
            log.append(value)

    asyncio.run(use())
    return log


@row
def lazy_values_are_not_forced(m):
    return m.Lazy.forced


# ---- exceptions


class Odd(BaseException):
    """A BaseException of the program's own."""


ERRORS = [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, MemoryError, Odd, RecursionError,
          asyncio.CancelledError, StopAsyncIteration]  # fmt: skip


@row
def the_very_exception_object(m):
    seen = []
    for error in (kind() for kind in ERRORS):
        try:
            m.raises(error)
        except BaseException as caught:
            seen.append((caught is error, caught.__context__, caught.__cause__, frames(caught)))
    return seen


@row
def context_and_cause(m):
    error, cause = ValueError("x"), KeyError("why")
    seen = []
    for call in (lambda: m.raises_from(error, cause), lambda: m.raises_while_handling(ValueError("y"))):
        try:
            call()
        except ValueError as caught:
            seen += [repr(caught.__context__), repr(caught.__cause__), caught.__suppress_context__, frames(caught)]
    return seen


@row
def the_handled_exception_is_still_seen(m):
    try:
        raise KeyError("outer")
    except KeyError:
        try:
            m.raises(ValueError("inner"))
        except ValueError as inner:
            return repr(inner.__context__), sys.exc_info()[0].__name__


@row
def tracebacks_hold_no_frame_of_ours(m):
    seen = []
    for call in (
        lambda: m.raises(ValueError()),
        lambda: m.plain(),
        lambda: m.Base().method(1, 2, 3),
        lambda: asyncio.run(m.coroutine(1, fail=ValueError())),
        lambda: next(m.generator("no number")),
    ):
        try:
            call()
        except Exception as error:
            seen.append([(Path(one.filename).name, one.name) for one in traceback.extract_tb(error.__traceback__)])
    return seen


# ---- coroutines and generators


@row
def coroutines(m):
    async def use():
        made = m.coroutine(5)
        names = made.__name__, made.__qualname__, inspect.iscoroutine(made), type(made).__name__
        value = await made
        again = None
        try:
            await made
        except RuntimeError as error:
            again = type(error).__name__
        return names, value, again, await asyncio.gather(*(m.coroutine(n) for n in range(3)))

    return asyncio.run(use())


@row
def exceptions_of_coroutines(m):
    error = ValueError("x")
    try:
        asyncio.run(m.coroutine(1, fail=error))
    except ValueError as caught:
        return caught is error, frames(caught)[-1], repr(caught.__context__)


@row
def cancellation(m):
    log = []

    async def use():
        task = asyncio.create_task(m.waits(log))
        await asyncio.sleep(0)
        task.cancel("enough")
        try:
            await task
        except asyncio.CancelledError as error:
            log.append(error.args)
        return task.cancelled()

    return asyncio.run(use()), log


@row
def time_limits_of_coroutines(m):
    async def use():
        try:
            await asyncio.wait_for(m.waits([]), 0.01)
        except asyncio.TimeoutError:
            return "timed out"

    return asyncio.run(use())


@row
def a_coroutine_driven_by_hand(m):
    made = m.coroutine(5)
    first = made.send(None)
    closed = m.coroutine(6)
    closed.close()
    thrown = outcome(lambda: m.coroutine(1).throw(KeyError("thrown")))
    made.close()
    return first, thrown


@row
def a_coroutine_that_is_never_awaited_warns_once(m):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        m.coroutine(1)
        gc.collect()
    return [str(warning.message) for warning in seen]


@row
def method_coroutines(m):
    return asyncio.run(m.Base(4).async_method(1)), list(m.Base(4).gen_method())


@row
def generators(m):
    log = []
    made = m.generator(3, log)
    kind = type(made).__name__, made.__name__, made.__qualname__, inspect.getgeneratorstate(made)
    steps = [next(made), made.send("sent"), made.throw(ValueError("thrown")), outcome(lambda: next(made))]
    end = outcome(lambda: next(made))
    return kind, steps, end, log, inspect.getgeneratorstate(made)


@row
def the_return_value_of_a_generator(m):
    def taken():
        value = yield from m.delegating(2)
        yield value

    return list(taken())


@row
def closing_a_generator(m):
    log = []
    made = m.generator(3, log)
    next(made)
    made.close()
    unstarted = m.generator(3, log)
    unstarted.close()
    return log, outcome(lambda: next(made))


@row
def a_generator_that_refuses_to_close(m):
    made = m.stubborn()
    next(made)
    seen = outcome(made.close)
    return seen


@row
def a_generator_that_is_dropped(m):
    log = []
    made = m.generator(3, log)
    next(made)
    del made
    gc.collect()
    return log


@row
def an_exception_out_of_a_generator(m):
    made = m.generator(3)
    next(made)
    error = KeyError("mine")
    try:
        made.throw(error)
    except KeyError as caught:
        return caught is error, repr(caught.__context__), frames(caught)


@row
def async_generators(m):
    log = []

    async def use():
        made = m.async_generator(3, log)
        kind = type(made).__name__, made.__name__, made.__qualname__
        steps = [await made.__anext__(), await made.asend("sent"), await made.athrow(ValueError("thrown"))]
        rest = [item async for item in made]
        closed = m.async_generator(3, log)
        await closed.__anext__()
        await closed.aclose()
        return kind, steps, rest

    return asyncio.run(use()), log


@row
def an_async_generator_that_is_dropped(m):
    log = []

    async def use():
        async for _ in m.async_generator(3, log):
            break
        gc.collect()
        await asyncio.sleep(0.01)

    asyncio.run(use())
    return log


# ---- what inspection tells

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
                     function.__kwdefaults__, typing.get_type_hints(function), function.__globals__ is vars(m)))  # fmt: skip
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
             "__index__", "__bool__", "__contains__", "__add__", "__or__", "__html__", "__fspath__", "__await__", "__set__",
             "__set_name__", "__instancecheck__", "__mro_entries__", "__get__", "__call__", "__self__"]  # fmt: skip
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


# ---- identity, equality, lifetime


@row
def identity(m):
    base = m.Base()
    return [
        m.plain is m.twin, m.plain == m.twin, hash(m.plain) == hash(m.twin), m.Base.method is m.Base.method,
        m.Base.method is vars(m.Base)["method"], m.Base.method is m.Base.second_name, base.method == base.method,
        base.method.__func__ is m.Base.method, base.method.__self__ is base, type(base.method).__name__,
        type(m.Base.made).__name__, m.Base.made.__func__ is vars(m.Base)["made"].__func__, m.Derived.inherited is m.Base.inherited,
        m.Derived.method is m.Base.method, {m.plain: 1}[m.twin], m.Base.__eq__ is m.Derived.__eq__,
        m.REGISTRY["registered"] is m.registered,
    ]  # fmt: skip


@row
def binding_by_hand(m):
    bound = m.plain.__get__(5)
    unbound = m.plain.__get__(None, m.Base)
    return bound(), type(bound).__name__, unbound is m.plain, types.MethodType(m.plain, 3)()


@row
def a_function_stored_on_a_class_binds(m):
    holder = type("Holder", (), {"call": m.plain, "static": staticmethod(m.same)})
    return holder().call()[1:], holder.static(1)


@row
def weak_references(m):
    base = m.Base()
    method = weakref.WeakMethod(base.method)
    alive = method() is not None, weakref.ref(m.plain)() is m.plain
    base = None
    gc.collect()
    return alive, method() is None, m.plain in weakref.WeakSet([m.plain])


@row
def lifetimes(m):
    class Value:
        pass

    def dies(use):
        value = Value()
        watch = weakref.ref(value)
        use(value)
        del value
        return watch() is None

    def raising(value):
        try:
            m.raises(ValueError(value))
        except ValueError:
            pass

    async def awaited(value):
        await m.coroutine(value)

    return [dies(m.plain), dies(m.Base().method), dies(raising), dies(lambda v: list(m.generator(1, [v]))),
            dies(lambda v: asyncio.run(awaited(v)))]  # fmt: skip


@row
def the_exact_type(m):
    return type(m.plain) is types.FunctionType


@row
def copies(m):
    return [copy.copy(m.plain) is m.plain, copy.deepcopy(m.plain) is m.plain, copy.deepcopy([m.plain])[0] is m.plain,
            copy.copy(m.registered) is m.registered, copy.deepcopy(m.Base(2)).number]  # fmt: skip


@row
def pickles(m):
    base = m.Base(3)
    values = [m.plain, m.registered, m.decorated, m.Base.method, m.Base.made, m.Base.static, m.coroutine]
    seen = []
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        seen += [pickle.loads(pickle.dumps(value, protocol)) == value for value in values]
    return seen, pickle.loads(pickle.dumps(base.method))(), pickle.loads(pickle.dumps(m.partial))()


@row
def what_cannot_be_pickled(m):
    def refusal(value):
        try:
            pickle.dumps(value)
        except Exception as error:
            return type(error).__name__

    return refusal(m.anonymous), refusal(m.carelessly_decorated)


# ---- who looks for the caller


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


# ---- tools


@row
def mocks(m):
    seen = []
    before = m.plain, vars(m.Base)["method"], vars(m.Base)["made"]
    with unittest.mock.patch.object(m, "plain", autospec=True) as mocked:
        mocked.return_value = 1
        seen += [m.plain(1), outcome(lambda: m.plain())]
    with unittest.mock.patch.object(m.Base, "method", autospec=True, return_value=2):
        seen.append(m.Base().method(1))
    with unittest.mock.patch.object(m.Base, "made", autospec=True, return_value=3):
        seen.append(m.Base.made(1))
    spec = unittest.mock.create_autospec(m.Base)
    seen += [outcome(lambda: spec.static(1, 2)), isinstance(spec(1), m.Base)]
    after = m.plain, vars(m.Base)["method"], vars(m.Base)["made"]
    return seen, [one is other for one, other in zip(before, after, strict=True)]


@row
def doctests(m):
    return [test.name for test in doctest.DocTestFinder().find(m)], doctest.testmod(m).attempted


@row
def functools_wraps(m):
    import functools

    @functools.wraps(m.plain)
    def around(*args, **kwargs):
        return m.plain(*args, **kwargs)

    return around.__name__, str(inspect.signature(around)), around(1), around.__wrapped__ is m.plain


def observe(name: str, mode: str | None) -> Any:
    with loaded() as module:
        if mode is None:
            return ROWS[name](module)
        with instrumented(module, mode=mode, keep=False) as memories:
            assert memories.made
            return ROWS[name](module)


DIVERGENCES = {
    ("wrap", "source_files"): "a function that others refer to has its code swapped, and the code names its file",
    ("inplace", "source_files"): "the swapped code names a file that `warnings` and `logging` skip",
    ("wrap", "the_exact_type"): "wrapt puts an object of its own class in the function's place",
    ("inplace", "the_callers_module"): "swapped code runs in the function's own module: that is what a caller's look-up sees",
}


@pytest.mark.parametrize("mode", ["wrap", "inplace"])
@pytest.mark.parametrize("name", ROWS)
def test_is_as_bare(name: str, mode: str, request: pytest.FixtureRequest) -> None:
    reason = DIVERGENCES.get((mode, name))
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    assert observe(name, mode) == observe(name, None)


def test_uninstalling_gives_back_the_very_own_objects() -> None:
    with loaded() as module:
        taken = {name: id(value) for name, value in vars(module).items()}
        members = {name: id(value) for name, value in vars(module.Base).items()}
        inner = id(vars(module.Base)["made"].__func__), id(vars(module.Base)["prop"].fget)
        code = {name: id(value.__code__) for name, value in vars(module).items() if type(value) is types.FunctionType}
        with instrumented(module):
            pass
        assert {name: id(value) for name, value in vars(module).items()} == taken
        assert {name: id(value) for name, value in vars(module.Base).items()} == members
        assert (id(vars(module.Base)["made"].__func__), id(vars(module.Base)["prop"].fget)) == inner
        assert {name: id(value.__code__) for name, value in vars(module).items() if type(value) is types.FunctionType} == code
        assert vars(module.registered) == {}


def remembered(memories: Memories) -> set[str]:
    return {name.partition(":")[2] for name, memory in memories.made.items() if memory.calls}
