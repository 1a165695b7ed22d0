"""The records that travel through the shop. Money is `Decimal` euros, weights are grams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass
class Line:
    """One product of a basket. `unit_price` and `unit_grams` are filled in from the catalogue."""

    sku: str
    quantity: int
    unit_price: Decimal = Decimal(0)
    unit_grams: int = 0

    @property
    def price(self) -> Decimal:
        return self.unit_price * self.quantity

    @property
    def grams(self) -> int:
        return self.unit_grams * self.quantity


@dataclass(frozen=True)
class Customer:
    name: str
    email: str


@dataclass(frozen=True)
class OrderRequest:
    """A checked request: what a customer wants, where to, and how it is paid."""

    lines: list[Line]
    country: str
    coupon: str | None
    customer: Customer
    payment_method: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket costs; `total` is everything added up."""

    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class Receipt:
    """What the payment service gave for our money."""

    reference: str
    amount: Decimal
    authorisation: str


@dataclass(frozen=True)
class Order:
    number: str
    customer: Customer
    lines: list[Line]
    quote: Quote
    receipt: Receipt
    placed_at: datetime


@dataclass(frozen=True)
class Delivery:
    """The best offer of the carriers."""

    carrier: str
    price: Decimal
    days: int
