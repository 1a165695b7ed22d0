"""Two gunicorn workers under concurrent load, loaded in each worker or once before the fork."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from deploys import Deploy, DeployShop
from traffic import Request, requests, send, send_all

from snapagent import load_captures
from snapagent.bundle import decode

LOAD = {"quotes": 120, "orders": 64, "deliveries": 60, "reports": 6}
LAST = [
    Request("POST", "/quotes", {"lines": [{"sku": "mug", "quantity": 1 + index}], "country": "AT"})
    for index in range(10)
]
CALLS = {
    "shop.services.quote_basket": LOAD["quotes"] + len(LAST),
    "shop.services.place_order": LOAD["orders"],
    "shop.services.estimate_delivery": LOAD["deliveries"],
    "shop.services.report": LOAD["reports"],
    "shop.delivery.estimate": LOAD["deliveries"],
}


@dataclass(frozen=True)
class Aftermath:
    """A deploy that has ended, and the status codes of its answers."""

    deploy: Deploy
    statuses: Counter[int]


@pytest.fixture(scope="module", params=[(), ("--preload",), ("--threads", "4")], ids=["workers", "preload", "threads"])
def aftermath(request: pytest.FixtureRequest, deploy_shop: DeployShop) -> Aftermath:
    deploy = deploy_shop(options=request.param)
    answered = list(send_all(deploy.url, requests(**LOAD), threads=8))
    assert [answer for request, answer in answered if answer.status not in request.expected] == []
    for quote in LAST:
        assert send(deploy.url, quote).status == 200
    deploy.stop()
    return Aftermath(deploy, Counter(answer.status for _, answer in answered))


def test_the_index_counts_every_call_of_both_workers(aftermath: Aftermath) -> None:
    assert {name: aftermath.deploy.index(name)["calls"] for name in CALLS} == CALLS


def test_every_counted_call_has_a_fate(aftermath: Aftermath) -> None:
    for name in CALLS:
        index = aftermath.deploy.index(name)
        fates = index["captured"] + sum(index["skipped"].values()) + sum(index["failed"].values())
        assert fates == index["calls"], index
        assert index["failed"] == {}


def test_each_function_keeps_its_newest_calls_and_one_of_each_other_outcome(aftermath: Aftermath) -> None:
    bundles = load_captures("shop.services.quote_basket", base_path=str(aftermath.deploy.captures))
    newest = [bundle.arguments["payload"] for bundle in bundles[-3:]]
    assert newest == [request.body for request in LAST[-3:]]
    kinds = sorted(type(bundle.exception).__name__ for bundle in bundles[:-3])
    assert kinds == ["InvalidField", "UnknownCoupon", "UnknownProduct"]


def test_nothing_is_torn_and_no_temporary_file_stays(aftermath: Aftermath) -> None:
    files = [path for path in aftermath.deploy.captures.rglob("*") if path.is_file()]
    for path in files:
        if path.suffix == ".pkl":
            decode(path.read_bytes(), str(path))
    visible = {path.suffix for path in files if not path.name.startswith(".")}
    assert visible == {".pkl", ".json"}
    assert [path.name for path in files if "tmp" in path.name] == []


def test_the_index_lists_the_bundles_that_are_there(aftermath: Aftermath) -> None:
    for name in CALLS:
        there = [path.name for path in aftermath.deploy.bundles(name)]
        assert len(aftermath.deploy.index(name)["bundles"]) == len(there) > 0


def test_the_workers_say_nothing_of_us(aftermath: Aftermath) -> None:
    assert "snapagent" not in aftermath.deploy.log
    assert "Traceback" not in aftermath.deploy.log
