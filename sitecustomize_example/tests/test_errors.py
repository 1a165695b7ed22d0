"""Calls that raised: the same exception comes again, with everything that it says."""

from __future__ import annotations

import pytest
from shop.errors import InvalidField, NoDelivery, UnknownCoupon

from snapagent import Bundle


@pytest.mark.captures("shop.validation.parse_order", outcome="raised")
def test_a_wrong_order_is_refused_by_field(bundle: Bundle) -> None:
    assert isinstance(bundle.exception, InvalidField)
    assert bundle.exception.field == "customer.email"
    bundle.check()


@pytest.mark.captures("shop.delivery.estimate", outcome="raised")
def test_no_carrier_goes_there(bundle: Bundle) -> None:
    with pytest.raises(NoDelivery) as raised:
        bundle.call()
    assert (raised.value.country, raised.value.grams) == bundle.args


@pytest.mark.captures("shop.pricing.quote", outcome="raised")
def test_a_bad_coupon_is_named(bundle: Bundle) -> None:
    with pytest.raises(UnknownCoupon, match=bundle.kwargs["coupon"]):
        bundle.call()
