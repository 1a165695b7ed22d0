"""What the views call: one function for each thing that a customer can do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from . import basket, delivery, pricing, reports, validation
from .decorators import timed
from .errors import InvalidField
from .models import Delivery, Order, Quote
from .orders import OrderService


@timed
def quote_basket(orders: OrderService, payload: Mapping[str, Any]) -> Quote:
    """Price a basket without ordering it."""
    lines = validation.parse_lines(payload)
    basket.merge_lines(lines)
    priced = orders.catalogue.priced(lines)
    return pricing.quote(priced, str(payload.get("country", "DE")), coupon=payload.get("coupon"))


@timed
def place_order(orders: OrderService, payload: Mapping[str, Any]) -> Order:
    """Order and pay."""
    return orders.place(validation.parse_order(payload))


@timed
def estimate_delivery(country: str, grams: str) -> Delivery:
    """`grams` comes as text, from the query of the address."""
    if not grams.isdigit():
        raise InvalidField("grams", f"{grams!r} is not a weight in grams")
    return asyncio.run(delivery.estimate(country, int(grams)))


@timed
def report(orders: OrderService) -> Iterator[str]:
    """The orders so far, as lines of CSV."""
    return reports.csv_rows(orders.book.summaries())
