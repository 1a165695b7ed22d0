"""The report that the office downloads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal


def csv_rows(orders: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    """The report line by line: a heading, one line an order (number, total, lines), the sum."""
    yield "number,total,lines\n"
    total = Decimal("0.00")
    for number, amount, lines in orders:
        total += Decimal(amount)
        yield f"{number},{amount},{lines}\n"
    yield f"sum,{total},{len(orders)}\n"
