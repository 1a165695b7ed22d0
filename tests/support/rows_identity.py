"""Rows of the differential suite: identity, equality, lifetime, copies, and tools that rely on them."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import doctest
import gc
import inspect
import pickle
import types
import unittest.mock
import weakref

from rows import outcome, row


@row
def identity(m):
    base = m.Base()
    return [
        m.plain is m.twin, m.plain == m.twin, hash(m.plain) == hash(m.twin), m.Base.method is m.Base.method,
        m.Base.method is vars(m.Base)["method"], m.Base.method is m.Base.second_name, base.method == base.method,
        base.method.__func__ is m.Base.method, base.method.__self__ is base, type(base.method).__name__,
        type(m.Base.made).__name__, m.Base.made.__func__ is vars(m.Base)["made"].__func__,
        m.Derived.inherited is m.Base.inherited, m.Derived.method is m.Base.method, {m.plain: 1}[m.twin],
        m.Base.__eq__ is m.Derived.__eq__,
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
        with contextlib.suppress(ValueError):
            m.raises(ValueError(value))

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
