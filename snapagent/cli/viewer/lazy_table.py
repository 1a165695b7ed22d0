"""A table of any length that holds only keys and reads the cells of the visible rows."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...core.records import Record
from ..terminal.wording import printable

Cell = tuple[str, str]  # text of any origin, and a style of rich or ""
_GAP = 2  # cells between columns


class LazyColumn(Record):
    """A column of `least` cells, which grows by `greed` at a time up to `most` while there is room.

    It is shown in tables from `above` up to `below` cells wide; `tail` keeps the end of a text that is cut.
    """

    title: str
    least: int
    most: int = 0
    greed: int = 1
    right: bool = False
    tail: bool = False
    above: int = 0
    below: int = 10_000


class LazyTable(ScrollView, can_focus=True):
    """Rows by key with a cursor. `cells` returns the cells of a row to paint, None if it was removed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lazy-table--head", "lazy-table--cursor", "lazy-table--faint-cursor"}
    DEFAULT_CSS = """
    LazyTable { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    LazyTable > .lazy-table--head { color: $text-muted; text-style: bold; }
    LazyTable > .lazy-table--cursor { background: $primary; color: $text; text-style: bold; }
    LazyTable > .lazy-table--faint-cursor { background: $boost; text-style: bold; }
    """

    cursor = reactive(0)

    class Highlighted(Message):
        """The cursor moved to another row; `key` is None when there are no rows."""

        def __init__(self, table: LazyTable, key: Hashable | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class Chosen(Message):
        """The row of the cursor was chosen by Enter or a click."""

        def __init__(self, table: LazyTable) -> None:
            super().__init__()
            self.table = table

    def __init__(
        self, columns: Sequence[LazyColumn], cells: Callable[[Hashable], Sequence[Cell] | None], id: str
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._cells = cells
        self._keys: list[Hashable] = []
        self._empty = ""

    # -- rows ------------------------------------------------------------------------------------------------------

    @property
    def keys(self) -> Sequence[Hashable]:
        return self._keys

    @property
    def current(self) -> Hashable | None:
        """The key under the cursor."""
        return self._keys[self.cursor] if self._keys else None

    def show(self, keys: Iterable[Hashable], at: Hashable | None = None, empty: str = "") -> None:
        """Replace the rows, with the cursor on `at` if possible; `empty` is shown when there are none."""
        self._keys = list(keys)
        self._empty = empty
        self._resize()
        position = 0
        if at is not None:
            with suppress(ValueError):
                position = self._keys.index(at)
        self.set_reactive(LazyTable.cursor, position)
        self._reveal()
        self._post_highlighted()

    def extend(self, keys: Sequence[Hashable], empty: str) -> None:
        """Append rows; the cursor stays."""
        first = not self._keys
        self._empty = empty
        self._keys.extend(keys)
        self._resize()
        if first and self._keys:
            self._post_highlighted()

    def drop(self, key: Hashable) -> None:
        """Remove a row; the cursor moves to the next one."""
        if key not in self._keys:
            return
        position = self._keys.index(key)
        del self._keys[position]
        self._resize()
        if position < self.cursor or self.cursor >= len(self._keys):
            self.set_reactive(LazyTable.cursor, max(self.cursor - 1, 0))
        self._reveal()
        self._post_highlighted()

    def _resize(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._keys) + 1)
        self.refresh()

    def _post_highlighted(self) -> None:
        self.post_message(self.Highlighted(self, self.current))

    # -- the cursor ------------------------------------------------------------------------------------------------

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._keys) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        if old != new:
            self._reveal()
            self._post_highlighted()

    def _reveal(self) -> None:
        rows = max(self.size.height - 1, 1)
        top = int(self.scroll_offset.y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + rows:
            self.scroll_to(y=self.cursor - rows + 1, animate=False)
        self.refresh()

    def action_move(self, rows: int) -> None:
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        self.cursor += pages * max(self.size.height - 2, 1)

    def action_jump(self, position: int) -> None:
        self.cursor = position if position >= 0 else len(self._keys) + position

    def action_choose(self) -> None:
        if self._keys:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        row = event.y - 1 + int(self.scroll_offset.y)
        if event.y < 1 or row >= len(self._keys):
            return
        if row == self.cursor:
            self.action_choose()
        self.cursor = row

    def on_resize(self, event: events.Resize) -> None:
        self._resize()
        self._reveal()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # -- painting --------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """The titles, which do not scroll, then the rows."""
        width, plain = self.scrollable_content_region.width, self.rich_style
        shown = fitted(self._columns, width)
        if y == 0:
            titles = [(column.title, "") for column in self._columns]
            return self._strip(titles, shown, self.get_component_rich_style("lazy-table--head"), width)
        if not self._keys:
            return self._strip_of_empty(y - 1, width, plain)
        row = y - 1 + int(self.scroll_offset.y)
        if row >= len(self._keys):
            return Strip.blank(width, plain)
        cells = self._cells(self._keys[row])
        if cells is None:
            cells = [("", "")] * (len(self._columns) - 2) + [("(removed)", "dim")] * 2
        if row != self.cursor:
            return self._strip(cells, shown, plain, width)
        name = "cursor" if self.has_focus else "faint-cursor"
        return self._strip(cells, shown, self.get_component_rich_style(f"lazy-table--{name}"), width, on_cursor=True)

    def _strip_of_empty(self, y: int, width: int, style: Style) -> Strip:
        lines = [part for line in self._empty.split("\n") for part in textwrap.wrap(printable(line), max(width, 8))]
        text = lines[y] if y < len(lines) else ""
        return Strip([Segment(set_cell_size(text, width), style + Style(dim=True))], width)

    def _strip(
        self, cells: Sequence[Cell], shown: Sequence[tuple[int, int]], base: Style, width: int, on_cursor: bool = False
    ) -> Strip:
        segments: list[Segment] = []
        for position, size in shown:
            text, style = cells[position]
            column = self._columns[position]
            # coloured text may have no contrast on the cursor bar
            own = base if on_cursor or not style else base + Style.parse(style)
            segments.append(Segment(cut(text, size, right=column.right, tail=column.tail), own))
            segments.append(Segment(" " * _GAP, base))
        return Strip(segments[:-1] or [Segment("", base)]).adjust_cell_length(width, base)


def fitted(columns: Sequence[LazyColumn], width: int) -> list[tuple[int, int]]:
    """(position, cells) of the columns that are shown in a table of this width."""
    shown = [at for at, column in enumerate(columns) if column.above <= width < column.below]
    sizes = {at: columns[at].least for at in shown}
    left = width - sum(sizes.values()) - _GAP * (len(shown) - 1)
    while left > 0:
        growing = [at for at in shown if sizes[at] < columns[at].most]
        if not growing:
            break
        for at in growing:
            more = min(columns[at].greed, left)
            sizes[at] += more
            left -= more
    return [(at, sizes[at]) for at in shown]


def cut(text: str, size: int, *, right: bool = False, tail: bool = False) -> str:
    """Exactly `size` cells of a text of any origin: escaped, padded, or cut with an ellipsis."""
    text = printable(text[-size * 2 - 2 :] if tail else text[: size * 2 + 2])  # escape no more than can be shown
    length = cell_len(text)
    if length <= size:
        room = " " * (size - length)
        return room + text if right else text + room
    if not tail:
        return set_cell_size(text, size - 1) + "…"
    while cell_len(text) > size - 1:
        text = text[1:]
    return set_cell_size("…" + text, size)
