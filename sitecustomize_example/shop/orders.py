"""Placing orders: stock, payment and the order book, in an order that can be undone."""

from __future__ import annotations

from datetime import UTC, datetime

from . import basket, pricing
from .errors import PaymentDeclined, PaymentsUnreachable
from .gateway import PaymentGateway
from .models import Order, OrderRequest
from .settings import Settings
from .storage import Catalogue, OrderBook


class OrderService:
    def __init__(self, catalogue: Catalogue, book: OrderBook, gateway: PaymentGateway) -> None:
        self.catalogue = catalogue
        self.book = book
        self.gateway = gateway

    @classmethod
    def from_settings(cls, settings: Settings) -> OrderService:
        return cls(
            Catalogue(settings.database),
            OrderBook(settings.database),
            PaymentGateway(settings.payments_url, settings.api_key, settings.timeout),
        )

    @staticmethod
    def number(order_id: int, country: str) -> str:
        """The order number that customers see, with a check digit: `DE-00042-6`."""
        digits = f"{order_id:05d}"
        check = sum(position * int(digit) for position, digit in enumerate(digits, start=1)) % 10
        return f"{country}-{digits}-{check}"

    def place(self, request: OrderRequest) -> Order:
        """Place and pay an order; the stock is as before when that fails.

        Raises UnknownProduct, InvalidField, UnknownCoupon, OutOfStock, PaymentDeclined and PaymentsUnreachable.
        """
        basket.merge_lines(request.lines)
        lines = self.catalogue.priced(request.lines)
        quote = pricing.quote(lines, request.country, coupon=request.coupon)
        self.catalogue.take(lines)
        number = self.number(self.book.next_id(), request.country.strip().upper())
        try:
            receipt = self.gateway.charge(quote.total, request.payment_method, number)
        except (PaymentDeclined, PaymentsUnreachable):
            self.catalogue.put_back(lines)
            raise
        order = Order(number, request.customer, lines, quote, receipt, datetime.now(UTC))
        self.book.add(order)
        return order
