"""What things cost. Nothing here reads or writes anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from .decorators import tidy_country
from .errors import InvalidField, UnknownCoupon
from .models import Line, Quote

CENT = Decimal("0.01")
FREE_SHIPPING_FROM = Decimal("75.00")
VAT = {"DE": Decimal("0.19"), "AT": Decimal("0.20"), "FR": Decimal("0.20"), "CH": Decimal("0.081")}
COUPONS = {"WELCOME": Decimal("0.10"), "LOYAL": Decimal("0.15")}


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def discount(subtotal: Decimal, coupon: str | None) -> Decimal:
    """What a coupon takes off. Raises UnknownCoupon."""
    if not coupon:
        return Decimal("0.00")
    try:
        return cents(subtotal * COUPONS[coupon])
    except KeyError:
        raise UnknownCoupon(coupon) from None


def shipping(lines: Iterable[Line], subtotal: Decimal) -> Decimal:
    """Free for large baskets, else by weight: 3.90 for the first kilogram and 1.20 for each one begun after it."""
    if subtotal >= FREE_SHIPPING_FROM:
        return Decimal("0.00")
    kilograms = -(-sum(line.grams for line in lines) // 1000)
    return Decimal("3.90") + Decimal("1.20") * max(kilograms - 1, 0)


@tidy_country
def quote(lines: Sequence[Line], country: str = "DE", *, coupon: str | None = None) -> Quote:
    """The price of a basket. Raises InvalidField for a country that we do not sell to, and UnknownCoupon."""
    if country not in VAT:
        raise InvalidField("country", f"we do not sell to {country!r}")
    subtotal = sum((line.price for line in lines), Decimal("0.00"))
    off = discount(subtotal, coupon)
    carriage = shipping(lines, subtotal)
    tax = cents((subtotal - off + carriage) * VAT[country])
    return Quote(subtotal, off, carriage, tax, subtotal - off + carriage + tax)
