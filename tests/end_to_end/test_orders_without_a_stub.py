"""The example's orders: captured with their dependencies, replayed by `bundle.check()` alone with the services gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deploys import EXAMPLE, DeployShop
from traffic import Request, send


def run_tests(folder: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_orders.py"]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(deploy_shop: DeployShop, script: list[Request], tmp_path: Path) -> Path:
    """The example with the captures of its orders, after both services and the database are gone."""
    deploy = deploy_shop((EXAMPLE / "snapagent.yaml").read_text())
    for request in script:
        if request.path == "/orders":
            send(deploy.url, request)
    deploy.stop()
    os.remove(deploy.folder / "shop.sqlite3")
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("captures*", "__pycache__"))
    shutil.copytree(deploy.captures, folder / "captures")
    return folder


def change(project: Path, line: str, by: str) -> None:
    source = project / "shop" / "orders.py"
    text = source.read_text()
    assert text.count(line) == 1
    source.write_text(text.replace(line, by))


def test_orders_pass_as_they_are_and_a_changed_write_is_named(project: Path) -> None:
    code, shown = run_tests(project)
    assert (code, "failed" in shown) == (0, False), shown
    original = (project / "shop" / "orders.py").read_text()

    change(project, "self.gateway.charge(quote.total,", "self.gateway.charge(quote.total + 1,")
    code, shown = run_tests(project)
    assert code == 1
    assert "PaymentGateway.charge" in shown and "amount" in shown

    (project / "shop" / "orders.py").write_text(original)
    change(project, "            self.catalogue.put_back(lines)\n", "")
    code, shown = run_tests(project)
    assert code == 1
    assert "Catalogue.put_back" in shown and "was recorded, not made" in shown
