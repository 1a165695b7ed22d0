"""The part of a bundle that holds effects: written, read, and damaged."""

from __future__ import annotations

import pytest

from snapagent.dependencies.tape import StoredEffect, Summary, UndecodableEffect, decode_effects, encode_effects

EFFECTS = (
    StoredEffect("shop.repo:find", path=("lines", "place"), key="ab", blobs={"call": b"1", "outcome": b"22"}),
    StoredEffect(
        "shop.repo:save", receiver="effect 0", start=1, end=0, same_as=0, parameters=(("row", "keyword_only"),)
    ),
    StoredEffect("sqlite3.dbapi2:Cursor.execute", "sqlite3", "read", blobs={"call": b"3", "after": b""}),
)


def test_what_is_written_is_read() -> None:
    assert decode_effects(encode_effects(EFFECTS)) == EFFECTS
    assert decode_effects(encode_effects(())) == ()


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_one_damaged_effect_does_not_cost_the_others(damaged: int) -> None:
    data = encode_effects(EFFECTS)
    at = data.index(EFFECTS[damaged].dependency.encode())
    found = decode_effects(data[:at] + b"#" + data[at + 1 :])

    assert isinstance(found[damaged], UndecodableEffect)
    assert [one for index, one in enumerate(found) if index != damaged] == [
        one for index, one in enumerate(EFFECTS) if index != damaged
    ]


@pytest.mark.parametrize("data", [b"", b"2 3\n", b"x\n", b"1"])
def test_a_part_without_a_readable_first_line_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_effects(data)


def test_a_summary_comes_back_from_a_header() -> None:
    summary = Summary(2, False, "why", 1, 0.5, {"redis": (1, 1)}, ({"dependency": "redis"},))
    assert Summary.of_header(summary.as_dict()) == summary
    assert Summary.of_header({}) is None
