"""Many pods, one pull: three deploys capture and push, their disks are gone, and the tests of a fresh clone pass."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import seaweedfs
from deploys import EXAMPLE, DeployShop
from seaweedfs import SeaweedFS
from traffic import requests, send

KEY = "the key of the fleet"


def test_what_three_pods_captured_replays_in_a_fresh_clone(
    deploy_shop: DeployShop, seaweed: SeaweedFS, tmp_path: Path
) -> None:
    remote = {
        **seaweedfs.environment(seaweed.url),
        "SNAPAGENT_REMOTE": f"s3://{seaweedfs.BUCKET}/three-pods-{os.urandom(4).hex()}",
        "SNAPAGENT_KEY": KEY,
    }
    yaml = (EXAMPLE / "snapagent.yaml").read_text()
    pods = [deploy_shop(yaml, environ={"SNAPAGENT_KEY": KEY}) for _ in range(3)]
    sidecars = [
        _snapagent(remote | {"SNAPAGENT_CAPTURE_DIR": str(pod.captures)}, tmp_path,
                   "push", "--watch", "--interval", "100ms", "--per-function", ".inf")
        for pod in pods
    ]  # fmt: skip
    for at, request in enumerate(requests(quotes=60, orders=36, deliveries=40, reports=3)):
        assert send(pods[at % 3].url, request).status in request.expected
    for pod in pods:
        pod.stop()
    for sidecar in sidecars:
        sidecar.send_signal(signal.SIGTERM)
        out, err = sidecar.communicate(timeout=60)
        assert sidecar.returncode == 0, out + err
    for pod in pods:
        shutil.rmtree(pod.folder)

    clone = tmp_path / "clone"
    shutil.copytree(EXAMPLE, clone, ignore=shutil.ignore_patterns("captures", "var", "__pycache__", ".pytest_cache"))
    pull = _snapagent(remote, clone, "pull", "--keep", "2", "--to", "captures")
    out, err = pull.communicate(timeout=60)
    assert pull.returncode == 0, out + err
    assert "shop.orders.OrderService.place" in out

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environ = _plain() | {"SNAPAGENT_KEY": KEY}
    done = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout and "skipped" not in done.stdout


def _snapagent(environ: dict[str, str], folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "snapagent", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=_plain() | environ, stdout=pipe, stderr=pipe, text=True)


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SNAP", "PYTEST_", "AWS_"))}
