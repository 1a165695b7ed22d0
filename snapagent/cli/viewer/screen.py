"""The viewer's screen: functions on the left, bundles of one above, the tree or the difference of two below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Input, Static, Tree
from textual.widgets.tree import TreeNode

from ...store.failures import StoreFailure
from ...units import format_duration, format_size
from ..describing import Branch, arguments, outcome, unplaced_notes
from ..differing import Change
from ..listing import BundleRow
from ..reasons import explain
from ..wording import ago, counted, local_time, printable, short_hash
from .model import MOST, Model

_OPEN_LEVELS = 2  # of a tree, when a bundle is shown


class Confirm(ModalScreen[bool]):
    """A question that is answered with y or n."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]
    CSS = "Confirm { align: center middle; } Confirm Static { width: auto; padding: 1 3; border: thick $warning; }"

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        yield Static(Text(f"{printable(self._question)}\n\ny: yes    n: no"))

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Filter(Input, can_focus=False):
    """Takes the focus only when it is asked for, so that tab goes from table to table."""

    def begin(self) -> None:
        self.can_focus = True
        self.focus()

    def on_blur(self) -> None:
        self.can_focus = False


class Viewer(App[None]):
    """Reads headers only; pinning and deleting are all that it changes."""

    TITLE = "snapagent"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #left { width: 35%; min-width: 24; border-right: solid $primary; }
    #functions { height: 1fr; }
    #bundles { height: 40%; border-bottom: solid $primary; }
    #detail { height: 1fr; }
    Filter { border: none; height: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("space", "mark", "Mark"),
        Binding("d", "diff", "Diff with mark"),
        Binding("p", "pin", "Pin"),
        Binding("x", "delete", "Delete"),
        Binding("r", "reload", "Reload"),
        Binding("escape", "to_functions", "Functions", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._target: str | None = None
        self._rows: dict[str, BundleRow] = {}
        self._marked: BundleRow | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="left"):
                yield Filter(placeholder="/ filter functions", id="function-filter")
                yield DataTable(id="functions", cursor_type="row")
            with Vertical():
                yield Filter(placeholder="/ filter bundles", id="bundle-filter")
                yield DataTable(id="bundles", cursor_type="row")
                yield Tree("", id="detail")
        yield Footer()

    def on_mount(self) -> None:
        self._functions.add_columns("function", "bundles", "calls")
        self._bundles.add_columns("", "time", "hash", "outcome", "size", "took", "arguments", "result")
        self._tree.show_root = False
        self._show_functions()
        self._functions.focus()

    @property
    def _functions(self) -> DataTable[Text]:
        return self.query_one("#functions", DataTable)

    @property
    def _bundles(self) -> DataTable[Text]:
        return self.query_one("#bundles", DataTable)

    @property
    def _tree(self) -> Tree[None]:
        return self.query_one("#detail", Tree)

    def _filter(self, name: str) -> str:
        return self.query_one(f"#{name}-filter", Input).value

    # -- what is shown ---------------------------------------------------------------------------------------------

    def _show_functions(self) -> None:
        self._functions.clear()
        rows = self._model.functions(self._filter("function"))
        for row in rows:
            cells = (_text(row.target), Text(f"{row.bundles:,}"), Text(f"{row.calls:,}"))
            self._functions.add_row(*cells, key=row.target)
        if not rows:
            self._target = None
            self._show_bundles()

    def _show_bundles(self) -> None:
        self._bundles.clear()
        rows = self._model.bundles(self._target, self._filter("bundle")) if self._target is not None else []
        self._rows = {row.name: row for row in rows}
        for row in rows:
            self._bundles.add_row(*self._cells(row), key=row.name)
        self.sub_title = f"the newest {MOST}" if len(rows) == MOST else ""
        if not rows:
            self._clear_detail("nothing is captured here" if self._target is None else "no bundle fits")

    def _cells(self, row: BundleRow) -> tuple[Text, ...]:
        marks = ("*" if self._marked is not None and row.name == self._marked.name else "") + (
            "P" if row.pinned else ""
        )
        took = format_duration(row.duration) if row.duration is not None else "-"
        style = "red" if row.outcome != "returned" else ""
        texts = (marks, local_time(row.timestamp), short_hash(row.hash))
        ended = row.problem or row.ended_with
        return (*map(_text, texts), _text(row.kind, style), _text(format_size(row.size)), _text(took),
                _text(row.arguments), _text(ended))  # fmt: skip

    def _show_bundle(self, row: BundleRow) -> None:
        header = self._model.header(row)
        if header is None:
            self._clear_detail(row.problem or "it was removed meanwhile; r reloads")
            return
        root = self._clear_detail(f"{header.target}  {short_hash(header.hash)}  {ago(header.timestamp)}")
        passed, returned = arguments(header), outcome(header)
        _grow(root, (*passed, *returned), _OPEN_LEVELS)
        for note in unplaced_notes(header, (*passed, *returned)):
            root.add_leaf(_text(f"{note.path}  [{note.kind}: {note.reason}]", "yellow"))

    def _show_changes(self, before: BundleRow, after: BundleRow, found: Sequence[Change] | None) -> None:
        root = self._clear_detail(f"- {short_hash(before.hash)}  + {short_hash(after.hash)}")
        if found is None:
            root.add_leaf(Text("one of them cannot be read"))
        elif not found:
            root.add_leaf(Text("equal"))
        for change in found or ():
            place = root.add(_text(change.path, "cyan"), expand=True)
            place.add_leaf(_text(f"- {change.before}", "red"))
            place.add_leaf(_text(f"+ {change.after}", "green"))

    def _clear_detail(self, title: str) -> TreeNode[None]:
        self._tree.clear()
        self._tree.root.add_leaf(_text(title, "bold"))
        self._tree.root.expand()
        return self._tree.root

    # -- what happens ----------------------------------------------------------------------------------------------

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        key = event.row_key.value if event.row_key is not None else None
        if key is None:
            return
        if event.data_table.id == "functions" and key != self._target:
            self._target = key
            self._show_bundles()
        elif event.data_table.id == "bundles" and key in self._rows:
            self._show_bundle(self._rows[key])

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "function-filter":
            self._target = None
            self._show_functions()
        else:
            self._show_bundles()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        (self._functions if event.input.id == "function-filter" else self._bundles).focus()

    def _current(self) -> BundleRow | None:
        if not self._rows or self._bundles.row_count == 0:
            return None
        key = self._bundles.coordinate_to_cell_key(self._bundles.cursor_coordinate).row_key.value
        return self._rows.get(key or "")

    def action_filter(self) -> None:
        on_the_left = self.focused is not None and self.focused.id in ("functions", "function-filter")
        self.query_one("#function-filter" if on_the_left else "#bundle-filter", Filter).begin()

    def action_to_functions(self) -> None:
        self._functions.focus()

    def action_mark(self) -> None:
        row = self._current()
        if row is None:
            return
        self._marked = None if self._marked is not None and self._marked.name == row.name else row
        self._refresh_rows()

    def action_diff(self) -> None:
        row, marked = self._current(), self._marked
        if row is None or marked is None or marked.name == row.name:
            self.notify("mark a bundle with space, go to another one, then press d")
        elif marked.target != row.target:
            self.notify("the marked bundle is of another function")
        else:
            before, after = sorted((marked, row), key=lambda one: one.name)
            self._show_changes(before, after, self._model.changes(before, after))

    def action_pin(self) -> None:
        row = self._current()
        if row is not None and self._done(lambda: self._model.set_pinned(row, not row.pinned)):
            self._refresh_rows()

    def action_delete(self) -> None:
        row = self._current()
        if row is None:
            return

        def answered(yes: bool | None) -> None:
            if yes and self._done(lambda: self._model.delete(row)):
                self._refresh_rows()

        self.push_screen(Confirm(f"Delete {row.name}?"), answered)

    def action_reload(self) -> None:
        self._show_functions()
        self._refresh_rows()

    def _refresh_rows(self) -> None:
        """Show the bundles anew with the cursor where it was."""
        at = self._bundles.cursor_row
        self._show_bundles()
        if self._bundles.row_count:
            self._bundles.move_cursor(row=min(at, self._bundles.row_count - 1))

    def _done(self, change: Callable[[], object]) -> bool:
        """Run a change; what the disk refuses becomes a message."""
        try:
            change()
        except StoreFailure as error:
            meaning, remedy = explain(error.reason)
            self.notify(f"{meaning}; {remedy}", severity="error")
            return False
        return True


def _grow(node: TreeNode[None], branches: Sequence[Branch], open_levels: int) -> None:
    for branch in branches:
        label = _text(branch.label, "cyan") + Text(": ") + _text(branch.words)
        if branch.note is not None:
            label += _text(f"  [{branch.note.kind}: {branch.note.reason}]", "yellow")
        if not branch.children:
            node.add_leaf(label)
            continue
        below = node.add(label, expand=open_levels > 0)
        _grow(below, branch.children, open_levels - 1)
        if branch.more:
            below.add_leaf(_text(f"... {counted(branch.more, 'more', 'more')}", "dim"))


def _text(text: str, style: str = "") -> Text:
    """Text of unknown origin: escaped, and never read as markup."""
    return Text(printable(text), style, no_wrap=True, overflow="ellipsis")
