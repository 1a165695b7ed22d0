"""Where commands print: lines of styled pieces, tables, trees and JSON on stdout, messages on stderr.

One path renders for terminals and for pipes: a command gives pieces of text with a style, and only a terminal sees
the styles, and only a terminal has its cells cut to its width. rich is imported only there.
"""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from ..records import Record
from .folding import Piece, fold
from .wording import printable

if TYPE_CHECKING:
    from rich.console import Console

_MEASURED = 200  # rows: what the widths of a table's columns are taken from; the rest streams
_READABLE = 30  # characters of a column that shrinks, for which spare columns make room
_LEAST = 6  # characters below which no column is cut


__all__ = ["Column", "Output", "Piece", "filled", "say"]  # text of any origin is passed as it is: it is escaped here


class Column(Record):
    title: str
    right: bool = False
    style: str = ""
    shrinks: int = 0  # 0: never; else the rank in which columns are cut short when the terminal is too narrow
    spare: bool = False  # goes first when it is


class Output:
    """Prints. `is_terminal` says whether a person is looking."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.is_terminal = stdout.isatty()
        self.width = shutil.get_terminal_size().columns if self.is_terminal else None

    @cached_property
    def _console(self) -> Console | None:
        if not self.is_terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
            return None
        from rich.console import Console

        return Console(file=self._stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)

    def line(self, *pieces: Piece | str) -> None:
        """One line of text on stdout."""
        spans = [self._piece(piece) for piece in pieces]
        if self._console is None:
            self._stdout.write("".join(printable(text) for text, _ in spans) + "\n")
            return
        from rich.text import Text

        self._console.print(Text.assemble(*((printable(text), style) for text, style in spans)))

    def folded(self, *pieces: Piece | str, lead: str = "") -> None:
        """A line that a narrow terminal shows as several, each after the first behind `lead`; a pipe gets one.

        Without a blank it is a path or the like, which can be copied only when the terminal itself breaks it.
        """
        spans = [(printable(text), style) for text, style in (self._piece(piece) for piece in pieces)]
        text = "".join(text for text, _ in spans)
        if self.width is None or " " not in text or self._cells(text) <= self.width:
            self.line(*spans)
            return
        for line in fold(spans, self.width, lead, self._cells):
            self.line(*line)

    @staticmethod
    def _piece(piece: Piece | str) -> Piece:
        return (piece, "") if isinstance(piece, str) else piece

    def raw(self, text: str) -> None:
        """Text of our own making, several lines, as it is."""
        self._stdout.write(text)

    def json(self, value: Any) -> None:
        """Indented JSON, ASCII only, keys in the order in which the data has them."""
        self._stdout.write(json.dumps(value, indent=2) + "\n")

    def json_stream(self, items: Iterable[Any]) -> None:
        """A JSON array of which each item is written as it comes, one per line."""
        separator = "["
        for item in items:
            self._stdout.write(f"{separator}\n  {json.dumps(item)}")
            separator = ","
        self._stdout.write("[]\n" if separator == "[" else "\n]\n")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> int:
        """Aligned columns; streams; returns how many rows there were."""
        incoming = iter(rows)
        first = [[printable(cell) for cell in row] for row in islice(incoming, _MEASURED)]
        widths = [
            max([len(column.title), *(self._cells(row[at]) for row in first)]) for at, column in enumerate(columns)
        ]
        shown = self._fitting(columns, widths)
        columns = [columns[at] for at in shown]
        widths = self._shrunk(columns, [widths[at] for at in shown])
        if first:
            titles = [Column(column.title, column.right, "bold") for column in columns]
            self._row(titles, [column.title for column in columns], widths)
        count = 0
        for row in chain(first, incoming):
            self._row(columns, [row[at] for at in shown], widths)
            count += 1
        return count

    def has_room_for(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> bool:
        """Whether a table of these rows fits the terminal with nothing cut."""
        if self.width is None:
            return True
        cells = [[column.title for column in columns], *([printable(cell) for cell in row] for row in rows)]
        widths = [max(self._cells(row[at]) for row in cells) for at in range(len(columns))]
        return sum(widths) + 2 * (len(widths) - 1) <= self.width

    def _fitting(self, columns: Sequence[Column], widths: Sequence[int]) -> list[int]:
        """The positions of the columns to show: on a narrow terminal without the spare ones."""
        shown = list(range(len(columns)))
        if self.width is None:
            return shown
        for at in [at for at in reversed(shown) if columns[at].spare]:
            needed = sum(_READABLE if columns[i].shrinks and widths[i] > _READABLE else widths[i] for i in shown)
            if needed + 2 * (len(shown) - 1) > self.width:
                shown.remove(at)
        return shown

    def _shrunk(self, columns: Sequence[Column], widths: Sequence[int]) -> list[int]:
        """Widths that fit the terminal, taken from the widest of the columns that shrink."""
        fitting = list(widths)
        if self.width is None:
            return fitting
        excess = sum(fitting) + 2 * (len(fitting) - 1) - self.width
        for rank in sorted({column.shrinks for column in columns} - {0}):
            shrinking = [at for at, column in enumerate(columns) if column.shrinks == rank]
            while excess > 0:
                widest = max(shrinking, key=lambda at: fitting[at])
                if fitting[widest] <= _LEAST:
                    break
                fitting[widest] -= 1
                excess -= 1
        return fitting

    def _row(self, columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> None:
        pieces: list[Piece] = []
        for at, (column, cell, width) in enumerate(zip(columns, cells, widths, strict=True)):
            text = self._cut(printable(cell), width)
            room = " " * max(width - self._cells(text), 0)
            last = at == len(columns) - 1
            pieces += (
                [(room, ""), (text, column.style)]
                if column.right
                else [(text, column.style), ("" if last else room, "")]
            )
            pieces.append(("" if last else "  ", ""))
        self.line(*pieces)

    def _cut(self, text: str, width: int) -> str:
        if self.width is None or self._cells(text) <= width:
            return text
        while text and self._cells(text) > width - 1:
            text = text[: min(len(text) - 1, width - 1)]
        return text + "…"

    def _cells(self, text: str) -> int:
        if text.isascii() or not self.is_terminal:
            return len(text)
        from rich.cells import cell_len

        return cell_len(text)

    def note(self, message: str, *, then: str | None = None) -> None:
        """A message on stderr, with the command that comes next."""
        self._stdout.flush()  # so that both streams of one terminal stay in order
        say(self._stderr, f"{message}{f' (next: {then})' if then else ''}")


def say(stream: TextIO, message: str) -> None:
    """A line of ours; a terminal breaks it between words."""
    text = f"snapagent: {printable(message)}"
    stream.write((filled(text) if stream.isatty() else text) + "\n")
    stream.flush()


def filled(text: str) -> str:
    """Text of one line as lines of the terminal's width, broken between words."""
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
