"""Keys of calls: equal for equal calls, with excluded arguments, secrets and clock readings left out of account."""

from __future__ import annotations

import pickle
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from snapagent.core.signature import Parameters
from snapagent.dependencies.keys import Interval, clock_reading, effect_key, key_of_call
from snapagent.sealing.opened_call import OpenedCall
from snapagent.sealing.redaction.rules import Redactor
from snapagent.serializer.inert.decode import decode

NOW = 1_795_891_512.25
INTERVAL = Interval(NOW - 0.5, NOW + 0.5)
NAMES = Parameters((("a", "positional_or_keyword"), ("password", "positional_or_keyword")))


def key(*args: Any, exclude: tuple[str, ...] = (), interval: Interval | None = None, **kwargs: Any) -> str:
    opened = OpenedCall(NAMES, False, pickle.dumps((None, args, kwargs), 5))
    return key_of_call("shop:find", None, opened, Redactor(key=b"k"), interval, exclude)


def test_arguments_are_matched_by_name_however_they_are_passed() -> None:
    assert key(1, 2) == key(1, password=2) == key(a=1, password=2)
    assert key(1, "x") != key(2, "x")


def test_secrets_and_excluded_arguments_do_not_matter() -> None:
    assert key(1, "hunter-one") == key(1, "hunter-two")
    assert key(1, "x", exclude=("a",)) == key(2, "x", exclude=("a",))


def test_the_dependency_and_the_receiver_matter() -> None:
    assert len({effect_key(name, receiver, {}) for name in "ab" for receiver in (None, "self.x", "effect 1")}) == 6


READINGS = [
    NOW,
    int(NOW),
    int(NOW * 1000),
    NOW * 1000,
    int(NOW * 1e9),
    datetime.fromtimestamp(NOW),
    datetime.fromtimestamp(NOW, UTC),
    datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None),
    datetime.fromtimestamp(NOW, timezone(timedelta(hours=5, minutes=30))),
    datetime.fromtimestamp(NOW, ZoneInfo("Europe/Vienna")),
    datetime.fromtimestamp(NOW, UTC).isoformat(),
    datetime.fromtimestamp(NOW).isoformat(sep=" ", timespec="seconds"),
    datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
]


@pytest.mark.parametrize("value", READINGS, ids=repr)
def test_a_reading_of_the_clock_within_the_call_is_one_constant(value: Any) -> None:
    assert clock_reading(decode(pickle.dumps(value, 5)), INTERVAL)
    assert key([{"at": value}], interval=INTERVAL) != key([{"at": value}])


@pytest.mark.parametrize(
    "value",
    [NOW + 60, int(NOW) - 3600, "2026-11-22", "text", True, None, 5, datetime.fromtimestamp(NOW + 3600, UTC)],
    ids=repr,
)
def test_anything_else_is_compared(value: Any) -> None:
    assert not clock_reading(decode(pickle.dumps(value, 5)), INTERVAL)
    assert key([value], interval=INTERVAL) == key([value])


def test_calls_at_two_moments_have_one_key() -> None:
    first, later = time.time(), time.time() + 100
    assert key({"at": first}, interval=Interval(first, first + 1)) == key(
        {"at": later}, interval=Interval(later, later + 1)
    )
