"""The side effects that version 0.1.0 recorded. With NO_REAL set, the real things refuse to be used."""

from __future__ import annotations

import os
from collections.abc import Iterator


class Declined(Exception):
    def __init__(self, order: str, why: str) -> None:
        super().__init__(f"{order}: {why}")
        self.order = order
        self.why = why


def real() -> None:
    if os.environ.get("NO_REAL"):
        raise RuntimeError("the real thing was used")


def send(address: str, text: str = "hi") -> int:
    real()
    return len(text)


def charge(order: str, amount: int) -> dict[str, object]:
    real()
    if amount < 0:
        raise Declined(order, "negative")
    return {"order": order, "amount": amount}


def pages(start: int) -> Iterator[int]:
    real()
    yield start
    yield start + 1
    raise Declined(str(start), "no third page")


async def fetch(order: str) -> list[str]:
    real()
    return [order]
