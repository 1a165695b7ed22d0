"""The provider's HTTP face: `gunicorn --workers 2 payments.app:app`."""

from __future__ import annotations

import os
from decimal import Decimal

from flask import Flask, Response, jsonify, request

from . import rules

app = Flask(__name__)
API_KEY = os.environ.get("PAYMENTS_API_KEY", "")


@app.get("/health")
def health() -> Response:
    return jsonify(status="ok")


@app.post("/charges")
def charges() -> tuple[Response, int]:
    if request.headers.get("Authorization") != f"Bearer {API_KEY}":
        return jsonify(code="wrong_key"), 401
    charge = request.get_json()
    amount = Decimal(charge["amount"])
    code = rules.refusal(amount, charge["payment_method"])
    if code is not None:
        return jsonify(code=code), 402
    return jsonify(amount=str(amount), authorisation=rules.authorisation(charge["reference"], amount)), 201
