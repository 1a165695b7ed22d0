"""The HTTP face of the shop: JSON in, JSON out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from . import services
from .errors import InvalidField, ShopError
from .models import Quote
from .orders import OrderService

bp = Blueprint("shop", __name__)


def order_service() -> OrderService:
    service: OrderService = current_app.extensions["shop.orders"]
    return service


def json_object() -> dict[str, Any]:
    payload = request.get_json(silent=True)
    if not isinstance(payload, dict):
        raise InvalidField("body", "a JSON object is missing")
    return payload


def quote_as_json(quote: Quote) -> dict[str, str]:
    return {name: str(getattr(quote, name)) for name in ("subtotal", "discount", "shipping", "tax", "total")}


@bp.errorhandler(ShopError)
def refuse(error: ShopError) -> tuple[Response, int]:
    return jsonify(error=type(error).__name__, message=str(error)), error.status


@bp.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@bp.post("/quotes")
def quotes() -> Response:
    return jsonify(quote_as_json(services.quote_basket(order_service(), json_object())))


@bp.post("/orders")
def orders() -> tuple[Response, int]:
    order = services.place_order(order_service(), json_object())
    return jsonify(number=order.number, quote=quote_as_json(order.quote), paid=order.receipt.authorisation), 201


@bp.get("/delivery")
def delivery() -> Response:
    best = services.estimate_delivery(request.args.get("country", "DE"), request.args.get("grams", ""))
    return jsonify(carrier=best.carrier, price=str(best.price), days=best.days)


@bp.get("/orders.csv")
def orders_csv() -> Response:
    return Response(services.report(order_service()), mimetype="text/csv")
