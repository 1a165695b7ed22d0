"""A small program, and bundles of real calls, made as a capturing process makes them: frozen, sealed, published."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snapagent.config.targets import Target
from snapagent.core.paths import parse_path
from snapagent.core.signature import Parameters, defaults_of
from snapagent.sealing.raw_call import RawCall
from snapagent.sealing.seal import SealRules, seal
from snapagent.serializer.freezing.freeze import FreezeRules, freeze_as_first, freeze_call, freeze_outcome
from snapagent.store import BundleEntry, Store

NOON = 1795348800.0  # 2026-11-22T12:00:00Z
_ticks = itertools.count()

PROGRAM = """
import functools
import threading


class Unavailable(Exception):
    def __init__(self, item, left):
        super().__init__(f"{item}: {left} left")
        self.item, self.left = item, left


def quote(rows, currency="USD", **options):
    if not rows:
        raise Unavailable("rows", 0)
    return {"total": sum(rows), "currency": currency, **options}


def append_to(rows, row):
    rows.append(row)
    return rows


def noted(name):
    error = KeyError(name)
    error.add_note("while looking")
    raise error


class Till:
    def __init__(self, start):
        self.amount = start
        self.lock = threading.Lock()

    def add(self, amount, *more):
        with self.lock:
            self.amount += amount + sum(more)
        return self.amount

    @classmethod
    def made_of(cls, start):
        return cls(start).amount, cls.__name__

    @staticmethod
    def rate(name, /):
        return len(name)

    @property
    def doubled(self):
        return self.amount * 2


class BigTill(Till):
    pass


async def fetch(key):
    return {"key": key}


async def pages(count):
    for number in range(count):
        yield number


def countdown(start):
    while True:
        yield start
        start -= 1


def lines(text):
    yield from text.split()


def loud(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args).upper()
    return wrapper


@loud
def greet(name):
    return f"hello {name}"


def log_in(user, password):
    return {"user": user, "token": "t-" + password, "ok": True}
"""


class Shop:
    """A folder of captures, and calls that become bundles in it."""

    def __init__(self, folder: Path) -> None:
        self.base_path = str(folder)
        self.store = Store(self.base_path)

    def capture(
        self,
        target: str,
        function: Callable[..., Any],
        *args: Any,
        kind: str = "function",
        instance: Any = None,
        exclude: tuple[str, ...] = (),
        items: int | None = None,
        when: float | None = None,
        as_first: bool = False,
        **kwargs: Any,
    ) -> BundleEntry:
        """Call `function` and store the call; `items` closes a generator after so many.

        `as_first` gives the arguments the forms of version 0.1.0.
        """
        parameters = Parameters.of(function)  # type: ignore[arg-type]
        defaults = defaults_of(function)  # type: ignore[arg-type]
        rules = FreezeRules(exclude=tuple(parse_path(path) for path in exclude))
        if as_first:
            call = freeze_as_first((instance, args, kwargs), parameters, rules)
        else:
            call = freeze_call(instance, args, kwargs, parameters, rules)
        positional = args if kind in ("function", "staticmethod") else (instance, *args)
        value, raised, flavor, ended = _called(function, positional, kwargs, items)
        outcome = freeze_outcome(value, raised, rules)
        started = NOON + next(_ticks) if when is None else when
        raw = RawCall(
            target=Target.parse(target),
            kind=kind,
            flavor=flavor,
            parameters=parameters,
            call=call.data,
            outcome=outcome.data,
            raised=raised,
            started=started,
            duration=0.001,
            defaults=freeze_outcome(defaults, False, rules).data if defaults else None,
            call_notes=call.notes,
            outcome_notes=outcome.notes,
            by_value=call.by_value + outcome.by_value,
            packages=call.packages | outcome.packages,
            exception=_name(value) if raised else None,
            ended=ended,
        )
        header, payload = seal(raw, SealRules(b"key of the tests"))
        return self.store.publish(target, header, payload, when=started)


def _called(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], items: int | None
) -> tuple[Any, bool, str, str]:
    flavor, ended = "plain", "complete"
    try:
        value = function(*args, **kwargs)
        if inspect.iscoroutine(value):
            flavor, value = "coroutine", asyncio.run(value)
        elif hasattr(value, "__anext__"):
            flavor, value = "async_generator", asyncio.run(_listed(value))
        elif hasattr(value, "__next__"):
            flavor = "generator"
            ended = "complete" if items is None else "closed"
            value = list(itertools.islice(value, items))
    except Exception as error:
        return error, True, flavor, ended
    return value, False, flavor, ended


async def _listed(items: Any) -> list[Any]:
    return [item async for item in items]


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
