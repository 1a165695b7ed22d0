"""What the viewer's two lists show of a function and of a bundle, a cell for each column."""

from __future__ import annotations

from ...config.units import format_duration, format_size
from ...core.short_hashes import short_hash
from ...store.reader import FunctionFolder
from ..choosing import name_of
from ..terminal.wording import ago, local_time
from ..views.rows import BundleRow, FunctionRow
from .lazy_table import Cell, LazyColumn

FUNCTION_COLUMNS = (
    LazyColumn("FUNCTION", 10, 200, tail=True),
    LazyColumn("#", 5, right=True, below=34),
    LazyColumn("BUNDLES", 7, right=True, above=34),
    LazyColumn("CALLS", 9, right=True, above=44),
)
BUNDLE_COLUMNS = (
    LazyColumn("", 2),
    LazyColumn("TIME", 10, below=100),
    LazyColumn("TIME", 19, above=100),
    LazyColumn("HASH", 8),
    LazyColumn("OUTCOME", 10, 14, below=90),
    LazyColumn("OUTCOME", 12, 16, above=90),
    LazyColumn("SIZE", 7, right=True, above=100),
    LazyColumn("TOOK", 7, right=True, above=80),
    LazyColumn("ARGUMENTS", 16, 500, greed=2),
    LazyColumn("RESULT", 8, 500, above=64),
)


def function_cells(folder: FunctionFolder, row: FunctionRow | None) -> tuple[Cell, ...]:
    """The cells of a function; `row` is None while its counts are being read."""
    if row is None:
        return (name_of(folder), ""), ("...", "dim"), ("...", "dim"), ("...", "dim")
    bundles = f"{row.bundles:,}"
    return (name_of(folder), ""), (bundles, ""), (bundles, ""), (f"{row.calls:,}", "")


def bundle_cells(row: BundleRow, is_marked: bool) -> tuple[Cell, ...]:
    """The cells of a bundle."""
    signs = ("●" if is_marked else " ") + ("P" if row.pinned else "")
    style = "green" if row.outcome == "returned" else "red"
    took = format_duration(row.duration) if row.duration is not None else "-"
    return (
        (signs, "yellow"),
        (ago(row.timestamp), ""),
        (local_time(row.timestamp), ""),
        (short_hash(row.hash), "cyan"),
        (row.kind, style),
        (row.kind, style),
        (format_size(row.size), ""),
        (took, ""),
        (row.problem or row.arguments, "red" if row.problem else ""),
        (row.ended_with, ""),
    )
