"""Modal dialogs: a confirmation, and the help."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ..terminal.wording import printable

HELP = (
    ("Lists", ""),
    ("↑ ↓", "move (or j, k); pgup, pgdn, home, end"),
    ("tab", "next list: functions, bundles, tree"),
    ("enter", "open; in the tree: expand or collapse a branch"),
    ("← →", "in the tree: scroll long lines"),
    ("/", "filter functions or bundles by words, as you type"),
    ("esc", "clear the filter, else the marks, else go back"),
    ("Bundles", ""),
    ("space", "mark ● or unmark; two marked bundles are compared"),
    ("p", "pin P (protects from retention) or unpin"),
    ("d", "delete, after confirmation"),
    ("Anywhere", ""),
    ("r", "refresh"),
    ("q", "quit"),
)
NOTE = "Reads only headers: nothing is unpickled, no code of a bundle runs."
_KEYS = 8  # cells of the column of keys


class Confirm(ModalScreen[bool]):
    """A question to answer with y or n; any other key that closes it means no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,q,enter", "answer(False)", "No"),
    ]
    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm Static {
        width: auto; max-width: 90%; height: auto; padding: 1 3; background: $panel; border: thick $error;
    }
    """

    def __init__(self, question: str, *details: str) -> None:
        super().__init__()
        self._question = question
        self._details = details

    def compose(self) -> ComposeResult:
        yield Static(
            Text.assemble(
                (printable(self._question), "bold"),
                *(f"\n{printable(detail)}" for detail in self._details),
                "\n\n",
                ("y", "bold reverse"),
                " yes    ",
                ("n", "bold reverse"),
                " no",
            )
        )

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,enter", "close", "Close")]
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help VerticalScroll {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        padding: 0 2; background: $panel; border: thick $primary;
    }
    Help Static { height: auto; }
    Help VerticalScroll { scrollbar-size-vertical: 1; }
    """

    def compose(self) -> ComposeResult:
        text = Text()
        for keys, meaning in HELP:
            if meaning:
                text.append(f"  {keys:<{_KEYS}}", "bold").append(f"{meaning}\n")
            else:
                text.append(f"{keys}\n", "dim")
        text.append(f"\n{NOTE}", "italic")
        with VerticalScroll():
            yield Static(text)

    def action_close(self) -> None:
        self.dismiss(None)
