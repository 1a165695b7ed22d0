"""Placing an order goes through the database and the payment service: their recorded calls are served."""

from __future__ import annotations

import pytest

from snapagent import Bundle


@pytest.mark.captures("shop.orders.OrderService.place")
def test_orders_are_placed_as_in_staging(bundle: Bundle) -> None:
    bundle.check()
