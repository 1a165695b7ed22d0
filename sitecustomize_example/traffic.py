"""Requests as customers send them: all different, some of them wrong."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

SKUS = ("kettle", "lamp", "mug", "notebook", "pen")
COUNTRIES = ("DE", " de", "AT", "FR", "ch ")
COUPONS = (None, None, "WELCOME", "LOYAL")


@dataclass(frozen=True)
class Request:
    """One request, and the status codes that are right answers to it."""

    method: str
    path: str
    body: dict[str, Any] | None
    expected: tuple[int, ...] = (200,)

    @property
    def route(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}"


@dataclass(frozen=True)
class Answer:
    status: int
    text: str


def requests(quotes: int, orders: int, deliveries: int, reports: int, seed: int = 7) -> list[Request]:
    """So many requests of each kind, shuffled; the same seed gives the same ones."""
    dice = random.Random(seed)
    wanted = [_quote(dice, index) for index in range(quotes)]
    wanted += [_order(dice, index) for index in range(orders)]
    wanted += [_delivery(dice, index) for index in range(deliveries)]
    wanted += [Request("GET", f"/orders.csv?page={index}", None) for index in range(reports)]
    dice.shuffle(wanted)
    return wanted


def _basket(dice: random.Random, index: int) -> dict[str, Any]:
    lines = [{"sku": dice.choice(SKUS), "quantity": dice.randint(1, 9)} for _ in range(dice.randint(1, 5))]
    lines.append({"sku": "pen", "quantity": 1 + index % 100})
    return {"lines": lines, "country": dice.choice(COUNTRIES), "coupon": dice.choice(COUPONS)}


def _quote(dice: random.Random, index: int) -> Request:
    basket = _basket(dice, index)
    match index % 10:
        case 3:
            return Request("POST", "/quotes", {**basket, "coupon": f"OLD{index}"}, (422,))
        case 5:
            basket["lines"].append({"sku": f"teapot-{index}"})
            return Request("POST", "/quotes", basket, (404,))
        case 7:
            return Request("POST", "/quotes", {"lines": [{"sku": "mug", "quantity": -index}]}, (422,))
    return Request("POST", "/quotes", basket)


def _order(dice: random.Random, index: int) -> Request:
    customer = {"name": f"Customer {index}", "email": f"customer{index}@example.com"}
    order = {**_basket(dice, index), "customer": customer, "payment_method": f"pm_{index:04d}"}
    match index % 8:
        case 1:
            return Request("POST", "/orders", {**order, "payment_method": f"pm_expired_{index}"}, (402,))
        case 3:
            order["lines"].append({"sku": "print-no-7", "quantity": 1})  # few of them exist
            return Request("POST", "/orders", order, (201, 409))
        case 6:
            return Request("POST", "/orders", {**order, "customer": {"email": f"nobody{index}"}}, (422,))
    return Request("POST", "/orders", order, (201,))


def _delivery(dice: random.Random, index: int) -> Request:
    country, expected = ("US", (422,)) if index % 9 == 4 else (dice.choice(("DE", "AT", "FR")), (200,))
    return Request("GET", f"/delivery?country={country}&grams={100 + 37 * index % 9_000}", None, expected)


def send(url: str, request: Request) -> Answer:
    """Send one request and return the answer, whatever its status. Raises OSError when there is none."""
    data = None if request.body is None else json.dumps(request.body).encode()
    wire = urllib.request.Request(
        url + request.path, data=data, method=request.method, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(wire, timeout=30) as response:
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode())


def send_all(url: str, wanted: Sequence[Request], threads: int) -> Iterator[tuple[Request, Answer]]:
    """Send them from several threads; the answers come in the order of the requests."""
    with ThreadPoolExecutor(threads) as pool:
        yield from zip(wanted, pool.map(lambda request: send(url, request), wanted), strict=True)
