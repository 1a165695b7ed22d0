"""Which charges are approved."""

from __future__ import annotations

import hashlib
from decimal import Decimal

LIMIT = Decimal("2000.00")


def refusal(amount: Decimal, payment_method: str) -> str | None:
    """The reason for declining a charge, None when it is approved."""
    if payment_method.startswith("pm_expired"):
        return "expired_card"
    if amount > LIMIT:
        return "limit_exceeded"
    return None


def authorisation(reference: str, amount: Decimal) -> str:
    """The code that proves an approved charge."""
    return hashlib.sha256(f"{reference}:{amount}".encode()).hexdigest()[:10].upper()
