"""Placing an order goes through the database and the payment service; a hand-written stub stands for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

import pytest
from shop.errors import OutOfStock, PaymentDeclined
from shop.gateway import PaymentGateway
from shop.models import Line, Receipt
from shop.storage import PRODUCTS, Catalogue, OrderBook

from snapagent import Bundle

PRICES = {sku: (Decimal(price), grams) for sku, price, grams, _ in PRODUCTS}


class World:
    """What surrounds the order service: list prices, and a stock and a bank that decide as they once did."""

    def __init__(self, error: BaseException | None, number: str) -> None:
        self.error = error
        self.number = number
        self.taken: list[Line] = []
        self.placed: list[object] = []

    def priced(self, lines: Sequence[Line]) -> list[Line]:
        return [
            dataclasses.replace(line, unit_price=PRICES[line.sku][0], unit_grams=PRICES[line.sku][1]) for line in lines
        ]

    def take(self, lines: Sequence[Line]) -> None:
        if isinstance(self.error, OutOfStock):
            raise OutOfStock(self.error.sku, self.error.missing)
        self.taken = list(lines)

    def put_back(self, lines: Sequence[Line]) -> None:
        assert list(lines) == self.taken
        self.taken = []

    def next_id(self) -> int:
        return int(self.number.split("-")[1])

    def charge(self, amount: Decimal, payment_method: str, reference: str) -> Receipt:
        if isinstance(self.error, PaymentDeclined):
            raise PaymentDeclined(self.error.code, reference)
        return Receipt(reference, amount, "STUB")


@pytest.fixture
def world(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> World:
    error = bundle.exception
    number = bundle.result.number if error is None else getattr(error, "reference", "DE-00000-0")
    world = World(error, number)
    for name in ("priced", "take", "put_back"):
        monkeypatch.setattr(Catalogue, name, staticmethod(getattr(world, name)))
    monkeypatch.setattr(OrderBook, "next_id", staticmethod(world.next_id))
    monkeypatch.setattr(OrderBook, "add", staticmethod(world.placed.append))
    monkeypatch.setattr(PaymentGateway, "charge", staticmethod(world.charge))
    return world


@pytest.mark.captures("shop.orders.OrderService.place", outcome="returned")
def test_a_paid_order_is_entered(bundle: Bundle, world: World) -> None:
    bundle.check(ignore=["result.placed_at", "result.receipt.authorisation"])
    assert len(world.placed) == 1


@pytest.mark.captures("shop.orders.OrderService.place", outcome="raised")
def test_a_failed_order_leaves_the_stock_as_it_was(bundle: Bundle, world: World) -> None:
    bundle.check()
    assert (world.taken, world.placed) == ([], [])
