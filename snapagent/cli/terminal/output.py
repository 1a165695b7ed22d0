"""Where commands print: lines of styled pieces, tables, trees and JSON on stdout, messages on stderr.

One path renders for terminals and for pipes: a command gives pieces of text with a style, raw, as they are escaped
here; only a terminal sees the styles, and only there cells are cut to the width. rich is imported only there.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from .folding import Piece, fold
from .progress import Item, Progress
from .table import Column, Layout, width_of
from .wording import printable

if TYPE_CHECKING:
    from rich.console import Console

_MEASURED = 200  # rows: what the widths of a table's columns are taken from; the rest streams
__all__ = ["Column", "Output", "Piece", "filled", "say"]  # text of any origin is passed as it is: it is escaped here


class Output:
    """Prints. `is_terminal` says whether a person is looking."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.is_terminal = stdout.isatty()
        self.progress = Progress(stderr)
        self._marks: dict[str, tuple[str, str]] = {}
        self.width = shutil.get_terminal_size().columns if self.is_terminal else None

    @cached_property
    def _console(self) -> Console | None:
        if not self.is_terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
            return None
        from rich.console import Console

        return Console(file=self._stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)

    def over(self, items: Iterable[Item], what: str, total: int) -> Iterable[Item]:
        """The same items, and on stderr how many were taken; not where a pager may show what comes of them."""
        return items if self._is_piped else self.progress.over(items, what, total)

    @cached_property
    def _is_piped(self) -> bool:
        try:
            return stat.S_ISFIFO(os.fstat(self._stdout.fileno()).st_mode)
        except (OSError, ValueError):  # it is no file at all
            return False

    def line(self, *pieces: Piece | str) -> None:
        """One line of text on stdout."""
        spans = [self._piece(piece) for piece in pieces]
        if self._console is None:
            self._write("".join(printable(text) for text, _ in spans) + "\n")
            return
        self._write("".join(self._styled(printable(text), style) for text, style in spans) + "\n")

    def _write(self, text: str) -> None:
        if self.is_terminal:
            self.progress.stop()
        self._stdout.write(text)

    def _styled(self, text: str, style: str) -> str:
        if not style or not text:
            return text
        before, after = self._marks.get(style) or self._marks.setdefault(style, self._marks_of(style))
        return f"{before}{text}{after}"

    def _marks_of(self, style: str) -> tuple[str, str]:
        """What rich writes before and after a text of this style on this terminal; asked once, as rich is slow."""
        assert self._console is not None
        from rich.text import Text

        with self._console.capture() as written:
            self._console.print(Text("-", style), end="")
        before, _, after = written.get().partition("-")
        return before, after

    def folded(self, *pieces: Piece | str, lead: str = "") -> None:
        """A line that a narrow terminal shows as several, each after the first behind `lead`; a pipe gets one.

        Without a blank it is a path or the like, which can be copied only when the terminal itself breaks it.
        """
        spans = [(printable(text), style) for text, style in (self._piece(piece) for piece in pieces)]
        text = "".join(text for text, _ in spans)
        if self.width is None or " " not in text or width_of(text) <= self.width:
            self.line(*spans)
            return
        for line in fold(spans, self.width, lead, width_of):
            self.line(*line)

    @staticmethod
    def _piece(piece: Piece | str) -> Piece:
        return (piece, "") if isinstance(piece, str) else piece

    def raw(self, text: str) -> None:
        """Text of our own making, several lines, as it is."""
        self._write(text)

    def json(self, value: Any) -> None:
        """Indented JSON, ASCII only, keys in the order in which the data has them."""
        self._write(json.dumps(value, indent=2) + "\n")

    def json_stream(self, items: Iterable[Any]) -> int:
        """A JSON array of which each item is written as it comes, one per line; returns how many there were."""
        number = 0
        for number, item in enumerate(items, 1):
            self._write(f"{'[' if number == 1 else ','}\n  {json.dumps(item)}")
        self._write("\n]\n" if number else "[]\n")
        return number

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> int:
        """Aligned columns; streams; returns how many rows there were."""
        incoming = iter(rows)
        first = list(islice(incoming, _MEASURED))
        if not first:
            return 0
        layout = Layout(columns, first, self.width)
        self.line(*layout.titles())
        count = 0
        for row in chain(first, incoming):
            count += 1
            if self.width is None:
                self._write(layout.line(row) + "\n")
            else:
                self.line(*layout.row(row))
        return count

    def has_room_for(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> bool:
        """Whether a table of these rows fits the terminal with nothing cut."""
        if self.width is None:
            return True
        cells = [[column.title for column in columns], *([printable(cell) for cell in row] for row in rows)]
        widths = [max(width_of(row[at]) for row in cells) for at in range(len(columns))]
        return sum(widths) + 2 * (len(widths) - 1) <= self.width

    def note(self, message: str, *, then: str | None = None) -> None:
        """A message on stderr, with the command that comes next."""
        self.progress.stop()
        self._stdout.flush()  # so that both streams of one terminal stay in order
        say(self._stderr, f"{message}{f' (next: {then})' if then else ''}")


def say(stream: TextIO, message: str) -> None:
    """A line of ours; a terminal breaks it between words. Where nobody can be told, the exit code tells."""
    text = f"snapagent: {printable(message)}"
    with suppress(OSError):
        stream.write((filled(text) if stream.isatty() else text) + "\n")
        stream.flush()


def filled(text: str) -> str:
    """Text of one line as lines of the terminal's width, broken between words."""
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
