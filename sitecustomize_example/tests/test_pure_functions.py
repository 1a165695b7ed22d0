"""Functions that only compute: one line a function, one test a captured call."""

from __future__ import annotations

import pytest

from snapagent import Bundle


@pytest.mark.captures("shop.pricing.quote")
def test_quote(bundle: Bundle) -> None:
    bundle.check()


@pytest.mark.captures("shop.pricing.discount")
def test_discount(bundle: Bundle) -> None:
    bundle.check()


@pytest.mark.captures("shop.pricing.shipping")
def test_shipping(bundle: Bundle) -> None:
    bundle.check()


@pytest.mark.captures("shop.delivery.estimate")
def test_estimate_is_async(bundle: Bundle) -> None:
    bundle.check()


@pytest.mark.captures("shop.services.estimate_delivery")
def test_estimate_delivery(bundle: Bundle) -> None:
    bundle.check()


@pytest.mark.captures("shop.reports.csv_rows")
def test_report_is_a_generator(bundle: Bundle) -> None:
    assert bundle.result[0] == "number,total,lines\n"
    bundle.check()


@pytest.mark.captures("shop.basket.merge_lines")
def test_merge_lines_gets_the_basket_as_it_was_before_the_call(bundle: Bundle) -> None:
    lines = bundle.arguments["lines"]
    assert len(lines) - len({line.sku for line in lines}) == bundle.result
    bundle.check()


@pytest.mark.captures("shop.orders.OrderService.number")
def test_order_number_is_a_static_method(bundle: Bundle) -> None:
    bundle.check()


@pytest.mark.captures("shop.orders.OrderService.from_settings")
def test_from_settings_is_a_class_method_and_its_key_is_not_stored(bundle: Bundle) -> None:
    assert bundle.call().gateway.api_key != "demo-key-of-the-shop"
    bundle.check()
