"""Print for all commands: styled lines, tables and JSON on stdout, messages on stderr.

Commands pass unescaped text of any origin with a style; it is escaped here. Styles, and cutting to the width, are for
terminals only, and so is the import of rich.
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

_MEASURED_ROWS = 200  # of the first rows the widths of columns are taken
__all__ = ["Column", "Output", "Piece", "filled", "print_message"]


class Output:
    """The output of one command. `is_terminal` is about stdout; `width` is None unless it is a terminal."""

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.is_terminal = stdout.isatty()
        self.progress = Progress(stderr)
        self._escapes: dict[str, tuple[str, str]] = {}
        self.width = shutil.get_terminal_size().columns if self.is_terminal else None

    @cached_property
    def _console(self) -> Console | None:
        if not self.is_terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
            return None
        from rich.console import Console

        return Console(file=self._stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)

    def over(self, items: Iterable[Item], what: str, total: int) -> Iterable[Item]:
        """The same items, counted on stderr; not if stdout is a pipe, which may lead to a pager on the same screen."""
        return items if self._is_piped else self.progress.over(items, what, total)

    @cached_property
    def _is_piped(self) -> bool:
        try:
            return stat.S_ISFIFO(os.fstat(self._stdout.fileno()).st_mode)
        except (OSError, ValueError):  # stdout has no descriptor
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
        before, after = self._escapes.get(style) or self._escapes.setdefault(style, self._escapes_of(style))
        return f"{before}{text}{after}"

    def _escapes_of(self, style: str) -> tuple[str, str]:
        """The escape sequences around text of this style, rendered by rich once, because rich is slow."""
        assert self._console is not None
        from rich.text import Text

        with self._console.capture() as written:
            self._console.print(Text("-", style), end="")
        before, _, after = written.get().partition("-")
        return before, after

    def folded(self, *pieces: Piece | str, lead: str = "") -> None:
        """A line that is wrapped to the width of a terminal; lines after the first begin with `lead`.

        Text without blanks, such as a path, is left for the terminal to wrap, because then it can be copied whole.
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
        """Generated text of several lines, unescaped."""
        self._write(text)

    def json(self, value: Any) -> None:
        """Indented JSON in ASCII, with keys in the order of the data."""
        self._write(json.dumps(value, indent=2) + "\n")

    def json_stream(self, items: Iterable[Any]) -> int:
        """A JSON array, written item by item, one per line; returns the number of items."""
        number = 0
        for number, item in enumerate(items, 1):
            self._write(f"{'[' if number == 1 else ','}\n  {json.dumps(item)}")
        self._write("\n]\n" if number else "[]\n")
        return number

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> int:
        """A table, written row by row; returns the number of rows."""
        incoming = iter(rows)
        first = list(islice(incoming, _MEASURED_ROWS))
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
        """Whether a table of these rows fits the width without cutting cells."""
        if self.width is None:
            return True
        cells = [[column.title for column in columns], *([printable(cell) for cell in row] for row in rows)]
        widths = [max(width_of(row[at]) for row in cells) for at in range(len(columns))]
        return sum(widths) + 2 * (len(widths) - 1) <= self.width

    def note(self, message: str, *, then: str | None = None) -> None:
        """A message on stderr; `then` is the next step."""
        self.progress.stop()
        self._stdout.flush()  # keeps both streams of one terminal in order
        print_message(self._stderr, f"{message}{f' (next: {then})' if then else ''}")


def print_message(stream: TextIO, message: str) -> None:
    """A message, wrapped on a terminal. An error of the stream is ignored: the exit code remains."""
    text = f"snapagent: {printable(message)}"
    with suppress(OSError):
        stream.write((filled(text) if stream.isatty() else text) + "\n")
        stream.flush()


def filled(text: str) -> str:
    """Text wrapped to the width of the terminal."""
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
