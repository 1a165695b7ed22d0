"""A table with a heading and a filter."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from .lazy_table import LazyTable, cut


class Heading(Widget):
    """The title line of a list or a tree; it has the class `-active` while that has the focus."""

    DEFAULT_CSS = """
    Heading { height: 1; width: 1fr; background: $panel; color: $text; }
    Heading.-active { background: $primary-darken-2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._title = self._remark = ""

    def set_text(self, title: str, remark: str = "") -> None:
        self._title = title
        self._remark = f"  {remark}" if remark else ""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, style = self.size.width, self.rich_style
        title = cut(self._title, min(len(self._title) * 2, width)).rstrip()
        left = width - cell_len(title)
        remark = cut(self._remark, left) if left > 0 else ""
        return Strip([Segment(title, style + Style(bold=True)), Segment(remark, style)], width)


class Filter(Input, can_focus=False):
    """Takes the focus only after `open`, so that tab moves between lists. Hidden while it is empty."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "Keep the filter"),
        Binding("escape", "drop", "Clear it"),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
    ]
    DEFAULT_CSS = """
    Filter, Filter:focus { border: none; height: 1; padding: 0; background: $boost; }
    """

    class Typed(Message):
        """The text of the filter changed."""

        def __init__(self, pane: Pane, words: str) -> None:
            super().__init__()
            self.pane = pane
            self.words = words

    def __init__(self, pane: Pane) -> None:
        super().__init__(placeholder="filter: words that a row must have")
        self._pane = pane
        self.display = False

    def open(self) -> None:
        self.display = True
        self.can_focus = True
        self.screen.set_focus(self)  # at once, so that the next key is typed here

    def on_blur(self) -> None:
        self.can_focus = False
        self.display = bool(self.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self._pane, event.value))

    def action_move(self, rows: int) -> None:
        self._pane.table.action_move(rows)

    def action_keep(self) -> None:
        self._pane.table.focus()

    def action_drop(self) -> None:
        self.value = ""
        self.display = False
        self._pane.table.focus()


class Pane(Vertical):
    """A table between a heading and a filter."""

    DEFAULT_CSS = "Pane { height: 1fr; }"

    def __init__(self, table: LazyTable, id: str) -> None:
        super().__init__(id=id)
        self.table = table
        self.heading = Heading()
        self.filter = Filter(self)

    def compose(self) -> ComposeResult:
        yield self.heading
        yield self.filter
        yield self.table
