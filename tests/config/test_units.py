"""Sizes, durations and shares, as people write them and read them."""

from __future__ import annotations

import pytest

from snapagent.config.units import (
    INFINITY,
    UNLIMITED_BYTES,
    format_duration,
    format_size,
    parse_duration,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (4096, 4096),
        ("4096", 4096),
        ("1B", 1),
        ("64kB", 64_000),
        ("256MB", 256_000_000),
        ("256 mb", 256_000_000),
        ("1.5GB", 1_500_000_000),
        ("1KiB", 1024),
        ("2GiB", 2 * 2**30),
        (" 1 TB ", 10**12),
        (0, 0),
        (1e6, 10**6),
        (INFINITY, UNLIMITED_BYTES),
        (9007199254740993, 9007199254740993),
    ],
)
def test_a_size_is_read_in_bytes(text, size):
    assert parse_size(text) == size
    assert type(parse_size(text)) is int


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", 30 * 86400.0),
        ("90s", 90.0),
        ("15m", 900.0),
        ("15min", 900.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("2w", 14 * 86400.0),
        ("250ms", 0.25),
        ("1.5 H", 5400.0),
        (30, 30.0),
        ("30", 30.0),
        (0.5, 0.5),
        (INFINITY, INFINITY),
    ],
)
def test_a_duration_is_read_in_seconds(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "share"), [("2%", 0.02), ("0.5 %", 0.005), (0.02, 0.02), ("0.02", 0.02), ("100%", 1.0), (1, 1.0), (0, 0.0)]
)
def test_a_share_is_read_as_a_part_of_one(text, share):
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("parse", [parse_size, parse_duration, parse_share])
@pytest.mark.parametrize(
    "value",
    ["", "many", "-1", -1, "1,5", "1.", ".5", "012", "00", "1_000", "1e3", "5 6", "5 6s", "1h30", True, None, [1]],
)
def test_what_cannot_be_meant_is_refused_with_what_is_wanted(parse, value):
    with pytest.raises(ValueError, match="such as"):
        parse(value)


@pytest.mark.parametrize("parse", [parse_size, parse_duration, parse_share])
def test_what_is_no_number_is_no_amount(parse):
    with pytest.raises(ValueError, match="such as"):
        parse(float("nan"))


@pytest.mark.parametrize(("parse", "value"), [(parse_size, "5s"), (parse_duration, "5MB"), (parse_share, "5d")])
def test_units_of_another_kind_are_refused(parse, value):
    with pytest.raises(ValueError, match="such as"):
        parse(value)


def test_a_share_above_the_whole_is_refused_and_a_forgotten_percent_sign_guessed():
    with pytest.raises(ValueError, match=r"did you mean 2%\?"):
        parse_share(2)
    with pytest.raises(ValueError, match="150% is more than the whole"):
        parse_share("150%")
    with pytest.raises(ValueError) as caught:
        parse_share(500)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1234, "1.2kB"),
        (999_499, "999kB"),
        (999_999, "1MB"),
        (256_000_000, "256MB"),
        (3 * 10**15, "3000TB"),
        (UNLIMITED_BYTES, "unlimited"),
    ],
)
def test_a_size_is_shown_short(size, text):
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0us"),
        (0.00035, "350us"),
        (0.0123, "12ms"),
        (0.0012, "1.2ms"),
        (0.99999, "1s"),
        (3.21, "3.2s"),
        (59.96, "1m"),
        (125, "2m5s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (30 * 86400, "30d"),
        (INFINITY, "unlimited"),
    ],
)
def test_a_duration_is_shown_short(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["256MB", "1.2kB", "999B", "64GB"])
def test_a_size_that_is_shown_reads_as_itself(text):
    assert format_size(parse_size(text)) == text


@pytest.mark.parametrize("text", ["30d", "1h30m", "2m5s", "350us", "12ms", "2d12h"])
def test_a_duration_that_is_shown_reads_as_itself(text):
    assert format_duration(parse_duration(text)) == text
