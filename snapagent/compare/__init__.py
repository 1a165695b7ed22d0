"""Comparison that explains: two values in, a list of the places where they differ out."""

from __future__ import annotations

from .comparing import compare, examine, make_options
from .report import Comparison, Difference, NotCompared, format_comparison, format_differences

__all__ = [
    "Comparison",
    "Difference",
    "NotCompared",
    "compare",
    "examine",
    "format_comparison",
    "format_differences",
    "make_options",
]
