"""What can go wrong in the shop. Each error knows the status code with which the service answers."""

from __future__ import annotations


class ShopError(Exception):
    """Base of the errors that a customer is told about."""

    status = 400


class InvalidField(ShopError):
    """A field of the request is missing or cannot be meant."""

    status = 422

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class UnknownProduct(ShopError):
    """The catalogue has no such product."""

    status = 404

    def __init__(self, sku: str, known: int) -> None:
        super().__init__(f"no product {sku!r} among the {known} in the catalogue")
        self.sku = sku
        self.known = known


class OutOfStock(ShopError):
    """Fewer pieces are left than were ordered."""

    status = 409

    def __init__(self, sku: str, missing: int) -> None:
        super().__init__(f"{missing} too few of {sku}")
        self.sku = sku
        self.missing = missing


class UnknownCoupon(ShopError):
    """No such coupon, or it has run out."""

    status = 422

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return f"coupon {self.code!r} is not valid"


class NoDelivery(ShopError):
    """No carrier takes this parcel to that country."""

    status = 422

    def __init__(self, country: str, grams: int) -> None:
        super().__init__(f"no carrier takes {grams} g to {country}")
        self.country = country
        self.grams = grams


class PaymentDeclined(ShopError):
    """The payment service answered, and the answer is no."""

    status = 402

    def __init__(self, code: str, reference: str) -> None:
        super().__init__(f"payment {reference} declined: {code}")
        self.code = code
        self.reference = reference


class PaymentsUnreachable(ShopError):
    """The payment service did not answer in time, or not sensibly."""

    status = 502
