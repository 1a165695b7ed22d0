"""Rows of the differential suite: calling, and what calls raise."""

from __future__ import annotations

import asyncio
import sys
import traceback
from pathlib import Path

from rows import frames, outcome, row


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
        m.Base.made(5).number, m.Derived.made(5).number, base.static(2), m.Base.static(3), base.prop,
        type(base.prop).__name__, base.computed is base.computed, type(base.computed).__name__,
        base.cached_method(1) is base.cached_method(1),
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
    dispatched = m.dispatched(1), m.dispatched(1.5), m.dispatched("x")
    return hit, m.cached.cache_info().misses, dispatched, m.cached.__class__.__name__


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
def exceptions_that_cannot_be_changed(m):
    error = m.FrozenError(3)

    def swallowed(call):
        try:
            call()
        except m.FrozenError as caught:
            return caught is error, frames(caught)[-1]

    made = m.generator(2)
    next(made)
    return [
        swallowed(lambda: m.raises(error)),
        swallowed(lambda: asyncio.run(m.coroutine(1, fail=error))),
        swallowed(lambda: made.throw(error)),
    ]


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
