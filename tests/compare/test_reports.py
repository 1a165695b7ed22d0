"""What a person reads when something changed."""

from __future__ import annotations

from snapagent.compare import compare, format_differences
from snapagent.compare.text import short


class Unprintable:
    def __init__(self, value: int) -> None:
        self.value = value

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Silent:
    pass


def test_both_values_are_shown_at_their_path() -> None:
    text = format_differences(compare({"total": 3, "rows": [1]}, {"total": 4, "rows": [1, 2]}))
    assert "result.total: expected 3, got 4" in text
    assert "result.rows[1]: not expected, got 2" in text


def test_of_long_texts_the_part_that_differs_is_shown() -> None:
    text = format_differences(compare("a" * 500 + "b" + "c" * 500, "a" * 500 + "x" + "c" * 500))
    assert "ab" in text
    assert "ax" in text
    assert len(text) < 400


def test_no_value_however_big_fills_the_screen() -> None:
    expected = {"rows": [{"name": "n" * 10_000, "items": list(range(10_000))} for _ in range(100)]}
    text = format_differences(compare(expected, {"rows": None}))
    assert len(text) < 500


def test_many_differences_are_counted_not_listed() -> None:
    text = format_differences(compare(list(range(500)), list(range(1, 501))))
    assert len(text.splitlines()) <= 25
    assert "more" in text


def test_a_broken_repr_breaks_no_report() -> None:
    (difference,) = compare([Unprintable(1)], [2])
    assert "Unprintable" in difference.expected


def test_memory_addresses_stay_out_of_reports() -> None:
    assert "0x" not in short([Silent(), lambda: 1, Silent.__init__])


def test_types_are_named_when_they_differ() -> None:
    assert str(compare(1, True)[0]) == "result: expected 1 (int), got True (bool) (another type)"
