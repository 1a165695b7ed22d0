"""From JSON to checked records; whatever is wrong is named by its field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InvalidField
from .models import Customer, Line, OrderRequest

MAX_QUANTITY = 100
MAX_LINES = 50


def parse_lines(payload: Mapping[str, Any]) -> list[Line]:
    """The lines of a basket, in the order of the request. Raises InvalidField."""
    lines = payload.get("lines")
    if not isinstance(lines, list) or not lines:
        raise InvalidField("lines", "a basket needs at least one line")
    if len(lines) > MAX_LINES:
        raise InvalidField("lines", f"{len(lines)} lines are more than {MAX_LINES}")
    return [_parse_line(index, line) for index, line in enumerate(lines)]


def _parse_line(index: int, line: Any) -> Line:
    where = f"lines[{index}]"
    if not isinstance(line, dict) or not isinstance(line.get("sku"), str):
        raise InvalidField(f"{where}.sku", "the name of a product is missing")
    quantity = line.get("quantity", 1)
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 < quantity <= MAX_QUANTITY:
        raise InvalidField(f"{where}.quantity", f"{quantity!r} is not a number from 1 to {MAX_QUANTITY}")
    return Line(line["sku"], quantity)


def parse_order(payload: Mapping[str, Any]) -> OrderRequest:
    """A whole order. Raises InvalidField."""
    customer = payload.get("customer")
    if not isinstance(customer, dict):
        raise InvalidField("customer", "missing")
    email = customer.get("email", "")
    if not isinstance(email, str) or "@" not in email:
        raise InvalidField("customer.email", f"{email!r} is not an address")
    method = payload.get("payment_method")
    if not isinstance(method, str) or not method.startswith("pm_"):
        raise InvalidField("payment_method", f"{method!r} does not come from the payment service")
    return OrderRequest(
        lines=parse_lines(payload),
        country=str(payload.get("country", "DE")),
        coupon=payload.get("coupon"),
        customer=Customer(str(customer.get("name", "")), email),
        payment_method=method,
    )
