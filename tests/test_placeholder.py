from __future__ import annotations

import copy
import importlib
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from snapagent.errors import PlaceholderError
from snapagent.placeholder import BY_VALUE, PLACEHOLDER, REBUILDS_EXCEPTION, Placeholder, note_of, restore_placeholder


@pytest.fixture
def placeholder() -> Any:
    return restore_placeholder("self.db", "unstorable", "sqlite3.Connection", "a connection to a database")


def test_it_may_be_held_passed_on_and_printed(placeholder: Any) -> None:
    held = {"one": [placeholder], placeholder: (placeholder,)}

    assert held["one"] == [placeholder]
    assert placeholder in held
    assert str(placeholder) == repr(placeholder) == f"{placeholder}"
    assert "self.db" in str(placeholder)
    assert "sqlite3.Connection" in str(placeholder)


USES: list[Callable[[Any], object]] = [
    lambda it: it.execute,
    lambda it: it.path,  # the value itself may have had one
    lambda it: it.reason,
    lambda it: hasattr(it, "execute"),
    lambda it: setattr(it, "timeout", 3),
    lambda it: delattr(it, "timeout"),
    lambda it: it(),
    lambda it: bool(it),
    lambda it: len(it),
    lambda it: list(it),
    lambda it: it[0],
    lambda it: 1 in it,
    lambda it: it == 3,
    lambda it: it != 3,
    lambda it: it < 3,
    lambda it: it + 1,
    lambda it: 1 + it,
    lambda it: -it,
    lambda it: int(it),
    lambda it: _entered(it),
]


def _entered(value: Any) -> object:
    with value as inner:
        return inner


@pytest.mark.parametrize("use", USES)
def test_any_other_use_raises_with_its_path_and_the_word_facsimile(
    placeholder: Any, use: Callable[[Any], object]
) -> None:
    with pytest.raises(PlaceholderError, match=r"self\.db.*facsimile"):
        use(placeholder)


def test_awaiting_it_raises_too(placeholder: Any) -> None:
    async def waits() -> object:
        return await placeholder

    coroutine = waits()
    with pytest.raises(PlaceholderError):
        coroutine.send(None)


def test_asking_for_its_class_is_no_use(placeholder: Any) -> None:
    assert isinstance(placeholder, Placeholder)
    assert not isinstance(placeholder, dict)
    assert not hasattr(placeholder, "__array__")  # how numpy, copy and pytest probe for protocols


def test_copies_and_pickles_keep_what_it_says(placeholder: Any) -> None:
    again = pickle.loads(pickle.dumps([placeholder, placeholder]))

    assert again[0] is again[1]
    assert note_of(again[0]) == note_of(placeholder)
    assert copy.deepcopy([placeholder])[0] is placeholder


@pytest.mark.parametrize(
    "name",
    [
        PLACEHOLDER,
        BY_VALUE,
        REBUILDS_EXCEPTION,
        "snapagent.serializer.enums:build_enum",
        "snapagent.replay.side_effects.recording:RaisedAfter",
    ],
)
def test_what_streams_of_earlier_versions_name_is_still_there_under_that_name(name: str) -> None:
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(module), attribute)

    assert f"{found.__module__}:{found.__qualname__}" == name
