"""What stands before the screen for a moment: a question, and the help."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ..wording import printable

HELP = (
    ("Moving", ""),
    ("up down pgup pgdn home end", "go along a list (or k, j, g, G)"),
    ("tab", "functions, bundles, the tree below"),
    ("enter", "go into it; in the tree: open or close a branch"),
    ("/", "filter the functions, or the bundles of one, as you type"),
    ("esc", "drop the filter, then the marks, then go back"),
    ("Bundles", ""),
    ("space", "mark; two marked bundles are compared at once"),
    ("p", "pin, so that retention leaves it alone, or unpin"),
    ("d", "delete, after a question"),
    ("The rest", ""),
    ("r", "refresh: see what was captured meanwhile"),
    ("q", "quit"),
    ("Signs", ""),
    ("●", "marked"),
    ("P", "pinned"),
)
NOTE = "Everything comes from the headers of the bundles: nothing is unpickled, no code of them runs."


class Confirm(ModalScreen[bool]):
    """A question that is answered with y or n; everything but y means no."""

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

    def __init__(self, question: str, detail: str) -> None:
        super().__init__()
        self._question = question
        self._detail = detail

    def compose(self) -> ComposeResult:
        yield Static(
            Text.assemble(
                (printable(self._question), "bold"),
                f"\n{printable(self._detail)}\n\n",
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
        width: 84; max-width: 96%; height: auto; max-height: 96%;
        padding: 1 2; background: $panel; border: thick $primary;
    }
    Help Static { height: auto; }
    """

    def compose(self) -> ComposeResult:
        text = Text()
        for keys, meaning in HELP:
            if meaning:
                text.append(f"  {keys:<28}", "bold").append(f"{meaning}\n")
            else:
                text.append(f"{keys}\n", "bold underline")
        text.append(f"\n{NOTE}", "italic")
        with VerticalScroll():
            yield Static(text)

    def action_close(self) -> None:
        self.dismiss(None)
