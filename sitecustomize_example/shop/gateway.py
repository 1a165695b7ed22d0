"""The payment service, seen from the shop: one HTTP call."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from decimal import Decimal

from .errors import PaymentDeclined, PaymentsUnreachable
from .models import Receipt


class PaymentGateway:
    def __init__(self, url: str, api_key: str, timeout: float = 10.0) -> None:
        self.url = url
        self.api_key = api_key
        self.timeout = timeout

    def charge(self, amount: Decimal, payment_method: str, reference: str) -> Receipt:
        """Take the money. Raises PaymentDeclined and PaymentsUnreachable."""
        body = json.dumps({"amount": str(amount), "payment_method": payment_method, "reference": reference}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.api_key}"}
        request = urllib.request.Request(f"{self.url}/charges", data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            if error.code != 402:
                raise PaymentsUnreachable(f"the payment service answered {error.code}") from error
            raise PaymentDeclined(json.load(error)["code"], reference) from None
        except (OSError, ValueError) as error:
            raise PaymentsUnreachable(f"the payment service cannot be reached: {error}") from error
        return Receipt(reference, Decimal(answer["amount"]), answer["authorisation"])
