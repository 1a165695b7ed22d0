"""Real servers of Debian's packages on loopback: PostgreSQL and Redis. Tests skip where one is not installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SECONDS = 30.0  # to come up on a busy machine
_DEBIAN = "/usr/lib/postgresql"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} did not come up")


@contextmanager
def redis_running() -> Iterator[int]:
    """The port of a Redis that keeps everything in memory."""
    command = shutil.which("redis-server")
    if command is None:
        pytest.skip("redis-server is not installed (Debian package redis-server)")
    port = _free_port()
    words = [command, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def postgres_running() -> Iterator[int]:
    """The port of a PostgreSQL with the user and the database `postgres`, which asks for no password."""
    binaries = _postgres()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp", ignore_cleanup_errors=True) as folder:
        user = _other_user(folder)  # it refuses to run as root
        data = f"{folder}/data"
        made = [*user, str(binaries / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder)
        words = [*user, str(binaries / "postgres"), "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"]
        process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, process)
            _wait_until_ready(binaries, port)
            yield port
        finally:
            process.send_signal(signal.SIGINT)  # a killed server leaves its shared memory in /dev/shm
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(binaries: Path, port: int) -> None:
    until = time.monotonic() + _SECONDS
    command = [str(binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
    while time.monotonic() < until and subprocess.run(command, capture_output=True).returncode:
        time.sleep(0.02)


def _postgres() -> Path | None:
    """The folder of the newest release, found on the path or where Debian puts it."""
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path(_DEBIAN).glob("*/bin"), reverse=True) if os.path.isdir(_DEBIAN) else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _other_user(folder: str) -> list[str]:
    if os.getuid() != 0:
        return []
    shutil.chown(folder, "nobody")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
