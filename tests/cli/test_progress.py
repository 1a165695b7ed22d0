"""How far a long command has come: on stderr, for a person, gone at the end."""

from __future__ import annotations

import io
import threading

import pytest

from snapagent.cli.terminal import progress
from snapagent.cli.terminal.output import Output
from snapagent.cli.terminal.progress import Progress


class Terminal(io.StringIO):
    """Says when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_DELAY", 0.0)


def test_what_lasts_is_told_with_its_count_and_taken_away_at_the_end():
    screen = Terminal()

    for item in Progress(screen).over(range(1200), "read", 1200):
        if item == 1100:
            screen.written.clear()
            assert screen.written.wait(10)

    said = screen.getvalue()
    assert "\rread 1,100 of 1,200 ..." in said
    assert said.endswith("\r\x1b[K")


def test_what_is_quick_is_not_told(monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 600.0)
    screen = Terminal()

    with Progress(screen).during("counting"):
        pass

    assert screen.getvalue() == ""


def test_a_pipe_and_a_dumb_terminal_get_nothing_and_no_thread(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    threads = threading.active_count()

    for screen in (io.StringIO(), Terminal()):
        with Progress(screen).during("counting"):
            assert threading.active_count() == threads
        assert screen.getvalue() == ""


def test_it_is_gone_before_a_row_or_a_message_is_printed():
    screen = Terminal()
    out = Output(screen, screen)

    with out.progress.during("reading"):
        assert screen.written.wait(10)
        out.line("a row")

    assert screen.getvalue().endswith("\r\x1b[Ka row\n")


def test_it_is_gone_when_the_work_is_interrupted():
    screen = Terminal()

    with pytest.raises(KeyboardInterrupt), Progress(screen).during("reading"):
        assert screen.written.wait(10)
        raise KeyboardInterrupt

    assert screen.getvalue().endswith("\r\x1b[K")
