"""The screen of the viewer: functions on the left, bundles at the top, one bundle or a comparison at the bottom.

Slow reads run in threads (`reading`); a message that answers an outdated request is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import count
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer

from ...config.units import format_duration
from ...core.short_hashes import short_hash
from ...store.failures import StoreFailure
from ...store.layout import BundleEntry
from ...store.reader import FunctionFolder
from ..choosing import name_of
from ..terminal.wording import ago, counted, local_time
from ..views.reasons import explain
from ..views.rows import FunctionRow, iso_time
from .columns import BUNDLE_COLUMNS, FUNCTION_COLUMNS, bundle_cells, function_cells
from .detail import Detail
from .dialogs import Confirm, Help
from .lazy_table import Cell, LazyTable
from .model import Model, contains_all
from .pane import Filter, Heading, Pane
from .reading import BackgroundReader, BundlesRead, CountsRead, FunctionsRead

NARROW = 72  # columns below which the functions are shown above the bundles


class Viewer(App[None]):
    """Reads only headers, and changes nothing except by pinning and deleting."""

    TITLE = "snapagent"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #functions-pane { width: 32%; min-width: 26; max-width: 64; border-right: vkey $primary-darken-1; }
    #bundles-pane { height: 45%; }
    #detail-pane { height: 1fr; }
    .narrow #body { layout: vertical; }
    .narrow #functions-pane { width: 100%; max-width: 100%; height: 30%; min-height: 4; border-right: none; }
    .narrow #right { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # priority: letters typed right after the slash must not reach a list, where they would pin or delete
        Binding("slash", "filter", "Filter", key_display="/", priority=True),
        Binding("space", "mark", "Mark", key_display="space"),
        Binding("p", "pin", "Pin"),
        Binding("d", "delete", "Delete"),
        Binding("r", "refresh_all", "Refresh"),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("escape", "back", "Back", show=False),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._reading = BackgroundReader(model, self.post_message)
        self._requests = count(1)
        self._functions_request = 0
        self._bundles_request = 0
        self._folders: Sequence[FunctionFolder] = ()
        self._counts: dict[str, FunctionRow] = {}
        self._problem = ""
        self._folder: FunctionFolder | None = None
        self._at: BundleEntry | None = None  # where to put the cursor once the bundles are read
        self._marked: list[tuple[FunctionFolder, BundleEntry]] = []  # at most two, in the order of marking
        self.functions = Pane(LazyTable(FUNCTION_COLUMNS, self._function_cells, "functions"), "functions-pane")
        self.bundles = Pane(LazyTable(BUNDLE_COLUMNS, self._bundle_cells, "bundles"), "bundles-pane")
        self.detail_heading = Heading()
        self.detail = Detail("detail")

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield self.functions
            with Vertical(id="right"):
                yield self.bundles
                with Vertical(id="detail-pane"):
                    yield self.detail_heading
                    yield self.detail
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.functions.table.focus()
        self._read_functions()

    def on_resize(self, event: events.Resize) -> None:
        narrow = event.size.width < NARROW
        self.screen.set_class(narrow, "narrow")
        self.query_one(Footer).compact = narrow

    def on_descendant_focus(self) -> None:
        self._show_focus()

    def on_descendant_blur(self) -> None:
        self._show_focus()

    def _show_focus(self) -> None:
        for pane in (self.functions, self.bundles):
            pane.heading.set_class(pane.table.has_focus or pane.filter.has_focus, "-active")
        self.detail_heading.set_class(self.detail.has_focus, "-active")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the filter key in a filter and in dialogs, and the help key while typing."""
        typing = isinstance(self.focused, Filter)
        return not (action == "filter" and (typing or self._is_dialog_open)) and not (action == "help" and typing)

    @property
    def _is_dialog_open(self) -> bool:
        """Whether a dialog covers the screen."""
        return len(self.screen_stack) > 1

    # -- functions -------------------------------------------------------------------------------------------------

    def _read_functions(self) -> None:
        request = self._functions_request = next(self._requests)
        self.functions.heading.set_text("Functions", "...")

        self._in_thread("functions", lambda: self._reading.functions(request))

    def _in_thread(self, group: str, work: Callable[[], None]) -> None:
        """Run work in a thread, and cancel earlier work of the group."""
        self.run_worker(work, thread=True, group=group, exclusive=True)

    def on_functions_read(self, message: FunctionsRead) -> None:
        if message.request == self._functions_request:
            self._folders, self._problem = message.folders, message.problem
            self._show_functions()

    def on_counts_read(self, message: CountsRead) -> None:
        self._counts.update(message.rows)
        self.functions.table.refresh()

    def _show_functions(self) -> None:
        words = self.functions.filter.value.casefold().split()
        shown = [folder for folder in self._folders if contains_all(name_of(folder), words)]
        empty = self._problem or ("No function matches." if self._folders else self._model.empty_message)
        some = f"{len(shown):,} of " if words else ""
        self.functions.heading.set_text(f"{some}{counted(len(self._folders), 'function')}")
        self.functions.table.show(shown, self._current_folder_in(shown), empty)

    def _current_folder_in(self, folders: Sequence[FunctionFolder]) -> FunctionFolder | None:
        name = self._folder.name if self._folder is not None else None
        return next((folder for folder in folders if folder.name == name), None)

    def _function_cells(self, key: Hashable) -> Sequence[Cell] | None:
        return function_cells(key, self._counts.get(key.name)) if isinstance(key, FunctionFolder) else None

    # -- bundles ---------------------------------------------------------------------------------------------------

    def _read_bundles(self, at: BundleEntry | None = None) -> None:
        """Read the bundles of the function under the cursor, filtered; the cursor is put on `at`."""
        request = self._bundles_request = next(self._requests)
        folder, words = self._folder, self.bundles.filter.value
        self._at = at
        if folder is None:
            self.bundles.heading.set_text("Bundles")
            self.bundles.table.show(())
            return
        self.bundles.heading.set_text("... bundles", name_of(folder))

        self._in_thread("bundles", lambda: self._reading.bundles(request, folder, words))

    def on_bundles_read(self, message: BundlesRead) -> None:
        if message.request != self._bundles_request or self._folder is None:
            return
        table, words = self.bundles.table, self.bundles.filter.value.strip()
        empty = "Searching the headers ..." if not message.last else "No bundle matches." if words else "No bundles."
        if message.first:
            table.show(message.entries, self._at, empty)
        else:
            table.extend(message.entries, empty)
        self._show_bundles_heading(message.examined if not message.last else None, message.total)

    def _show_bundles_heading(self, examined: int | None, total: int) -> None:
        """Show the numbers of bundles in their heading."""
        shown = f"{len(self.bundles.table.keys):,} of " if self.bundles.filter.value.strip() else ""
        progress = f", {100 * examined // max(total, 1)}% searched" if examined is not None else ""
        name = name_of(self._folder) if self._folder is not None else ""
        self.bundles.heading.set_text(f"{shown}{counted(total, 'bundle')}{progress}", name)

    def _bundle_cells(self, key: Hashable) -> Sequence[Cell] | None:
        if not isinstance(key, BundleEntry) or self._folder is None:
            return None
        row = self._model.row(self._folder, key)
        return None if row is None else bundle_cells(row, any(entry == key for _, entry in self._marked))

    # -- the tree --------------------------------------------------------------------------------------------------

    def _show_detail(self) -> None:
        """Show the differences of two marked bundles, else the bundle under the cursor."""
        if len(self._marked) == 2:
            self._show_difference()
            return
        entry = self.bundles.table.current
        if not isinstance(entry, BundleEntry):
            self.detail_heading.set_text("Arguments and outcome")
            self.detail.show_message("")
            return
        header = self._model.header(entry)
        if isinstance(header, str):
            self.detail_heading.set_text(entry.short_hash, "unreadable")
            self.detail.show_message(f"This bundle cannot be read: {header}.", "red")
            return
        took = format_duration(header.duration)
        self.detail_heading.set_text(short_hash(header.hash), f"{header.outcome_kind}, {took}, {ago(header.timestamp)}")
        self.detail.show_bundle(header, entry.path)

    def _show_difference(self) -> None:
        before, after = sorted(entry for _, entry in self._marked)
        names = {name_of(folder) for folder, _ in self._marked}
        remark = "  of two functions" if len(names) > 1 else ""
        found = self._model.changes(before, after)
        if isinstance(found, str):
            self.detail_heading.set_text("Difference", f"- {before.short_hash}  + {after.short_hash}{remark}")
            self.detail.show_message(found, "red")
            return
        number = counted(len(found), "difference") if found else "Equal"
        self.detail_heading.set_text(number, f"- {before.short_hash}  + {after.short_hash}{remark}  (esc to leave)")
        self.detail.show_changes(found)

    # -- events and actions ----------------------------------------------------------------------------------------

    def on_lazy_table_highlighted(self, message: LazyTable.Highlighted) -> None:
        if message.table is self.bundles.table:
            if len(self._marked) < 2:
                self._show_detail()
            return
        folder = message.key if isinstance(message.key, FunctionFolder) else None
        if folder != self._folder or folder is None:
            self._folder = folder
            self._read_bundles()

    def on_lazy_table_chosen(self, message: LazyTable.Chosen) -> None:
        (self.bundles.table if message.table is self.functions.table else self.detail).focus()

    def on_filter_typed(self, message: Filter.Typed) -> None:
        if message.pane is self.functions:
            self._show_functions()
        else:
            self._read_bundles(self._current())

    def _current(self) -> BundleEntry | None:
        entry = self.bundles.table.current
        return entry if isinstance(entry, BundleEntry) else None

    def action_filter(self) -> None:
        (self.functions if self.functions.table.has_focus else self.bundles).filter.open()

    def action_mark(self) -> None:
        """Mark or unmark the bundle under the cursor; a third mark replaces the first."""
        entry, folder = self._current(), self._folder
        if entry is None or folder is None:
            return
        others = [one for one in self._marked if one[1] != entry]
        was_marked = len(others) < len(self._marked)
        self._marked = others if was_marked else [*others[-1:], (folder, entry)]
        self._after_marking()

    def _after_marking(self) -> None:
        self.bundles.table.refresh()
        self._show_detail()

    async def action_back(self) -> None:
        """Leave the filter, the marks, the tree or the bundles, whichever comes first."""
        on_functions = self.functions.table.has_focus
        pane = self.functions if on_functions else self.bundles
        if pane.filter.value:
            pane.filter.value = ""
            pane.filter.display = False
        elif self._marked:
            self._marked = []
            self._after_marking()
        else:
            (self.bundles.table if self.detail.has_focus else self.functions.table).focus()

    def action_pin(self) -> None:
        entry = self._current()
        if entry is None:
            return
        pinned = not self._model.is_pinned(entry)
        if self._attempt(lambda: self._model.set_pinned(entry, pinned)):
            self.bundles.table.refresh()
            self.notify(f"{entry.short_hash} is {'pinned: protected from retention' if pinned else 'no longer pinned'}")

    def action_delete(self) -> None:
        entry, folder = self._current(), self._folder
        if entry is None or folder is None or self._is_dialog_open:
            return

        def answered(yes: bool | None) -> None:
            if yes and self._attempt(lambda: self._model.delete(entry)):
                self._remove(folder, entry)

        pinned = " It is pinned." if self._model.is_pinned(entry) else ""
        which = f"{name_of(folder)}, {local_time(iso_time(entry))}"
        question = f"Delete the bundle {entry.short_hash}?"
        self.push_screen(Confirm(question, which, f"This cannot be undone.{pinned}"), answered)

    def _remove(self, folder: FunctionFolder, entry: BundleEntry) -> None:
        """Update the screen after a bundle was deleted."""
        self._marked = [one for one in self._marked if one[1] != entry]
        self.bundles.table.drop(entry)
        row = self._counts.get(folder.name)
        if row is not None:
            row = self._counts[folder.name] = row.replace(bundles=max(row.bundles - 1, 0))
            self._show_bundles_heading(None, row.bundles)
        self.functions.table.refresh()
        self._show_detail()

    def action_refresh_all(self) -> None:
        self._model.clear_cache()
        self._counts.clear()
        self._read_functions()
        self._read_bundles(self._current())

    def action_help(self) -> None:
        self.push_screen(Help())

    def _attempt(self, change: Callable[[], object]) -> bool:
        """Run a change; a failure of the store becomes a message."""
        try:
            change()
        except StoreFailure as error:
            meaning, remedy = explain(error.reason)
            self.notify(f"{meaning}; {remedy}", title="Not done", severity="error")
            return False
        return True
