"""A list with its heading, and a line to filter it."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from ..wording import printable
from .lazy_table import LazyTable


class Heading(Static):
    """One line above a list or a tree, which it is the title of."""

    DEFAULT_CSS = """
    Heading { height: 1; width: 1fr; background: $panel; color: $text; }
    """

    def say(self, title: str, remark: str = "") -> None:
        words = (printable(title), "bold"), f"  {printable(remark)}" if remark else ""
        self.update(Text.assemble(*words, no_wrap=True, overflow="ellipsis"))


class Filter(Input, can_focus=False):
    """Takes the focus only when it is asked for, so that tab goes from list to list. Hidden while it is empty."""

    DEFAULT_CSS = """
    Filter, Filter:focus { border: none; height: 1; padding: 0; background: $boost; }
    """

    class Typed(Message):
        """Other words are wanted."""

        def __init__(self, pane: Pane, words: str) -> None:
            super().__init__()
            self.pane = pane
            self.words = words

    def __init__(self, pane: Pane) -> None:
        super().__init__(placeholder="filter: words that a row must have")
        self._pane = pane
        self.display = False

    def begin(self) -> None:
        self.display = True
        self.can_focus = True
        self.focus()

    def on_blur(self) -> None:
        self.can_focus = False
        self.display = bool(self.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self._pane, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._pane.table.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key in ("down", "up"):
            event.stop()
            self._pane.table.action_move(1 if event.key == "down" else -1)
        elif event.key == "escape":
            event.stop()
            self.value = ""
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
