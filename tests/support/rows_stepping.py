"""Rows of the differential suite: coroutines and generators."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import warnings

from rows import frames, outcome, row


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
        except TimeoutError:
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
def the_async_generators_that_an_event_loop_closes(m):
    """Many, since a loop closes them in the order of a set: none may be closed behind the back of another."""
    log, complaints, kept = [], [], []

    async def use():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
        for _ in range(20):
            kept.append(m.async_generator(3, log))
            await kept[-1].__anext__()
        del kept[::3]

    asyncio.run(use())
    return log, complaints


@row
def hooks_of_async_generators(m):
    seen, log = [], []
    hooks = sys.get_asyncgen_hooks()

    def first(made):
        seen.append(("first", made.__name__))

    def last(made):
        seen.append(("last", made.__name__))

    def stepped():
        made = m.async_generator(3, log)
        step = made.__anext__()
        step.send(None)  # it sleeps
        outcome(lambda: step.send(None))
        return made

    kept = []
    try:
        for chosen in ((first, last), (first, None), (None, last), (None, None), (first, kept.append)):
            sys.set_asyncgen_hooks(*chosen)
            stepped()
            gc.collect()
            seen.append(sys.get_asyncgen_hooks() == chosen)
        outcome(lambda: kept[0].aclose().send(None))
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return seen, log, [one.__name__ for one in kept]


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
