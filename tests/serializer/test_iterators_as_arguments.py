"""The items that are still to come from an argument are stored, and nothing is taken from it. C14 of the list of faults
that real programs showed.
"""

from __future__ import annotations

import asyncio
import gc
import io
import itertools
import operator
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest
from freezes import frozen_call, notes_by_path, rules
from sealing_support import everything_in, sealed

from snapagent.errors import PlaceholderError
from snapagent.placeholder import Placeholder, note_of
from snapagent.sealing.preview import preview_text
from snapagent.serializer.inert.decode import decode
from snapagent.serializer.thawing.load import thaw


def take(items: object, *rest: object, **options: object) -> None:
    """Its parameters name the paths."""


def stored(value: object) -> Any:
    """An argument as a replay gets it; nothing of it may be left out."""
    result = frozen_call(take, value)
    assert result.notes == (), result.notes
    return thaw(result.data)[1][0]


class Shelf:
    def __init__(self, *rows: str) -> None:
        self.rows = rows

    def lines(self, mark: str = "-", *, times: int = 1) -> Iterator[str]:
        for row in self.rows:
            yield mark * times + row

    async def count(self, factor: int) -> int:
        await asyncio.sleep(0)
        return factor * len(self.rows)


def numbers(first: int, /, last: int, *more: int, step: int = 1, **named: int) -> Iterator[int]:
    yield from range(first, last, step)
    yield from more
    yield from named.values()


def logins(password: str) -> Iterator[str]:
    yield password


async def doubled(value: int) -> int:
    await asyncio.sleep(0)
    return value * 2


async def ticks(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


# -- iterators of the standard library --------------------------------------------------------------------------------


def after(iterator: Iterator[Any], taken: int) -> Iterator[Any]:
    for _ in range(taken):
        next(iterator)
    return iterator


ITERATORS: dict[str, Callable[[], Iterator[Any]]] = {
    "list": lambda: iter([1, 2, 3]),
    "tuple": lambda: iter((1, 2, 3)),
    "dict": lambda: iter({1: 1, 2: 2, 3: 3}),
    "items": lambda: iter({1: 1, 2: 2}.items()),
    "set": lambda: iter({1}),
    "range": lambda: iter(range(5)),
    "str": lambda: iter("abc"),
    "bytes": lambda: iter(b"abc"),
    "map": lambda: map(int, "123"),
    "map of two": lambda: map(operator.add, [1, 2], (3, 4)),
    "zip": lambda: zip([1, 2, 3], "abc", strict=False),
    "enumerate": lambda: enumerate("abc", 5),
    "filter": lambda: filter(None, [0, 1, 2]),
    "reversed list": lambda: reversed([1, 2, 3]),
    "reversed tuple": lambda: reversed((1, 2, 3)),
    "callable": lambda: iter(Counter(), 3),
    "chain": lambda: itertools.chain([1, 2], (), "ab"),
    "chain of an iterator": lambda: itertools.chain.from_iterable(iter([[1, 2], [3]])),
    "repeat": lambda: itertools.repeat("x", 4),
    "starmap": lambda: itertools.starmap(pow, [(2, 3), (3, 2)]),
    "filterfalse": lambda: itertools.filterfalse(None, [0, 1, 0]),
    "compress": lambda: itertools.compress("abc", [1, 0, 1]),
    "generator": lambda: numbers(1, 4),
    "generator expression": lambda: (number * 2 for number in [1, 2, 3]),
    "map of a generator": lambda: map(str, numbers(1, 4)),
}


class Counter:
    """Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


@pytest.mark.filterwarnings("error")  # pickling itertools is deprecated
@pytest.mark.parametrize("name", ITERATORS)
def test_the_items_to_come_are_stored_and_none_is_taken(name: str) -> None:
    iterator = ITERATORS[name]()

    again = stored(iterator)

    items = list(iterator)
    assert items and list(again) == items


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("taken", [1, 2])
@pytest.mark.parametrize("name", [name for name in ITERATORS if "generator" not in name])
def test_of_an_iterator_that_has_begun_the_rest_is_stored(name: str, taken: int) -> None:
    iterator = ITERATORS[name]()
    for _ in range(taken):
        next(iterator, None)

    again = stored(iterator)

    assert list(again) == list(iterator)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "make", [lambda: itertools.count(5), lambda: itertools.count(1, 2), lambda: itertools.count(0.5)]
)
def test_a_count_goes_on(make: Callable[[], Iterator[float]]) -> None:
    again = stored(after(make(), 3))

    assert list(itertools.islice(again, 3)) == list(itertools.islice(after(make(), 3), 3))


def test_a_repetition_without_end_goes_on() -> None:
    assert list(itertools.islice(stored(itertools.repeat("x")), 3)) == ["x"] * 3


@pytest.mark.filterwarnings("error")
def test_iterators_with_a_hidden_position_are_placeholders() -> None:
    held = itertools.islice("abc", 2), itertools.cycle("ab"), reversed(Backwards())

    result = frozen_call(take, held)

    assert list(notes_by_path(result)) == ["items[0]", "items[1]", "items[2]"]
    assert [list(held[0]), next(held[1]), list(held[2])] == [["a", "b"], "a", [1, 0]]


class Backwards:
    """A sequence of the program, which to reverse calls its methods."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        return index


def test_an_iterator_over_what_cannot_be_stored_is_a_placeholder_when_it_is_loaded() -> None:
    started = numbers(1, 4)
    next(started)

    result = frozen_call(take, map(str, started), 7)

    items, seven = thaw(result.data)[1]
    assert type(items) is Placeholder and seven == 7
    assert list(notes_by_path(result)) == ["items[1][1]"]
    assert list(started) == [2, 3]


# -- generators and coroutines ----------------------------------------------------------------------------------------


def test_a_generator_gets_the_arguments_that_its_function_was_called_with() -> None:
    generator = numbers(1, 5, 7, 8, step=2, extra=9)

    again = stored(generator)

    assert list(again) == list(generator) == [1, 3, 7, 8, 9]


def test_a_generator_of_a_method_has_its_object() -> None:
    assert list(stored(Shelf("a", "b").lines("+", times=2))) == ["++a", "++b"]


def test_a_nested_generator_has_what_it_encloses() -> None:
    def lines(prefix: str) -> Iterator[str]:
        call = lambda row: prefix + row + ending  # noqa: E731
        yield from map(call, "ab")

    ending = "!"

    assert list(stored(lines(">"))) == [">a!", ">b!"]


def test_an_object_that_is_an_argument_twice_stays_one_object() -> None:
    rows = [1, 2]
    result = frozen_call(take, (row for row in rows), rows)
    generator, again = thaw(result.data)[1]

    again.append(3)

    assert list(generator) == [1, 2, 3]


def test_arguments_of_a_generator_do_not_live_longer() -> None:
    class Big:
        pass

    def consume(big: Big | None) -> Iterator[int]:
        big = None  # noqa: F841
        yield 1
        yield 2

    big = Big()
    seen = weakref.ref(big)
    generator = consume(big)
    frozen_call(take, generator)
    del big

    next(generator)

    gc.collect()
    assert seen() is None


@pytest.mark.parametrize("make", [lambda: numbers(1, 4), lambda: (number for number in (1, 2, 3))])
def test_a_generator_that_has_begun_is_a_placeholder(make: Callable[[], Iterator[int]]) -> None:
    generator = after(make(), 1)

    result = frozen_call(take, generator)

    note = result.notes[0]
    assert (note.path, note.kind) == ("items", "unstorable") and "has started" in note.reason
    assert list(generator) == [2, 3]


def test_a_generator_that_has_ended_is_a_placeholder() -> None:
    generator = numbers(1, 2)
    list(generator)

    assert frozen_call(take, generator).notes[0].kind == "unstorable"


def test_a_generator_with_an_argument_that_cannot_be_stored_meets_its_placeholder() -> None:
    result = frozen_call(take, numbers(1, 3, io.StringIO, open(__file__, "ab")))  # type: ignore[arg-type] # noqa: SIM115

    items = thaw(result.data)[1][0]

    assert [next(items), next(items), next(items)] == [1, 2, io.StringIO]
    left_out = next(items)
    assert note_of(left_out).path == "items.args[1]"
    with pytest.raises(PlaceholderError):
        left_out.write(b"")


def test_large_arguments_of_a_generator_are_left_out_alone() -> None:
    def rows(blob: bytes, count: int) -> Iterator[int]:
        yield len(blob)
        yield count

    result = frozen_call(take, rows(b"x" * 50_000, 3), rules=rules(max_bytes=20_000))

    assert [(note.path, note.kind) for note in result.notes] == [("items.blob", "too_big")]


@pytest.mark.filterwarnings("error")
def test_a_coroutine_is_awaited_with_its_arguments() -> None:
    coroutine, method = doubled(4), Shelf("a", "b").count(3)

    again = stored([coroutine, method])

    async def together(*calls: Coroutine[Any, Any, int]) -> list[int]:
        return await asyncio.gather(*calls)

    assert asyncio.run(together(*again)) == asyncio.run(together(coroutine, method)) == [8, 6]


@pytest.mark.filterwarnings("error")
def test_a_coroutine_that_a_replay_never_awaits_does_not_warn() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        coroutine = doubled(4)
        result = frozen_call(take, coroutine)
        coroutine.close()
        again = thaw(result.data)[1][0]
        assert asyncio.iscoroutine(again) and again.__qualname__ == "doubled"
        del again
        gc.collect()

    assert seen == []


def test_a_rebuilt_coroutine_can_be_closed_and_stored_again() -> None:
    coroutine = doubled(4)
    again = stored(stored(coroutine))
    closed = stored(coroutine)
    coroutine.close()

    closed.close()

    assert asyncio.run(again) == 8


def test_a_coroutine_that_has_started_is_a_placeholder() -> None:
    coroutine = doubled(4)
    coroutine.send(None)

    assert frozen_call(take, coroutine).notes[0].type == "coroutine"

    coroutine.close()
    again = stored(doubled_later := doubled(4))
    doubled_later.close()
    again.send(None)
    assert frozen_call(take, again).notes[0].type == "coroutine"


def test_an_asynchronous_generator_gives_its_items() -> None:
    async def listed(items: AsyncIterator[int]) -> list[int]:
        return [item async for item in items]

    assert asyncio.run(listed(stored(ticks(3)))) == [0, 1, 2]


def test_an_asynchronous_generator_that_has_begun_is_a_placeholder() -> None:
    async def begun() -> object:
        items = ticks(3)
        await anext(items)
        return frozen_call(take, items).notes[0].type

    assert asyncio.run(begun()) == "async_generator"


# -- what the rest of the package makes of them -----------------------------------------------------------------------


def test_equal_generators_have_equal_hashes() -> None:
    hashes = {sealed(take, numbers(1, 4, step=step)).header.hash for step in (1, 1, 2)}

    assert len(hashes) == 2


def test_a_preview_names_the_function_and_its_arguments() -> None:
    text = preview_text(decode(frozen_call(take, numbers(1, 4)).data)[1][0])

    assert text.startswith("generator(of=<") and "numbers>, first=1, last=4" in text


def test_a_secret_argument_of_a_generator_is_redacted() -> None:
    call = sealed(take, logins("hunter2secret"))

    assert b"hunter2secret" not in everything_in(call.file)
    assert call.notes() == {"items.password": "redacted"}
