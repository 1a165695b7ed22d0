"""Fixtures that deploy the example's shop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from deploys import TARGETS, Deploy, DeployShop
from local_service import Service
from traffic import Answer, Request, requests, send

API_KEY = "key-of-the-shop"


@pytest.fixture(scope="session")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("payments")
    environ = {"PAYMENTS_API_KEY": API_KEY}
    service = Service("payments.app:app", cwd=folder, log=folder / "payments.log", environ=environ)
    service.wait_until_ready()
    yield service
    service.stop()


@pytest.fixture(scope="session")
def deploy_shop(payments: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployShop]:
    """`deploy_shop(yaml, environ={...}, options=("--preload",))`; capture is on unless `environ` says else."""
    running: list[Deploy] = []

    def start(yaml: str = TARGETS, *, environ: Mapping[str, str] | None = None, **service: Any) -> Deploy:
        folder = tmp_path_factory.mktemp("shop")
        (folder / "snapagent.yaml").write_text(yaml)
        common = {"SHOP_PAYMENTS_URL": payments.url, "PAYMENTS_API_KEY": API_KEY, "SNAPAGENT_CAPTURE_ENABLED": "1"}
        running.append(Deploy(folder, {**common, **(environ or {})}, **service))
        return running[-1]

    yield start
    for deploy in running:
        deploy.service.stop()


@pytest.fixture(scope="session")
def script() -> list[Request]:
    """Requests of every kind, to be sent one after the other."""
    return requests(quotes=40, orders=24, deliveries=20, reports=2)


@pytest.fixture(scope="session")
def bare_answers(deploy_shop: DeployShop, script: list[Request]) -> list[Answer]:
    """What the shop answers to the script without us; everything in it follows from the requests before it."""
    deploy = deploy_shop(environ={"SNAPAGENT_CAPTURE_ENABLED": "0"})
    answers = [send(deploy.url, request) for request in script]
    deploy.stop()
    assert not deploy.captures.exists()
    return answers
