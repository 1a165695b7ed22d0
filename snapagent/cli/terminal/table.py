"""Lay out tables. Widths are decided from the first rows, so that a hundred thousand rows can be streamed.

On a terminal spare columns are dropped and others cut to fit; a pipe gets everything. The tables of rich are not used:
they need all rows before the first is printed, and cannot drop columns.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...core.records import Record
from .folding import Piece
from .wording import printable

_READABLE = 30  # characters of a shrinking column before spare columns are dropped
_LEAST = 6  # characters that remain of a shrunk column


class Column(Record):
    title: str
    right: bool = False
    style: str = ""
    shrinks: int = 0  # 0: never; else the rank in which columns are cut on a narrow terminal
    spare: bool = False  # dropped first on a narrow terminal


class Abbreviated(str):
    """A cell of which the first `counts` characters are unique; a terminal shows the others dim."""

    __slots__ = ("counts",)
    counts: int

    @classmethod
    def of(cls, text: str, counts: int) -> Abbreviated:
        cell = cls(text)
        cell.counts = counts
        return cell


class Layout:
    """The layout of one table. `screen` is the width of a terminal, None for a pipe."""

    def __init__(self, columns: Sequence[Column], first: Sequence[Sequence[str]], screen: int | None) -> None:
        self._screen = screen
        widths = [
            max([len(column.title), *(self._width(printable(row[at])) for row in first)])
            for at, column in enumerate(columns)
        ]
        self._shown = _fitting(columns, widths, screen)
        self._columns = [columns[at] for at in self._shown]
        self._widths = _shrunk(self._columns, [widths[at] for at in self._shown], screen)
        self._last = len(self._columns) - 1
        self._template = "  ".join(
            f"{{:>{width}}}" if column.right else "{}" if at == self._last else f"{{:<{width}}}"
            for at, (column, width) in enumerate(zip(self._columns, self._widths, strict=True))
        )

    def titles(self) -> list[Piece]:
        return self._pieces([(column.title, "bold") for column in self._columns])

    def line(self, cells: Sequence[str]) -> str:
        """A row for a pipe, uncut, formatted in one step, because there may be a hundred thousand."""
        if not "".join(cells).isprintable():
            cells = [printable(cell) for cell in cells]
        return self._template.format(*cells)

    def row(self, cells: Sequence[str]) -> list[Piece]:
        """A row for a terminal."""
        chosen = [cells[at] for at in self._shown]
        return self._pieces(list(zip(chosen, (column.style for column in self._columns), strict=True)))

    def _pieces(self, cells: Sequence[Piece]) -> list[Piece]:
        pieces: list[Piece] = []
        for at, (cell, style) in enumerate(cells):
            text = cut(printable(cell), self._widths[at]) if self._screen is not None else printable(cell)
            room = " " * max(self._widths[at] - self._width(text), 0)
            if self._columns[at].right:
                pieces.append((room, ""))
            pieces += _marked(cell, text, style)
            if not self._columns[at].right and at != self._last:
                pieces.append((room, ""))
            if at != self._last:
                pieces.append(("  ", ""))
        return pieces

    def _width(self, text: str) -> int:
        return width_of(text) if self._screen is not None else len(text)


def _marked(cell: str, text: str, style: str) -> list[Piece]:
    if isinstance(cell, Abbreviated) and text == cell and cell.counts < len(cell):
        return [(text[: cell.counts], style), (text[cell.counts :], "dim")]
    return [(text, style)]


def _fitting(columns: Sequence[Column], widths: Sequence[int], screen: int | None) -> list[int]:
    """The positions of the columns to show; on a narrow terminal without spare ones."""
    shown = list(range(len(columns)))
    if screen is None:
        return shown
    for at in [at for at in reversed(shown) if columns[at].spare]:
        needed = sum(_READABLE if columns[i].shrinks and widths[i] > _READABLE else widths[i] for i in shown)
        if needed + 2 * (len(shown) - 1) > screen:
            shown.remove(at)
    return shown


def _shrunk(columns: Sequence[Column], widths: Sequence[int], screen: int | None) -> list[int]:
    """Widths that fit the terminal; the widest of the shrinking columns is cut first."""
    fitting = list(widths)
    if screen is None:
        return fitting
    excess = sum(fitting) + 2 * (len(fitting) - 1) - screen
    for rank in sorted({column.shrinks for column in columns} - {0}):
        shrinking = [at for at, column in enumerate(columns) if column.shrinks == rank]
        while excess > 0:
            widest = max(shrinking, key=lambda at: fitting[at])
            if fitting[widest] <= _LEAST:
                break
            fitting[widest] -= 1
            excess -= 1
    return fitting


def cut(text: str, width: int) -> str:
    """`text`, or as much of its beginning as fits, with an ellipsis."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[: min(len(text) - 1, width - 1)]
    return text + "…"


def width_of(text: str) -> int:
    """The number of terminal cells; wide characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
