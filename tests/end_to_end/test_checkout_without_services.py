"""The shop's checkout, with a database and a payment service below it, replayed with both of them gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploys import EXAMPLE, DeployShop
from local_service import Service
from traffic import Request, send

API_KEY = "key-of-the-shop"  # as the fixture `payments` has it
TEST = """
import os

import pytest
from shop.gateway import PaymentGateway
from shop.storage import Catalogue, OrderBook

DATABASE = os.environ.get("SHOP_DATABASE", "gone")


def payments():
    return PaymentGateway(os.environ["SHOP_PAYMENTS_URL"], os.environ["PAYMENTS_API_KEY"])


@pytest.mark.captures("shop.orders.OrderService.place")
def test_checkout(bundle, side_effects):
    for method in ("priced", "take", "put_back"):
        side_effects.patch(f"shop.storage:Catalogue.{method}", make=lambda: Catalogue(DATABASE))
    side_effects.patch("shop.storage:OrderBook.next_id", make=lambda: OrderBook(DATABASE))
    side_effects.patch("shop.storage:OrderBook.add", make=lambda: OrderBook(DATABASE), ignore=["order.placed_at"])
    charge = side_effects.patch("shop.gateway:PaymentGateway.charge", make=payments)
    bundle.check(ignore=["result.number", "result.receipt", "result.placed_at", "exception.args[*]"])
    side_effects.assert_calls(charge)
"""


def run_tests(folder: Path, *options: str, **environ: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *options]
    env = {name: value for name, value in os.environ.items() if name != "CI"}
    env |= {"PYTHONPATH": str(EXAMPLE), "PYTHONDONTWRITEBYTECODE": "1", **environ}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def test_checkout_replays_with_the_database_and_the_payment_service_gone(
    deploy_shop: DeployShop, payments: Service, script: list[Request], tmp_path: Path
) -> None:
    deploy = deploy_shop()
    for request in script:
        if request.path == "/orders":
            send(deploy.url, request)
    deploy.stop()
    shutil.copytree(deploy.captures, tmp_path / "captures")
    (tmp_path / "test_shop.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    there = {
        "SHOP_DATABASE": str(deploy.folder / "shop.sqlite3"),
        "SHOP_PAYMENTS_URL": payments.url,
        "PAYMENTS_API_KEY": API_KEY,
    }
    recorded = run_tests(tmp_path, SIDE_EFFECT_CAPTURE="True", **there)
    assert " passed" in recorded and "failed" not in recorded, recorded
    os.remove(there["SHOP_DATABASE"])
    gone = {**there, "SHOP_PAYMENTS_URL": "http://127.0.0.1:9"}
    replayed = run_tests(tmp_path, "--captures-strict", **gone)
    assert " passed" in replayed and "failed" not in replayed and "error" not in replayed, replayed
    assert not os.path.exists(there["SHOP_DATABASE"])
    assert all(API_KEY.encode() not in path.read_bytes() for path in (tmp_path / "captures").rglob("*.pkl"))
