"""A frozen call becomes a header that explains it and parts that load to what was captured."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from typing import Any

import pytest
from live_hash import hash_call
from sealing_support import KEY, raw_call, sealed

from snapagent.bundle import Header, decode
from snapagent.config.settings import Settings
from snapagent.core.paths import parse_path
from snapagent.core.signature import Parameters, defaults_of
from snapagent.sealing.header import timestamp
from snapagent.sealing.seal import SealRules, seal
from snapagent.serializer.freezing.freeze import FreezeRules
from snapagent.serializer.inert.stand_ins import InertError


@dataclasses.dataclass
class Shop:
    name: str

    def quote(self, rows: list[Any], currency: str = "EUR", *extra: Any, **options: Any) -> Any: ...


def quote(rows: list[Any], currency: str = "EUR", *extra: Any, **options: Any) -> Any: ...


def shadowing(result: int, exception: int) -> Any: ...


def test_parts_load_to_the_captured_call_and_outcome() -> None:
    found = sealed(quote, [{"id": 1}], currency="USD", note="x", result={"total": 3})

    assert found.call == (None, ([{"id": 1}],), {"currency": "USD", "note": "x"})
    assert found.outcome == {"total": 3}
    assert [part.name for part in found.header.parts] == ["call", "outcome"]
    assert decode(found.file, "x").header == Header.from_json(found.header.to_json())


def test_the_header_says_what_happened() -> None:
    header = sealed(quote, [1], error=KeyError("gone")).header

    assert header.target == f"{__name__}:quote"
    assert (header.kind, header.flavor, header.outcome, header.exception) == (
        "function",
        "plain",
        "raised",
        "builtins.KeyError",
    )
    assert header.outcome_kind == "builtins.KeyError"
    assert header.timestamp == "2026-11-22T09:34:08.123456Z"
    assert header.duration == 0.25
    assert header.parameters == tuple(Parameters.of(quote).items)
    assert header.python.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}")


def test_previews_are_by_path_with_defaults_applied() -> None:
    header = sealed(quote, [1], result=2).header

    assert header.previews == {"rows": "[1]", "currency": "'EUR'", "extra": "()", "options": "{}", "result": "2"}
    assert header.tree.keys() == header.previews.keys()
    json.dumps(dict(header.tree))


def test_previews_of_a_failed_call_show_the_exception() -> None:
    assert sealed(quote, [1], error=KeyError("gone")).header.previews["exception"] == "KeyError('gone')"


def test_parameters_with_names_of_outcomes_do_not_collide() -> None:
    header = sealed(shadowing, 1, 2, result=3).header

    assert header.previews == {"arguments.result": "1", "arguments.exception": "2", "result": "3"}


def test_the_hash_is_the_one_that_a_look_up_computes() -> None:
    header = sealed(quote, [{"token": "abcdef-123"}], "USD", 7, note=2).header

    parameters, defaults = Parameters.of(quote), defaults_of(quote)
    live = hash_call(None, ([{"token": "another-456"}],), {"currency": "USD", "note": 2}, parameters, defaults)
    assert header.hash != live.hash
    live = hash_call(None, ([{"token": "another-456"}], "USD", 7), {"note": 2}, parameters, defaults)
    assert header.hash == live.hash == header.call_hash


def test_methods_hash_with_and_without_their_instance() -> None:
    here = sealed(Shop.quote, [1], instance=Shop("here")).header
    there = sealed(Shop.quote, [1], instance=Shop("there")).header

    assert here.hash != there.hash
    assert here.call_hash == there.call_hash
    assert list(here.previews)[:2] == ["self", "rows"]
    assert here.previews["self"] == "Shop(name='here')"


def test_notes_of_freezing_and_redacting_are_all_there() -> None:
    freeze = FreezeRules(exclude=(parse_path("rows[*].model"),))

    found = sealed(
        quote, [{"model": b"m"}], password="s3cret-value", lock=threading.Thread(), result="s3cret-value", freeze=freeze
    )

    assert found.notes() == {
        "rows[0].model": "excluded",
        "options.password": "redacted",
        "options.lock": "unstorable",
        "result": "redacted",
    }
    assert set(found.header.opaque) == {"rows[0].model", "options.lock"}


@pytest.mark.parametrize("compression", ["none", "zlib"])
def test_parts_say_how_they_are_compressed(compression: str) -> None:
    rules = SealRules.of(Settings(compression=compression), KEY)

    found = sealed(quote, ["x" * 1000], result=1, rules=rules)

    call = found.header.parts[0]
    assert call.compression == compression
    assert call.size == len(found.payload["call"])
    assert call.raw_size > 1000
    assert (call.size < 500) is (compression == "zlib")
    assert found.args == (["x" * 1000],)


def test_a_broken_stream_is_refused() -> None:
    raw = raw_call(quote, [1])

    for broken in (raw.replace(call=raw.call[:-3]), raw.replace(outcome=b""), raw.replace(call=raw.outcome)):
        with pytest.raises(InertError):
            seal(broken, SealRules(KEY))


class Link:
    def __init__(self, next_one: Any, token: str) -> None:
        self.next = next_one
        self.token = token


def test_deep_values_with_a_secret_are_cut_where_they_could_not_be_written_again() -> None:
    nested: Any = {"password": "s3cret-value"}
    chain: Any = None
    for _ in range(300):
        nested = [nested]
        chain = Link(chain, "s3cret-value")

    for value in (nested, chain):
        found = sealed(quote, value, password="s3cret-value")

        assert b"s3cret-value" not in found.file
        assert "too_deep" in found.notes().values()
        assert len(found.args) == 1


def test_times_are_utc_with_microseconds() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000000Z"
    assert timestamp(1_795_340_048.9999996) == "2026-11-22T09:34:09.000000Z"


def test_a_keyword_that_shares_its_name_with_a_positional_only_parameter_is_a_path_of_its_own() -> None:
    def greet(name: str, /, **rest: Any) -> Any: ...

    found = sealed(greet, "x", name={"password": "hunter2-and-more"})

    assert [note.path for note in found.header.notes] == ["rest.name.password"]
