"""The tree at the bottom: the header of one bundle, or the differences of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from ...bundle import Header
from ..terminal.wording import counted, local_time, printable, shown_path
from ..views.effects import effect_lines, in_short, summary_of
from ..views.tree import MISSING, SIGNS, Branch, Change, arguments, note_piece, outcome, unplaced_notes, value_pieces

_OPEN_LEVELS = 3  # levels that are expanded at first
_STEP = 8  # cells of one horizontal scroll step


class Detail(Tree[None]):
    """A tree with plain-text labels, never markup."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("left", "sideways(-1)", "Left", show=False),
        Binding("right", "sideways(1)", "Right", show=False),
    ]
    DEFAULT_CSS = "Detail { height: 1fr; padding: 0; background: transparent; scrollbar-size-vertical: 1; }"

    def __init__(self, id: str) -> None:
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 3

    def action_sideways(self, steps: int) -> None:
        """Scroll horizontally, for long lines."""
        self.scroll_relative(x=steps * _STEP, animate=False)

    def show_message(self, message: str, style: str = "dim") -> None:
        """Show a message instead of a tree."""
        self._start()
        for words in message.split("\n"):
            self.root.add_leaf(line((words, style)))

    def show_bundle(self, header: Header, path: str) -> None:
        """Show the arguments, the outcome, notes on missing values, and facts about the bundle."""
        self._start()
        passed, ended = arguments(header), outcome(header)
        under = self.root.add(Text("arguments" if passed else "no arguments", "bold"), expand=True)
        under.allow_expand = bool(passed)
        _add_branches(under, passed, _OPEN_LEVELS)
        _add_branches(self.root, ended, _OPEN_LEVELS, "bold")
        self._add_effects(header)
        notes = unplaced_notes(header, (*passed, *ended))
        if notes:
            under = self.root.add(Text("not stored as is", "bold"), expand=True)
        for note in notes:
            under.add_leaf(line((note.path, "cyan"), (f"  {note.type}  ", "dim"), note_piece(note)))
        self._add_about(header, path)

    def _add_effects(self, header: Header) -> None:
        summary = summary_of(header)
        if summary is None:
            return
        below = self.root.add(line(("below: ", "bold"), (in_short(summary), "")), expand=False)
        for number, role, call, ended in effect_lines(summary):
            below.add_leaf(line((f"[{number}] ", "dim"), (f"{role} ", ""), (call, "cyan"), (f"  {ended}", "")))

    def _add_about(self, header: Header, path: str) -> None:
        about = self.root.add(Text("about this bundle", "bold"), expand=False)
        packages = ", ".join(f"{name} {version}" for name, version in header.packages.items())
        facts = {
            "file": shown_path(path),
            "captured": f"{local_time(header.timestamp)} ({header.timestamp})",
            "function": " ".join((header.target, header.kind, header.flavor)),
            "ended": header.ended,
            "hash": header.hash,
            "runtime": f"{header.implementation} {header.python} on {header.platform}, snapagent {header.snapagent}",
            "packages": packages,
            "by value": ", ".join(header.by_value),
        }
        for name, fact in facts.items():
            if fact:
                about.add_leaf(line((f"{name}: ", "cyan"), (fact, "")))

    def show_changes(self, changes: Sequence[Change]) -> None:
        """Show each difference by its path, with both values."""
        self._start()
        if not changes:
            self.root.add_leaf(Text("equal: the same arguments, the same outcome"))
        for change in changes:
            sign = SIGNS[change.kind]
            place = self.root.add(line((f"{sign} ", "dim"), (change.path, "cyan")), expand=True)
            if change.before != MISSING:
                place.add_leaf(line((f"- {change.before}", "red")))
            if change.after != MISSING:
                place.add_leaf(line((f"+ {change.after}", "green")))
        if any(change.kind == "hidden" for change in changes):
            self.root.add_leaf(Text("? is not in the previews in the headers", "dim"))

    def _start(self) -> None:
        self.clear()
        self.root.expand()
        self.scroll_to(0, 0, animate=False)


def _add_branches(node: TreeNode[None], branches: Sequence[Branch], open_levels: int, style: str = "cyan") -> None:
    for branch in branches:
        label = line((branch.label, style), (": " if branch.label else "", ""), *value_pieces(branch))
        if not branch.children and not branch.more:
            node.add_leaf(label)
            continue
        below = node.add(label, expand=open_levels > 1)
        _add_branches(below, branch.children, open_levels - 1)
        if branch.more:
            below.add_leaf(Text(f"... {counted(branch.more, 'more', 'more')}", "dim"))


def line(*pieces: tuple[str, str]) -> Text:
    """Text of unknown origin, escaped and never parsed as markup."""
    return Text.assemble(*((printable(words), style) for words, style in pieces), no_wrap=True)
