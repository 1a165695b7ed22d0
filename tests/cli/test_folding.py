"""Long lines on a narrow terminal: broken between words, with nothing lost."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapagent.cli.terminal.folding import fold
from snapagent.cli.terminal.output import Column, Output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def folded(text: str, width: int, lead: str = "") -> list[str]:
    return ["".join(piece for piece, _ in line) for line in fold([(text, "")], width, lead, len)]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Output:
    """A terminal of 30 columns without colours."""
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("NO_COLOR", "1")
    return Output(Terminal(), Terminal())


def shown(out: Output) -> list[str]:
    return out._stdout.getvalue().splitlines()


def test_a_line_is_broken_between_words_and_goes_on_below_its_beginning():
    assert folded("ok   it is a target by some rule", 20, "     ") == ["ok   it is a target", "     by some rule"]


def test_a_word_that_is_longer_than_a_line_begins_where_it_stands():
    assert folded("x: " + "a" * 30, 20, "    ") == ["x: " + "a" * 17, "    " + "a" * 13]


def test_styles_stay_with_their_words():
    pieces = [("no   ", "red"), ("shop.pricing:quote", "bold"), (" is not there", "")]

    first, second = fold(pieces, 24, "  ", len)

    assert first == [("no   ", "red"), ("shop.pricing:quote", "bold")]
    assert second == [("  ", "dim"), ("is not there", "")]


@given(st.text(alphabet="ab \t", max_size=80), st.integers(2, 30), st.sampled_from(["", "  ", " " * 20]))
def test_nothing_but_blanks_is_lost_and_no_line_is_too_long(text, width, lead):
    lines = folded(text, width, lead)

    assert "".join("".join(lines).split()) == "".join(text.split())
    assert max(map(len, lines)) <= width


def test_a_pipe_gets_one_line(monkeypatch):
    out = Output(io.StringIO(), io.StringIO())

    out.folded("word " * 50, lead="    ")

    assert shown(out) == ["word " * 50]


def test_a_path_is_left_whole_so_that_it_can_be_copied(terminal):
    terminal.folded("captures/shop.pricing.quote/20250302T093411.pkl", lead="    ")
    terminal.folded("two words in a line of more than thirty columns")

    assert shown(terminal) == [
        "captures/shop.pricing.quote/20250302T093411.pkl",
        "two words in a line of more",
        "than thirty columns",
    ]


def test_whether_a_table_fits_is_told_by_its_widest_cells(terminal):
    columns = (Column("KIND"), Column("REASON"))

    assert terminal.has_room_for(columns, [("corrupt", "x" * 21)])
    assert not terminal.has_room_for(columns, [("corrupt", "x" * 22), ("a", "b")])
