"""Tidying a basket in place."""

from __future__ import annotations

from .models import Line


def merge_lines(lines: list[Line]) -> int:
    """Join lines of the same product and sort by name; changes `lines` itself, returns how many lines went."""
    before = len(lines)
    merged: dict[str, Line] = {}
    for line in lines:
        if line.sku in merged:
            merged[line.sku].quantity += line.quantity
        else:
            merged[line.sku] = line
    lines[:] = sorted(merged.values(), key=lambda line: line.sku)
    return before - len(lines)
