"""Where commands print: lines of styled pieces, tables, trees and JSON on stdout, messages on stderr.

One path renders for terminals and for pipes: a command gives pieces of text with a style, and only a terminal sees
the styles, and only a terminal has its cells cut to its width. rich is imported only there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TextIO

from ..records import Record
from .wording import printable

if TYPE_CHECKING:
    from rich.console import Console

Piece = tuple[str, str]  # text, style ("" for none); the text is escaped here, so callers pass it raw
_MEASURED = 200  # rows: what the widths of a table's columns are taken from; the rest streams


class Column(Record):
    title: str
    right: bool = False
    style: str = ""
    shrinks: bool = False  # is cut short when the terminal is too narrow


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
        spans = [(piece, "") if isinstance(piece, str) else piece for piece in pieces]
        if self._console is None:
            self._stdout.write("".join(printable(text) for text, _ in spans) + "\n")
            return
        from rich.text import Text

        self._console.print(Text.assemble(*((printable(text), style) for text, style in spans)))

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
        widths = self._widths(columns, first)
        if first:
            self._row(
                [Column(column.title, column.right, "bold") for column in columns], [c.title for c in columns], widths
            )
        count = 0
        for row in chain(first, incoming):
            self._row(columns, row, widths)
            count += 1
        return count

    def _widths(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
        widths = [
            max([len(column.title), *(self._cells(row[at]) for row in rows)]) for at, column in enumerate(columns)
        ]
        if self.width is None:
            return widths
        excess = sum(widths) + 2 * (len(widths) - 1) - self.width
        for at in sorted(range(len(columns)), key=lambda at: -widths[at]):
            if excess > 0 and columns[at].shrinks:
                smaller = max(widths[at] - excess, min(widths[at], 12))
                excess -= widths[at] - smaller
                widths[at] = smaller
        return widths

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
        self._stderr.write(f"snapagent: {printable(message)}{f' (next: {printable(then)})' if then else ''}\n")
        self._stderr.flush()

    def cut_to_width(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The pieces of one line, cut where the terminal ends; all of them in a pipe."""
        left = self.width
        for text, style in pieces:
            safe = printable(text)
            if left is None:
                yield safe, style
                continue
            shown = self._cut(safe, left)
            yield shown, style
            left -= self._cells(shown)
            if shown != safe or left <= 0:
                return
