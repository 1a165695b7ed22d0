"""The calls whose hashes are in `hashes.json`. Run with capture on, it makes them and prints those hashes as JSON.

    python calls.py FOLDER      `pinshop` on sys.path, FOLDER the folder of captures, a config found by the environment

Only what this file calls by its public name is used, so that any version of snapagent can run it.
"""

from __future__ import annotations

import asyncio
import collections
import datetime
import decimal
import functools
import json
import pathlib
import sys
import threading
import uuid
from collections.abc import Callable, Iterator

import pinshop

import snapagent

SECRET = "correct-horse-battery"


def error_with_chain() -> Exception:
    try:
        try:
            raise LookupError("shelf", 7)
        except LookupError as cause:
            raise pinshop.Rejected("a17", "no stock") from cause
    except pinshop.Rejected as error:
        error.add_note("third try")
        return error


def lines() -> list[pinshop.Line]:
    return [pinshop.Line("bolt", 3, {"steel", "m8"}), pinshop.Line("nut", 1)]


def calls() -> Iterator[tuple[str, str, Callable[[], object]]]:
    """(label, target, the call). Labels are in the order of the calls."""
    shop = pinshop
    yield "objects", "pinshop.quote", lambda: shop.quote(lines())
    yield "keywords", "pinshop.quote", lambda: shop.quote([], rush=True, currency="USD")
    for label, value in values():
        yield label, "pinshop.echo", lambda value=value: shop.echo(value)  # type: ignore[misc]
    for label, function in functions():
        yield label, "pinshop.apply", lambda function=function: shop.apply(function, 4)  # type: ignore[misc]
    yield "exception", "pinshop.explain", lambda: shop.explain(ValueError("no", 3))
    yield "exception with chain and notes", "pinshop.explain", lambda: shop.explain(error_with_chain())
    yield "exception of the system", "pinshop.explain", lambda: shop.explain(OSError(2, "none", "a.txt"))
    yield (
        "exception group",
        "pinshop.explain",
        lambda: shop.explain(ExceptionGroup("two", [ValueError(1), KeyError(2)])),
    )
    yield "raised", "pinshop.reject", lambda: shop.reject("b4")
    yield "generator", "pinshop.pages", lambda: list(shop.pages(3))
    yield "coroutine", "pinshop.fetch", lambda: asyncio.run(shop.fetch("c5"))
    yield "method", "pinshop.Basket.total", lambda: shop.Basket(lines()).total(2)
    yield "class method", "pinshop.Basket.empty", lambda: shop.Basket.empty(shop.Size.LARGE)
    yield "static method", "pinshop.Basket.tax", lambda: shop.Basket.tax(200, rate=7)
    yield "redacted", "pinshop.enter", lambda: shop.enter("ann", password=SECRET)
    yield "excluded", "pinshop.enrich", lambda: shop.enrich({"b": 1, "a": 2}, model={"weights": [1, 2]})
    yield "too big and open", "pinshop.upload", lambda: shop.upload(b"x" * 40_000, sys.stdin)
    yield "locks", "pinshop.guard", lambda: shop.guard(*locks())
    yield "enum class", "pinshop.members", lambda: shop.members(shop.Size)
    yield "enum class by value", "pinshop.members", lambda: shop.members(shop.local_enum())
    yield "class by value", "pinshop.built", lambda: shop.built(shop.local_class(), 21)


def locks() -> list[object]:
    held = threading.Lock()
    held.acquire()
    return [held, threading.RLock(), threading.Event(), threading.Semaphore(2), threading.Condition()]


def values() -> Iterator[tuple[str, object]]:
    yield "plain values", [1, 1.5, True, None, "text", b"bytes", bytearray(b"xy"), 2 + 1j, 3**200, float("nan")]
    yield "containers", {"list": [1, (2, 3)], "set": {"a", "b"}, "frozen": frozenset((1, 2)), 7: {"deep": [[]]}}
    yield (
        "ordered",
        [collections.OrderedDict(b=1, a=2), collections.defaultdict(list, a=[1]), collections.Counter("abca")],
    )
    yield "dates", [datetime.datetime(2026, 11, 22, 9, 34, 8, 123456, tzinfo=datetime.UTC), datetime.timedelta(1, 2)]
    yield "numbers and names", [decimal.Decimal("1.10"), uuid.UUID(int=7), range(3, 9, 2), pathlib.PurePosixPath("a/b")]
    yield "enum members", [pinshop.Size.SMALL, pinshop.Size.LARGE]
    yield "classes and functions", [pinshop.Line, pinshop.adder, json.dumps, len]
    cycle: list[object] = [1]
    cycle.append(cycle)
    yield "cycle", cycle
    yield "enum member by value", pinshop.local_enum()(2)
    yield "closure as outcome", pinshop.adder(9)
    yield "error of the package", snapagent.OutcomeError("shop:quote", "ValueError")
    yield "exception class by value", pinshop.local_exception()("key", "sofa")


def functions() -> Iterator[tuple[str, Callable[[int], object]]]:
    yield "bound method", pinshop.Line("bolt", 3).times
    yield "partial", functools.partial(pinshop.add, other=50)
    yield "lambda", lambda x: x * 2 + 1
    yield "closure", pinshop.adder(3)
    yield "closure over an exception", pinshop.joiner(str(ValueError("held")), ValueError("held"))
    yield "closure over an open file", pinshop.joiner(sys.stdin)


def make_calls() -> list[tuple[str, str]]:
    """Make each call once. Returns (label, target) in the order in which they were made."""
    made = []
    for label, target, call in calls():
        try:
            call()
        except pinshop.Rejected:
            assert label == "raised"
        made.append((label, target))
    return made


def main(folder: str) -> None:
    made = make_calls()
    snapagent.uninstall()
    bundles = {
        target: iter(snapagent.load_captures(target, base_path=folder)) for target in dict.fromkeys(t for _, t in made)
    }
    found = {}
    for label, target in made:
        bundle = next(bundles[target])
        found[label] = {
            "target": target,
            "hash": bundle.hash,
            "call_hash": bundle.metadata["call_hash"],
            "by_value": bool(bundle.metadata["by_value"]),
        }
    json.dump(found, sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1])
