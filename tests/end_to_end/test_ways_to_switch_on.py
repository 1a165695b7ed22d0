"""The three ways to prepare a deploy, each with two gunicorn workers, and two ways at once."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from deploys import EXAMPLE, Deploy, DeployShop
from traffic import Request, send

CALLS = 12
FUNCTION = "shop.services.quote_basket"
RUN = (sys.executable, "-m", "snapagent", "run", "--")


@pytest.fixture
def code_without_sitecustomize(tmp_path: Path) -> str:
    """An import path with the shop on it, but none of the example's other files."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "shop").symlink_to(EXAMPLE / "shop")
    return str(tmp_path / "code")


@pytest.fixture
def python_of_a_new_environment(tmp_path: Path) -> str:
    """A virtual environment that sees what this one has, so that `enable` need not touch this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    folder = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(folder) / "a_borrowed.pth").write_text(line)
    return python


def calls_counted(deploy: Deploy) -> int:
    for _ in range(CALLS):
        assert send_quote(deploy) == 200
    deploy.wait_for_index(FUNCTION)
    deploy.stop()
    calls: int = deploy.index(FUNCTION)["calls"]
    return calls


def send_quote(deploy: Deploy) -> int:
    return send(deploy.url, Request("POST", "/quotes", {"lines": [{"sku": "mug"}]})).status


def test_snapagent_run(deploy_shop: DeployShop, code_without_sitecustomize: str) -> None:
    deploy = deploy_shop(environ={"PYTHONPATH": code_without_sitecustomize}, launcher=RUN)
    assert calls_counted(deploy) == CALLS


def test_snapagent_run_beside_a_sitecustomize_that_installs_too(deploy_shop: DeployShop) -> None:
    assert calls_counted(deploy_shop(launcher=RUN)) == CALLS


def test_snapagent_enable(
    deploy_shop: DeployShop, code_without_sitecustomize: str, python_of_a_new_environment: str
) -> None:
    subprocess.run([python_of_a_new_environment, "-m", "snapagent", "enable"], check=True, cwd=EXAMPLE.parent)
    deploy = deploy_shop(environ={"PYTHONPATH": code_without_sitecustomize}, python=python_of_a_new_environment)
    assert calls_counted(deploy) == CALLS
